"""gzip and zstd as they are read: in bounded memory, with a cap, and never taking a cut-off archive for a whole one."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import zstandard

from clear_core.errors import InputError
from clear_core.io.record import DamagedError
from clear_core.io.source import Compression

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FREE_BYTES: Final = 256 * 1024 * 1024
MAX_RATIO: Final = 100
"""An archive may unpack to FREE_BYTES, or to MAX_RATIO times its own size where that is more."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


# What one feed can become is bounded: gzip expands up to 1032:1, a zstd block of 4 bytes to 128 KiB.
_FEED: Final = {"gz": 16 * 1024, "zst": 1024}


class Unpacker(io.RawIOBase):
    """Plain bytes of a gzip or zstd stream of one or more members, in bounded memory.

    The standard readers do not fit: zstandard's takes a cut-off file for a whole one, and none has a cap.

    Args:
        packed: the compressed file.
        compression: "gz" or "zst".
        limit: how many bytes it may unpack to.
    """

    def __init__(self, packed: BinaryIO, compression: Compression, limit: int) -> None:
        self._packed = packed
        self._compression = compression
        self._limit = limit
        self._made = 0
        self._ready = memoryview(b"")
        self._waiting = b""
        self._inner = self._fresh()

    def _fresh(self) -> _Decompressor:
        if self._compression == "gz":
            return zlib.decompressobj(wbits=31)
        return zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()

    def seekable(self) -> bool:
        """Never."""
        return False

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close the compressed file too."""
        self._packed.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill a buffer with plain bytes; 0 at the end.

        Raises:
            DamagedError: when the archive ends early or is broken.
            InputError: when it unpacks to more than the limit.
        """
        target = memoryview(buffer).cast("B")
        while not self._ready and (data := self._feed()):
            self._ready = memoryview(self._unpack(data))
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _feed(self) -> bytes:
        """The next compressed bytes; none at the end of the last member."""
        data = self._waiting or self._packed.read(_FEED[self._compression])
        if not self._inner.eof:
            if not data:
                raise DamagedError("The archive ends early: what followed is missing.", "Copy the whole file again.")
            return data
        while data and self._compression == "gz" and not data.strip(b"\0"):  # gzip files may be padded with zeros
            data = self._packed.read(_FEED[self._compression])
        if data:
            self._inner = self._fresh()
        return data.lstrip(b"\0") if self._compression == "gz" else data

    def _unpack(self, data: bytes) -> bytes:
        try:
            made = self._inner.decompress(data)
        except (zlib.error, zstandard.ZstdError) as error:
            raise DamagedError(f"The archive is damaged ({error}).", "Copy the file again.") from error
        self._waiting = self._inner.unused_data
        self._made += len(made)
        if self._made > self._limit:
            raise InputError(
                f"The archive unpacks to more than {self._limit // 2**20:,} MiB, far beyond its own size.",
                "If it is meant to, unpack it yourself and use the unpacked file.",
            )
        return made
