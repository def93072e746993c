"""Results of runs, for reading: scores and preferences one by one, as a stream, and as arrays."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, Engine, insert, select

from clear_core.errors import InputError
from clear_core.io import read_preferences, read_scores
from clear_core.propose import ScoreTable
from clear_core.types import ConfidenceScore, Preference
from db.bulk import as_array, by_row, in_pages, insert_ignore
from db.convert import AnyRow, config_values, preference_of, preference_values, score_of, score_values, to_json
from db.datasets import examples_in, get_dataset
from db.engine import read, write
from db.models import PreferenceRow, RunRow, ScoreRow
from db.records import Intervals, RunConfig

Result = TypeVar("Result", ConfidenceScore, Preference)
ResultRow = type[ScoreRow] | type[PreferenceRow]


def score_table(engine: Engine, score_run_id: int, correct_run_id: int | None = None) -> ScoreTable:
    """The scores of a run, with the preferences of a correct run, as arrays in row order (about 1 s for 1M rows).

    Cache it on (score_run_id, its version, correct_run_id, its version).
    """
    scores = select(ScoreRow.row, ScoreRow.confidence, ScoreRow.consistency, ScoreRow.tie)
    judged = select(PreferenceRow.row, PreferenceRow.accepted).where(PreferenceRow.accepted.is_not(None))
    with read(engine) as connection:
        scored = as_array(
            connection,
            scores.where(ScoreRow.run_id == score_run_id).order_by(ScoreRow.row),
            [("row", "i8"), ("confidence", "f8"), ("consistency", "f8"), ("tie", "i8")],
        )
        better = as_array(
            connection,
            judged.where(PreferenceRow.run_id == correct_run_id).order_by(PreferenceRow.row),
            [("row", "i8"), ("accepted", "f8")],
        )
    row = np.ascontiguousarray(scored["row"])
    preference = np.full(len(row), np.nan)
    better = better[np.isin(better["row"], row, assume_unique=True)]
    preference[np.searchsorted(row, better["row"])] = better["accepted"]
    return ScoreTable(
        row,
        np.ascontiguousarray(scored["confidence"]),
        np.ascontiguousarray(scored["consistency"]),
        np.ascontiguousarray(scored["tie"]).view(np.uint64),
        preference,
    )


def intervals(engine: Engine, score_run_id: int) -> Intervals:
    """The rows of a run whose sampling stopped early, with what their confidence lies between.

    Cache it on (score_run_id, its version). Only the gamma that the run stopped at decides all of them.
    """
    stopped = (ScoreRow.run_id == score_run_id) & ScoreRow.lower.is_not(None)
    query = select(ScoreRow.row, ScoreRow.lower, ScoreRow.upper).where(stopped).order_by(ScoreRow.row)
    with read(engine) as connection:
        found = as_array(connection, query, [("row", "i8"), ("lower", "f8"), ("upper", "f8")])
    return Intervals(*(np.ascontiguousarray(found[name]) for name in ("row", "lower", "upper")))


def get_scores(engine: Engine, run_id: int, rows: Sequence[int]) -> dict[int, ConfidenceScore]:
    """Full scores with their evidence, by row; rows without one are missing."""
    return _get(engine, ScoreRow, run_id, rows, score_of)


def get_preferences(engine: Engine, run_id: int, rows: Sequence[int]) -> dict[int, Preference]:
    """Full preferences with candidate and evidence, by row; rows without one are missing."""
    return _get(engine, PreferenceRow, run_id, rows, preference_of)


def _get(
    engine: Engine, kind: ResultRow, run_id: int, rows: Sequence[int], convert: Callable[[AnyRow], Result]
) -> dict[int, Result]:
    found: dict[int, Result] = {}
    with read(engine) as connection:
        for page in in_pages([int(row) for row in rows]):
            query = select(kind.__table__).where(kind.run_id == run_id, kind.row.in_(page))
            found.update((row.row, convert(row)) for row in connection.execute(query))
    return found


def iter_scores(engine: Engine, run_id: int) -> Iterator[ConfidenceScore]:
    """All scores of a run in row order, in bounded memory."""
    return _iterate(engine, ScoreRow, run_id, score_of)


def iter_preferences(engine: Engine, run_id: int) -> Iterator[Preference]:
    """All preferences of a run in row order, in bounded memory."""
    return _iterate(engine, PreferenceRow, run_id, preference_of)


def _iterate(engine: Engine, kind: ResultRow, run_id: int, convert: Callable[[AnyRow], Result]) -> Iterator[Result]:
    query = select(kind.__table__).where(kind.run_id == run_id)
    return map(convert, by_row(engine, query, kind.row))


def import_scores(engine: Engine, dataset_id: int, path: Path, config: RunConfig, created_by: str = "") -> int:
    """Store recorded scores (a JSONL of score records) as a finished run of kind "score".

    Returns:
        The run's id.

    Raises:
        InputError: when a record is not readable or names an id that the dataset does not have at that row.
    """
    config = replace(config, kind="score")
    return _import(engine, dataset_id, list(read_scores(path)), config, created_by)


def import_preferences(engine: Engine, dataset_id: int, path: Path, config: RunConfig, created_by: str = "") -> int:
    """Store recorded preferences (a JSONL of preference records) as a finished run of kind "correct".

    Returns:
        The run's id.

    Raises:
        InputError: when a record is not readable or names an id that the dataset does not have at that row.
    """
    config = replace(config, kind="correct")
    return _import(engine, dataset_id, list(read_preferences(path)), config, created_by)


def _import(
    engine: Engine,
    dataset_id: int,
    results: Sequence[ConfidenceScore] | Sequence[Preference],
    config: RunConfig,
    created_by: str,
) -> int:
    get_dataset(engine, dataset_id)
    now = time.time()
    used = {(result.measure, result.model, result.prompt_version) for result in results}
    measures, models, versions = (
        (sorted(set(names) - {""}) for names in zip(*used, strict=True)) if used else ([], [], [])
    )
    writers = sorted({result.candidate_model for result in results if isinstance(result, Preference)})
    run = {
        "dataset_id": dataset_id,
        "kind": config.kind,
        "config": config_values(config),
        "status": "done",
        "done": len(results),
        "total": len(results),
        "problems": to_json(Counter(result.problem for result in results if result.problem)),
        "recipe": to_json(
            {
                "measure": ", ".join(measures),
                "model": ", ".join(models),
                "prompt_version": ", ".join(versions),
                "candidate_model": ", ".join(writers),
                "recorded": True,
            }
        ),
        "created_at": now,
        "created_by": created_by,
        "started_at": now,
        "finished_at": now,
        "version": 1,
    }
    with write(engine) as connection:
        _check_ids(connection, dataset_id, results)
        run_id = int(connection.execute(insert(RunRow).values(run).returning(RunRow.id)).scalar_one())
        insert_ignore(
            connection, ScoreRow, [score_values(run_id, r) for r in results if isinstance(r, ConfidenceScore)]
        )
        insert_ignore(
            connection, PreferenceRow, [preference_values(run_id, r) for r in results if isinstance(r, Preference)]
        )
    return run_id


def _check_ids(connection: Connection, dataset_id: int, results: Iterable[ConfidenceScore | Preference]) -> None:
    ids = {result.row: result.id for result in results}
    known = examples_in(connection, dataset_id, list(ids))
    for row, example_id in ids.items():
        if row not in known or known[row].id != example_id:
            there = repr(known[row].id) if row in known else "no example"
            raise InputError(
                f"The record of row {row} is about {example_id!r}, but the dataset has {there} there.",
                "Use records made from the same file.",
            )
