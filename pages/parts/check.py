"""A look through an uploaded file before its import: what it is, how it reads, and which rows can't be used."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from clear_core.io.detect import detect
from clear_core.io.readers import read_examples
from clear_core.io.source import Detection, FieldMap, Source
from clear_core.types import Example, RowProblem
from pages.parts.text import beginning

_PATIENCE: Final = 2.0
"""Seconds spent looking; a larger file is checked in full by its import."""

_SHOWN: Final = 5
LISTED: Final = 100
"""Problems listed on a page; a download has all."""
_RAW: Final = 1_024
"""Characters kept of each record with a problem: a check stays in memory, and a record may be long."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was seen.

    Attributes:
        examples: the first examples, as a reader would see them.
        good: records that read well, of those looked at.
        bad: records with a problem, of those looked at.
        problems: the first of those problems, with the beginning of each record.
        complete: whether the whole file was looked at.
    """

    examples: tuple[Example, ...]
    good: int
    bad: int
    problems: tuple[RowProblem, ...]
    complete: bool


@st.cache_data(max_entries=8, show_spinner=False)
def detected(_source: Source, sha256: str, name: str) -> Detection:
    """What a file was found to be; remembered by its content and name.

    Raises:
        InputError: when no shape fits.
    """
    del sha256, name  # the key of the cache
    return detect(_source)


@st.cache_data(max_entries=8, show_spinner=False)
def checked(_source: Source, sha256: str, name: str, field_map: FieldMap) -> Check:
    """Read a file with these columns for at most two seconds; remembered by its content, name and columns.

    Raises:
        InputError: when the file can't be read at all.
    """
    del sha256, name  # the key of the cache
    examples: list[Example] = []
    problems: list[RowProblem] = []
    good = bad = 0
    deadline = time.monotonic() + _PATIENCE
    for record in read_examples(_source, field_map):
        if isinstance(record, RowProblem):
            bad += 1
            if len(problems) < LISTED:
                problems.append(replace(record, raw=beginning(record.raw, _RAW)))
        else:
            good += 1
            if len(examples) < _SHOWN:
                examples.append(record)
        if time.monotonic() > deadline:
            return Check(tuple(examples), good, bad, tuple(problems), complete=False)
    return Check(tuple(examples), good, bad, tuple(problems), complete=True)
