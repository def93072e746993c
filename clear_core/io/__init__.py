"""Readers and writers: one file per family of formats, one field map for all."""

from clear_core.io.atomic import atomic_writer
from clear_core.io.curation import ExportCounts
from clear_core.io.detect import detect, read_columns
from clear_core.io.manifest import build_manifest, file_sha256, manifest_path, write_manifest
from clear_core.io.opening import sniff
from clear_core.io.readers import read_examples, read_preview
from clear_core.io.records import (
    read_decisions,
    read_preferences,
    read_proposals,
    read_scores,
    to_line,
    to_record,
    write_records,
)
from clear_core.io.source import Compression, Detection, FieldMap, FileFormat, Source
from clear_core.io.writers import ExportFormat, curated_name, write_curated

__all__ = [
    "Compression",
    "Detection",
    "ExportCounts",
    "ExportFormat",
    "FieldMap",
    "FileFormat",
    "Source",
    "atomic_writer",
    "build_manifest",
    "curated_name",
    "detect",
    "file_sha256",
    "manifest_path",
    "read_columns",
    "read_decisions",
    "read_examples",
    "read_preferences",
    "read_preview",
    "read_proposals",
    "read_scores",
    "sniff",
    "to_line",
    "to_record",
    "write_curated",
    "write_manifest",
    "write_records",
]
