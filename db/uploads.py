"""Uploads on disk, named by the hash of their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload that is safely on disk.

    Attributes:
        path: the file, named by its hash.
        sha256: hash of its bytes, in hex.
        size: its length in bytes.
    """

    path: Path
    sha256: str
    size: int


class UploadSink:
    """Receives an upload piece by piece; the file appears under its hash only when complete.

    Use as a context manager; leaving it without `commit` removes what was received.

    Args:
        uploads_dir: where uploads live (`settings.uploads_dir`).
        max_bytes: refuse more than this; None for no limit.
    """

    def __init__(self, uploads_dir: Path, max_bytes: int | None = None) -> None:
        raise NotImplementedError

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            InputError: when the upload grows beyond the limit.
        """
        raise NotImplementedError

    def commit(self) -> StoredUpload:
        """Make the upload durable under its hash; the same bytes twice are one file."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        raise NotImplementedError


def store_file(uploads_dir: Path, path: Path) -> StoredUpload:
    """Copy a file that is already on this machine into the uploads."""
    raise NotImplementedError
