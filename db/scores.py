"""Results of runs: scores and preferences, stored as they finish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Engine

from clear_core.propose import ScoreTable
from clear_core.types import ConfidenceScore, Preference
from db.records import RunConfig


def score_table(engine: Engine, score_run_id: int, correct_run_id: int | None = None) -> ScoreTable:
    """The scores of a run, with the preferences of a correct run, as arrays in row order (about 1 s for 1M rows).

    Cache it on (score_run_id, its version, correct_run_id, its version).
    """
    raise NotImplementedError


def get_scores(engine: Engine, run_id: int, rows: Sequence[int]) -> dict[int, ConfidenceScore]:
    """Full scores with their evidence, by row; rows without one are missing."""
    raise NotImplementedError


def get_preferences(engine: Engine, run_id: int, rows: Sequence[int]) -> dict[int, Preference]:
    """Full preferences with candidate and evidence, by row; rows without one are missing."""
    raise NotImplementedError


def iter_scores(engine: Engine, run_id: int) -> Iterator[ConfidenceScore]:
    """All scores of a run in row order, in bounded memory."""
    raise NotImplementedError


def iter_preferences(engine: Engine, run_id: int) -> Iterator[Preference]:
    """All preferences of a run in row order, in bounded memory."""
    raise NotImplementedError


def import_scores(engine: Engine, dataset_id: int, path: Path, config: RunConfig, created_by: str = "") -> int:
    """Store recorded scores (a JSONL of score records) as a finished run of kind "score".

    Returns:
        The run's id.

    Raises:
        InputError: when a record is not readable or names an id that the dataset does not have at that row.
    """
    raise NotImplementedError


def import_preferences(engine: Engine, dataset_id: int, path: Path, config: RunConfig, created_by: str = "") -> int:
    """Store recorded preferences (a JSONL of preference records) as a finished run of kind "correct".

    Returns:
        The run's id.

    Raises:
        InputError: when a record is not readable or names an id that the dataset does not have at that row.
    """
    raise NotImplementedError
