"""The route that takes a file of any size: streamed to disk in pieces, named by its content, never held in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clear_core.errors import InputError
from db.uploads import StoredUpload, UploadSink
from pages.parts import tickets
from pages.parts.text import size

PATH: Final = "/api/upload"
_PIECE: Final = 1 << 20


class _RefusalError(Exception):
    """An upload that ends here, with the words for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def upload_route() -> Route:
    """PUT /api/upload?ticket=...: the body is the file; the answer holds its sha256 and its size in bytes."""
    return Route(PATH, _upload, methods=["PUT"])


def upload_ticket(folder: Path, most: int) -> str:
    """A ticket to upload into a folder.

    Args:
        folder: where files go, named by their sha256.
        most: largest size in bytes.
    """
    return tickets.issue("upload", folder=str(folder), most=most)


def uploaded(folder: Path, sha256: str) -> Path | None:
    """The uploaded file with this content, None if there is none; `sha256` comes from outside and is checked."""
    named = len(sha256) == 64 and all(char in "0123456789abcdef" for char in sha256)
    path = folder / sha256
    return path if named and path.is_file() else None


async def _upload(request: Request) -> JSONResponse:
    try:
        folder, most = _permission(request)
        stored = await _receive(request, folder, most)
    except _RefusalError as refusal:
        return JSONResponse({"error": refusal.message}, status_code=refusal.status)
    return JSONResponse({"sha256": stored.sha256, "bytes": stored.size})


def _permission(request: Request) -> tuple[Path, int]:
    if not tickets.from_this_app(request):
        raise _RefusalError(403, "Uploads are only taken from CLEAR Review's own page.")
    grant = tickets.read(request.query_params.get("ticket", ""), "upload")
    if grant is None:
        raise _RefusalError(403, "This page has been open for too long to upload. Reload it and choose the file again.")
    most = int(grant["most"])
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _RefusalError(413, _too_large(most))
    return Path(grant["folder"]), most


async def _receive(request: Request, folder: Path, most: int) -> StoredUpload:
    """Stream the body to disk; hashing and writing happen off the event loop, so that pages stay quick meanwhile."""
    try:
        with await to_thread.run_sync(UploadSink, folder, most) as sink:
            piece, received = bytearray(), 0
            async for chunk in request.stream():
                piece += chunk
                received += len(chunk)
                if len(piece) >= _PIECE:
                    await to_thread.run_sync(sink.write, bytes(piece))
                    piece.clear()
            await to_thread.run_sync(sink.write, bytes(piece))
            if received == 0:
                raise _RefusalError(422, "The file is empty.")
            return await to_thread.run_sync(sink.commit)
    except ClientDisconnect as gone:
        raise _RefusalError(400, "The upload was broken off.") from gone
    except InputError as error:
        raise _RefusalError(413, _too_large(most)) from error
    except OSError as error:
        raise _RefusalError(507, f"The file could not be stored: {error.strerror or 'the disk failed'}.") from error


def _too_large(most: int) -> str:
    return (
        f"The file is larger than {size(most)}, the limit here. Compress it (.gz, .zst) or raise CLEAR_MAX_UPLOAD_MIB."
    )
