"""Uploads on disk, named by the hash of their bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from clear_core.errors import InputError
from clear_core.io.atomic import sync_folder

RECEIVING: Final = ".receiving-"
ABANDONED_S: Final = 86_400.0
"""A received file that nothing was written to for so long belongs to no upload any more."""


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
        uploads_dir.mkdir(parents=True, exist_ok=True)
        self._folder = uploads_dir
        self._max = max_bytes
        self._hash = hashlib.sha256()
        self._size = 0
        # In the same folder, so that the final rename cannot cross file systems.
        self._file = tempfile.NamedTemporaryFile(dir=uploads_dir, prefix=RECEIVING, delete=False)  # noqa: SIM115

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            InputError: when the upload grows beyond the limit.
        """
        self._size += len(chunk)
        if self._max is not None and self._size > self._max:
            raise InputError(
                f"The upload is larger than {self._max / 2**20:,.0f} MiB.",
                "Compress it (.gz, .zst), split it, or raise CLEAR_MAX_UPLOAD_MIB.",
            )
        self._hash.update(chunk)
        self._file.write(chunk)

    def commit(self) -> StoredUpload:
        """Make the upload durable under its hash; the same bytes twice are one file."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._hash.hexdigest()
        target = self._folder / sha256
        Path(self._file.name).replace(target)
        sync_folder(self._folder)
        return StoredUpload(target, sha256, self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        Path(self._file.name).unlink(missing_ok=True)


def forget_broken_off(uploads_dir: Path) -> None:
    """Remove what uploads left behind whose server was killed; one that may still be under way stays."""
    for path in uploads_dir.glob(f"{RECEIVING}*"):
        if time.time() - path.stat().st_mtime > ABANDONED_S:
            path.unlink(missing_ok=True)


def store_file(uploads_dir: Path, path: Path) -> StoredUpload:
    """Copy a file that is already on this machine into the uploads."""
    with path.open("rb") as file, UploadSink(uploads_dir) as sink:
        shutil.copyfileobj(file, sink, 1 << 20)
        return sink.commit()
