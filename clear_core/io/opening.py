"""Open a file of any supported compression as plain bytes, and tell its format by its first bytes."""

from __future__ import annotations

import io
import re
from pathlib import PurePath
from typing import Final

from clear_core.errors import InputError
from clear_core.io.record import DamagedError, RecordError
from clear_core.io.source import Compression, FileFormat, Source
from clear_core.io.strict_json import decoder
from clear_core.io.unpacking import FREE_BYTES, MAX_RATIO, Unpacker

HEAD: Final = 64 * 1024

_MAGIC: Final[tuple[tuple[bytes, Compression], ...]] = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"))
_FOREIGN: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"\x1f\x8b", "a gzip archive inside an archive", "Unpack it once."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive inside an archive", "Unpack it once."),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Unpack it, or save the sheet as CSV (UTF-8)."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it, or compress it with gzip or zstd."),
    (b"BZh", "a bzip2 archive", "Unpack it, or compress it with gzip or zstd."),
    (b"ARROW1", "an Arrow file", "Save it as Parquet."),
    (b"%PDF", "a PDF", "Upload the data itself: JSONL, JSON, CSV or Parquet."),
    (b"\xff\xfe", "text in UTF-16 or UTF-32", "Save it again as UTF-8."),
    (b"\xfe\xff", "text in UTF-16", "Save it again as UTF-8."),
)
_SUFFIXES: Final[dict[str, FileFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_PACKED: Final = {".gz", ".gzip", ".zst", ".zstd"}
BOM: Final = b"\xef\xbb\xbf"


def open_source(source: Source) -> io.BufferedReader:
    """Open a source as plain bytes, unpacked as they are read.

    Raises:
        InputError: when there is no such file. While reading: DamagedError when an archive is cut off or broken,
            InputError when it unpacks to far more than an archive of its size should.
    """
    packed = open_raw(source)
    head = packed.read(4)
    packed.seek(0)
    compression = compression_of(head)
    if not compression:
        return packed
    limit = max(FREE_BYTES, MAX_RATIO * source.path.stat().st_size)
    return io.BufferedReader(Unpacker(packed, compression, limit), 256 * 1024)


def open_raw(source: Source) -> io.BufferedReader:
    """Open a source's own bytes.

    Raises:
        InputError: when it can't be opened.
    """
    try:
        return source.path.open("rb")
    except OSError as error:
        raise InputError(
            f"{source.name} can't be opened: {error.strerror}.", "Check the name and try again."
        ) from error


def compression_of(head: bytes) -> Compression:
    """The compression that a file's first bytes tell."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "")


def plain_suffix(name: str) -> str:
    """The suffix of a file name, lower case, without that of its compression: "a.JSONL.gz" -> ".jsonl"."""
    return PurePath(plain_name(name)).suffix.lower()


def plain_name(name: str) -> str:
    """A file name without the suffix of its compression."""
    path = PurePath(name)
    return str(path.with_suffix("")) if path.suffix.lower() in _PACKED else name


def sniff(source: Source) -> tuple[FileFormat, Compression]:
    """Tell format and compression; the bytes decide, the name's suffix only where bytes fit more than one format.

    Raises:
        InputError: when it is none of the supported formats.
    """
    with open_raw(source) as packed:
        compression = compression_of(packed.read(4))
    with open_source(source) as plain:
        return _format_of(_head(plain), source.name), compression


def _head(plain: io.BufferedReader) -> bytes:
    """The first bytes, as many as there are even where an archive breaks off among them."""
    head = b""
    try:
        while len(head) < HEAD and (more := plain.read1(HEAD - len(head))):
            head += more
    except DamagedError:
        if not head:
            raise
    return head


def _format_of(head: bytes, name: str) -> FileFormat:
    if head.startswith(b"PAR1"):
        return "parquet"
    _refuse_foreign(head, name)
    text = head.removeprefix(BOM).lstrip()
    if not text:
        raise InputError(f"{name} is empty.", "Upload a file with at least one record.")
    suffix = _SUFFIXES.get(plain_suffix(name))
    if text.startswith(b"[") and (suffix in {"json", "jsonl"} or re.match(rb"\[\s*[\[{\]]", text)):
        return "json"
    if re.match(rb'\{\s*"', text) or (text.startswith(b"{") and suffix != "csv"):
        return _jsonl_or_fail(text, name)
    if suffix == "parquet":
        raise InputError(f"{name} is named Parquet but is not.", "Upload the original file.")
    if suffix == "json":
        raise InputError(f"{name} does not start as JSON does.", "A JSON file holds a list of records: [{…}, {…}].")
    return suffix or "csv"


def _refuse_foreign(head: bytes, name: str) -> None:
    for magic, what, hint in _FOREIGN:
        if head.startswith(magic):
            raise InputError(f"{name} is {what}.", hint)
    if head.count(0) > len(head) // 10:
        raise InputError(f"{name} is not UTF-8 text.", "Save it as UTF-8, or upload the original file.")


def _jsonl_or_fail(text: bytes, name: str) -> FileFormat:
    """JSONL, unless the file is a single object spread over lines."""
    first, newline, _ = text.partition(b"\n")
    if plain_suffix(name) in {".jsonl", ".ndjson"} and len(first) > 2:
        return "jsonl"
    try:
        decoder.decode(first.decode("utf-8", "replace"))
    except RecordError:
        return "jsonl"
    except (ValueError, RecursionError):
        if newline:
            raise InputError(
                f"{name} is one JSON object over several lines, not a list of records.",
                "Save the list inside it as [{…}, {…}], or write one record a line.",
            ) from None
    return "jsonl"
