"""The route that downloads the bad rows of a dataset or of an upload, streamed line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from sqlalchemy.engine import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from clear_core.errors import StateError
from clear_core.io import FieldMap, Source, read_examples
from clear_core.types import Example, RowProblem
from db.datasets import get_dataset, iter_row_problems
from pages.parts import tickets
from pages.parts.shell import engine, settings
from pages.parts.upload_route import uploaded

PATH: Final = "/api/problems"
_PIECE: Final = 1 << 16
_RECORDS: Final = 1_000
"""Records read before something is sent, if only nothing: a download that was broken off ends there."""


def problems_route() -> Route:
    """GET /api/problems?ticket=...: JSON lines of row, field, reason and the record as it stands in the file.

    The ticket names a dataset, or an upload with the columns chosen for it; the upload is then read once more.
    """
    return Route(PATH, _download, methods=["GET"])


async def _download(request: Request) -> Response:
    grant = tickets.read(request.query_params.get("ticket", ""), "problems")
    if grant is None or not tickets.from_this_app(request):
        return PlainTextResponse("This link is no longer good. Reload the page it came from.", status_code=403)
    try:
        name, records = await run_in_threadpool(_records, engine(), settings().uploads_dir, grant)
    except StateError as error:
        return PlainTextResponse(error.message, status_code=404)
    return StreamingResponse(
        _lines(records),
        media_type="application/x-ndjson",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-problems.jsonl"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _records(database: Engine, uploads: Path, grant: dict[str, Any]) -> tuple[str, Iterable[Example | RowProblem]]:
    """What a ticket grants, with a name for the file."""
    if "dataset" in grant:
        get_dataset(database, grant["dataset"])
        return f"dataset-{grant['dataset']}", iter_row_problems(database, grant["dataset"])
    path = uploaded(uploads, grant["upload"])
    if path is None:
        raise StateError("This upload is gone.", "Upload the file again.")
    return "upload", read_examples(Source(path, grant["file"]), FieldMap.from_json(grant["columns"]))


def _lines(records: Iterable[Example | RowProblem]) -> Iterator[bytes]:
    """The bad rows among these records, each as one line of JSON, in pieces."""
    piece = bytearray()
    for number, record in enumerate(records, 1):
        if isinstance(record, RowProblem):
            line = json.dumps(asdict(record), ensure_ascii=False).encode("utf-8", "backslashreplace")
            piece += line + b"\n"
        if len(piece) >= _PIECE or number % _RECORDS == 0:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
