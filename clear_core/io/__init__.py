"""Readers and writers: one file per family of formats, one field map for all."""

from clear_core.io.detect import detect, read_columns
from clear_core.io.readers import read_examples, read_preview
from clear_core.io.source import Compression, Detection, FieldMap, FileFormat, Source

__all__ = [
    "Compression",
    "Detection",
    "FieldMap",
    "FileFormat",
    "Source",
    "detect",
    "read_columns",
    "read_examples",
    "read_preview",
]
