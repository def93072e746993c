"""Results of runs, for the worker: what is still to do, and storing what is finished."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, delete, exists, select

from clear_core.propose import Gamma, Thresholds, rows_to_correct
from clear_core.types import ConfidenceScore, Example, Preference
from db.bulk import PAGE, in_pages, insert_ignore
from db.convert import example_of, preference_values, score_values, to_json
from db.datasets import EXAMPLE, examples_in
from db.engine import read, write
from db.leases import Lease, Progress, locked_run, update_owned
from db.models import ExampleRow, PreferenceRow, RunRow, ScoreRow
from db.records import RunConfig, RunRecord
from db.scores import ResultRow, score_table

FEED = 200
"""Examples read at a time for a worker."""


def pending_examples(
    engine: Engine, run: RunRecord, *, retry_problems: bool = False, rows: Sequence[int] | None = None
) -> Iterator[Example]:
    """The examples of a run that have no stored result yet, in row order and bounded memory.

    Args:
        engine: the database.
        run: the run, of kind score or correct.
        retry_problems: also those whose result is a named problem and no number.
        rows: only these, ascending; None for all that the run is about.
    """
    if rows is None and run.config.kind == "score":
        return _pending_scores(engine, run, retry_problems=retry_problems)
    wanted = rows_in_scope(engine, run.config) if rows is None else rows
    return _pending_among(engine, run, wanted, retry_problems=retry_problems)


def rows_to_score(engine: Engine, run: RunRecord) -> list[int]:
    """The rows that a score run is about, ascending."""
    query = select(ExampleRow.row).where(ExampleRow.dataset_id == run.dataset_id).order_by(ExampleRow.row)
    with read(engine) as connection:
        return list(connection.execute(query.limit(run.config.limit)).scalars())


def rows_in_scope(engine: Engine, config: RunConfig) -> list[int]:
    """The rows that a correct run is about, ascending: those below gamma, or every scored one."""
    if config.score_run_id is None:
        return []
    thresholds = Thresholds(Gamma.parse(config.gamma), scope=config.scope)
    rows = rows_to_correct(score_table(engine, config.score_run_id), thresholds)
    return [int(row) for row in rows[: config.limit]]


def _failed(kind: ResultRow) -> ColumnElement[bool]:
    number = ScoreRow.confidence if kind is ScoreRow else PreferenceRow.preference
    return kind.problem.is_not(None) & number.is_(None)


def _settled(kind: ResultRow, run_id: int, *, retry_problems: bool) -> ColumnElement[bool]:
    stored = kind.run_id == run_id
    return stored & ~_failed(kind) if retry_problems else stored


def _pending_scores(engine: Engine, run: RunRecord, *, retry_problems: bool) -> Iterator[Example]:
    settled = _settled(ScoreRow, run.id, retry_problems=retry_problems)
    owned = ExampleRow.dataset_id == run.dataset_id
    query = (
        select(EXAMPLE)
        .where(owned, ~exists().where(settled, ScoreRow.row == ExampleRow.row))
        .order_by(ExampleRow.row)
        .limit(FEED)
    )
    if run.config.limit:
        last = select(ExampleRow.row).where(owned).order_by(ExampleRow.row).offset(run.config.limit - 1).limit(1)
        with read(engine) as connection:
            end = connection.execute(last).scalar()
        query = query if end is None else query.where(ExampleRow.row <= end)
    after = -1
    while page := _page(engine, query, after):
        yield from page
        after = page[-1].row


def _page(engine: Engine, query: Select[*tuple[Any, ...]], after: int) -> list[Example]:
    with read(engine) as connection:
        return [example_of(row) for row in connection.execute(query.where(ExampleRow.row > after))]


def _pending_among(engine: Engine, run: RunRecord, rows: Sequence[int], *, retry_problems: bool) -> Iterator[Example]:
    kind = ScoreRow if run.config.kind == "score" else PreferenceRow
    settled = _settled(kind, run.id, retry_problems=retry_problems)
    for page in in_pages(rows, FEED):
        with read(engine) as connection:
            have = set(connection.execute(select(kind.row).where(settled, kind.row.in_(page))).scalars())
            found = examples_in(connection, run.dataset_id, [row for row in page if row not in have])
        yield from (found[row] for row in sorted(found))


def save_scores(engine: Engine, lease: Lease, scores: Sequence[ConfidenceScore], progress: Progress) -> str:
    """Store scores with the run's counters in one transaction; a row that failed before may succeed now.

    Returns:
        The pending request: "", "pause" or "cancel".

    Raises:
        LeaseLostError: when the lease is void; nothing is stored then.
    """
    return _save(engine, lease, ScoreRow, [score_values(lease.run_id, score) for score in scores], progress)


def save_preferences(engine: Engine, lease: Lease, preferences: Sequence[Preference], progress: Progress) -> str:
    """Store preferences, as `save_scores` does scores."""
    values = [preference_values(lease.run_id, preference) for preference in preferences]
    return _save(engine, lease, PreferenceRow, values, progress)


def _save(engine: Engine, lease: Lease, kind: ResultRow, values: list[dict[str, Any]], progress: Progress) -> str:
    with write(engine) as connection:
        run = locked_run(connection, lease.run_id)
        problems, done = Counter(json.loads(run.problems)), run.done
        for start in range(0, len(values), PAGE):
            page = values[start : start + PAGE]
            rows = [value["row"] for value in page]
            forgotten = _forget_failures(connection, kind, lease.run_id, rows)
            stored = select(kind.row).where(kind.run_id == lease.run_id, kind.row.in_(rows))
            kept = set(connection.execute(stored).scalars())
            fresh = [value for value in page if value["row"] not in kept]
            insert_ignore(connection, kind, fresh)
            problems.subtract(forgotten)
            problems.update(value["problem"] for value in fresh if value["problem"])
            done += len(fresh) - forgotten.total()
        counted = {"done": done, "problems": to_json(dict(+problems)), "version": RunRow.version + 1}
        return update_owned(connection, lease, {**asdict(progress), **counted, "heartbeat_at": time.time()})


def _forget_failures(connection: Connection, kind: ResultRow, run_id: int, rows: list[int]) -> Counter[str]:
    """Remove stored failures of these rows, for new results of them are here; what they were comes back."""
    failed = (kind.run_id == run_id) & kind.row.in_(rows) & _failed(kind)
    forgotten = Counter(str(problem) for problem in connection.execute(select(kind.problem).where(failed)).scalars())
    if forgotten:
        connection.execute(delete(kind).where(failed))
    return forgotten
