"""The route that hands out an export: files that `db.curation` wrote, and the records behind them, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy.engine import Engine
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from clear_core.errors import ClearError
from clear_core.io import to_line
from clear_core.propose import Gamma, Thresholds
from clear_core.types import ConfidenceScore, Preference, Proposal
from db.curation import Curation, export_dataset, proposals
from db.policies import get_policy
from db.scores import iter_preferences, iter_scores
from pages.parts import tickets
from pages.parts.basis import Basis
from pages.parts.download import download_link
from pages.parts.shell import engine, settings

PATH: Final = "/api/export"

What = Literal["same", "openai", "manifest", "decisions", "changes", "scores", "preferences", "proposals"]


def export_route() -> Route:
    """GET /api/export?ticket=...: one file of an export, as the ticket says."""
    return Route(PATH, _download, methods=["GET"])


def export_link(at_hand: Basis, what: What, label: str) -> None:
    """Show the link that downloads one file of the export at hand."""
    thresholds = at_hand.thresholds
    download_link(
        label,
        PATH,
        "export",
        what=what,
        dataset=at_hand.dataset.id,
        run=at_hand.score.id,
        correct=at_hand.correct.id if at_hand.correct else None,
        policy=at_hand.policy.id if at_hand.policy else None,
        gamma=str(thresholds.gamma),
        eta=thresholds.eta,
        scope=thresholds.scope,
    )


async def _download(request: Request) -> Response:
    grant = tickets.read(request.query_params.get("ticket", ""), "export")
    if grant is None or not tickets.from_this_app(request):
        return PlainTextResponse("This link is no longer good. Reload the page it came from.", status_code=403)
    try:
        return await run_in_threadpool(_answer, engine(), settings().exports_dir, grant)
    except ClearError as error:
        return PlainTextResponse(str(error), status_code=409)


def _answer(database: Engine, folder: Path, grant: dict[str, Any]) -> Response:
    """The file that a ticket grants; an export that was not asked for before is written first."""
    curation, what = _curation(database, grant), grant["what"]
    if what in {"scores", "preferences", "proposals"}:
        return _records(database, curation, what)
    exported = export_dataset(database, folder, curation, "openai" if what == "openai" else "same")
    path = {"manifest": exported.manifest, "decisions": exported.decisions, "changes": exported.changes}.get(
        what, exported.curated
    )
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


def _curation(database: Engine, grant: dict[str, Any]) -> Curation:
    policy = get_policy(database, grant["policy"]) if grant["policy"] is not None else None
    thresholds = Thresholds(Gamma.parse(grant["gamma"]), grant["eta"], grant["scope"])
    return Curation(grant["dataset"], grant["run"], grant["correct"], thresholds, policy)


def _records(database: Engine, curation: Curation, what: str) -> Response:
    """The scores, preferences or proposals behind an export as JSON lines, streamed from the database."""
    records: Iterator[ConfidenceScore] | Iterator[Preference] | Iterator[Proposal]
    if what == "scores":
        records = iter_scores(database, curation.score_run_id)
    elif what == "proposals":
        records = proposals(database, curation)
    else:
        correct = curation.correct_run_id
        records = iter_preferences(database, correct) if correct is not None else iter(())
    return StreamingResponse(
        (to_line(record) for record in records),
        media_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{what}.jsonl"'},
    )
