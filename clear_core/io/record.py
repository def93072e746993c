"""A record as it lies in a file, with what is wrong with it: the common ground of all file formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clear_core.errors import InputError
from clear_core.types import RowProblem

MAX_RECORD_BYTES: Final = 8 * 1024 * 1024
"""A record beyond this becomes a problem: memory stays bounded whatever a file holds."""

MAX_RAW: Final = 64 * 1024
"""How much of a bad record is shown, in bytes."""


class RecordError(InputError):
    """One record can't be used.

    Args:
        field: the column at fault; empty when the record as a whole is.
        message: what is wrong.
        hint: what to do about it.
    """

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.field = field


class DamagedError(InputError):
    """The file can't be read beyond this point; what came before it stands."""


@dataclass(slots=True)
class Gap:
    """Bytes between records that every export keeps: blank lines, a CSV header, the brackets of an array."""

    raw: bytes


@dataclass(slots=True)
class Record:
    """One record.

    Attributes:
        row: 0-based number in the file.
        raw: its bytes, its own line end included; empty where the format has no text of a record (Parquet).
        value: column to value; None when it can't be read.
        problem: why it can't be read.
        lead: the separator before it, written only between two kept records (arrays).
        delimiter: what parts its fields (CSV).
    """

    row: int
    raw: bytes
    value: Mapping[str, Any] | None
    problem: RecordError | None = None
    lead: bytes = b""
    delimiter: str = ""

    def row_problem(self, error: RecordError) -> RowProblem:
        """The record with what is wrong with it, for a person."""
        raw = self.raw
        if not raw and self.value:
            raw = json.dumps(self.value, ensure_ascii=False).encode()
        return RowProblem(row=self.row, field=error.field, reason=str(error), raw=shown(raw))


def too_long(length: int) -> RecordError:
    """The complaint about a record that is no example any more."""
    return RecordError(
        "", f"The record has {length:,} bytes; at most {MAX_RECORD_BYTES:,} are read.", "Split or remove it."
    )


def decode(raw: bytes) -> str:
    """A record's text.

    Raises:
        RecordError: naming the first byte that is no UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        byte = f"Byte {error.start + 1} of the record (0x{raw[error.start]:02x})"
        raise RecordError("", f"{byte} is not UTF-8.", "Save the file again as UTF-8.") from None


def shown(raw: bytes) -> str:
    """Bytes as readable text: at most MAX_RAW of them; NUL and what is no UTF-8 as their numbers."""
    return raw[:MAX_RAW].decode("utf-8", "backslashreplace").replace("\0", "\\x00")[:MAX_RAW]
