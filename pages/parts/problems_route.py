"""The route that downloads a dataset's bad rows, streamed line by line from the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from sqlalchemy.engine import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from clear_core.errors import StateError
from clear_core.types import RowProblem
from db.datasets import get_dataset, iter_row_problems
from pages.parts import tickets
from pages.parts.shell import engine

PATH: Final = "/api/problems"


def problems_route() -> Route:
    """GET /api/problems?ticket=...: JSON lines of row, field, reason and the record as it stands in the file."""
    return Route(PATH, _download, methods=["GET"])


async def _download(request: Request) -> Response:
    grant = tickets.read(request.query_params.get("ticket", ""), "problems")
    if grant is None or not tickets.from_this_app(request):
        return PlainTextResponse("This link is no longer good. Reload the page it came from.", status_code=403)
    try:
        await run_in_threadpool(get_dataset, engine(), grant["dataset"])
    except StateError as error:
        return PlainTextResponse(error.message, status_code=404)
    return StreamingResponse(
        _lines(engine(), grant["dataset"]),
        media_type="application/x-ndjson",
        headers={
            "Content-Disposition": f'attachment; filename="dataset-{grant["dataset"]}-problems.jsonl"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _lines(database: Engine, dataset_id: int) -> Iterator[bytes]:
    for problem in iter_row_problems(database, dataset_id):
        yield problem_line(problem)


def problem_line(problem: RowProblem) -> bytes:
    """A bad row as one line of JSON, with the record as it stands in the file."""
    return json.dumps(asdict(problem), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
