"""Scores and preferences: stored once, counted with their problems, and read back as values, streams and arrays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from db_kit import preference, score
from sqlalchemy import Engine

from clear_core import propose
from clear_core.errors import InputError
from clear_core.io import write_records
from clear_core.types import ConfidenceScore, Preference
from db.leases import LeaseLostError, Progress, claim_run, release_run
from db.records import RunConfig
from db.results import pending_examples, rows_in_scope, save_preferences, save_scores
from db.runs import create_run, get_run, list_runs, request_resume
from db.scores import (
    get_preferences,
    get_scores,
    import_preferences,
    import_scores,
    iter_preferences,
    iter_scores,
    score_table,
)

Dataset = Callable[[int], int]
Scored = Callable[..., int]

AWKWARD = {"text": "half \ud800 a character, a NUL \x00, ünïcode", "gain": [-1.5, None]}


def _run(engine: Engine, dataset_id: int, **config: object) -> int:
    return create_run(engine, dataset_id, RunConfig(**({"kind": "score"} | config)), "ada")


def _equal(one: propose.ScoreTable, other: propose.ScoreTable) -> None:
    for name in ("row", "confidence", "consistency", "tie", "preference"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), strict=True)


def test_what_was_stored_comes_back_equal(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(3)
    lease = claim_run(engine, _run(engine, dataset_id))
    scores = [
        score(0, 0.1, reflection=0.25, likelihood=1 / 3, evidence=AWKWARD, prompt_version="7"),
        score(2, None),
        score(1, 1.0, problem="truncated"),
    ]
    save_scores(engine, lease, scores, Progress())
    assert get_scores(engine, lease.run_id, [2, 1, 0, 9]) == {each.row: each for each in scores}
    assert list(iter_scores(engine, lease.run_id)) == sorted(scores, key=lambda each: each.row)


def test_preferences_come_back_equal(engine: Engine, dataset: Dataset, scored: Scored) -> None:
    dataset_id = dataset(3)
    base = scored(dataset_id, {0: 0.1, 1: 0.2, 2: 0.3})
    lease = claim_run(engine, _run(engine, dataset_id, kind="correct", score_run_id=base))
    preferences = [
        preference(0, 0.95, candidate="half \ud800", evidence=AWKWARD, model="j", candidate_model="c", calls=17),
        preference(1, None),
        preference(2, 0.7, verdict="inconsistent", rejected=None),
    ]
    save_preferences(engine, lease, preferences, Progress())
    assert get_preferences(engine, lease.run_id, range(3)) == {each.row: each for each in preferences}
    assert list(iter_preferences(engine, lease.run_id)) == preferences


def test_the_table_equals_the_one_made_from_the_records(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(6)
    lease = claim_run(engine, _run(engine, dataset_id))
    scores = [score(row, value) for row, value in enumerate([0.3, None, 0.1, 1.0, 0.3, 0.0])]
    scores[3] = score(3, 1.0, consistency=None)
    save_scores(engine, lease, scores[::-1], Progress())
    release_run(engine, lease, "done", "", Progress())
    correct = claim_run(engine, _run(engine, dataset_id, kind="correct", score_run_id=lease.run_id, scope="all"))
    preferences = [
        preference(0, 0.9),
        preference(2, 0.85, verdict="inconsistent"),
        preference(4, 0.99, rejected="format"),
        preference(5, None),
    ]
    save_preferences(engine, correct, preferences, Progress())
    _equal(score_table(engine, lease.run_id), propose.score_table(scores))
    _equal(score_table(engine, lease.run_id, correct.run_id), propose.score_table(scores, preferences))


def test_an_empty_run_gives_an_empty_table(engine: Engine, dataset: Dataset) -> None:
    _equal(score_table(engine, _run(engine, dataset(2))), propose.score_table([]))


def test_a_row_is_stored_once_and_counted_once(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(4)))
    save_scores(engine, lease, [score(0, 0.5), score(1, None)], Progress(calls_paid=9))
    save_scores(engine, lease, [score(0, 0.9), score(2, None, problem="refused")], Progress(calls_paid=12))
    run = get_run(engine, lease.run_id)
    assert (run.done, run.total, run.version, run.calls_paid) == (3, 4, 2, 12)
    assert run.problems == {"timeout": 1, "refused": 1}
    assert get_scores(engine, lease.run_id, [0])[0].confidence == 0.5


def test_a_failed_row_that_succeeds_later_leaves_no_trace_of_its_problem(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(3)))
    save_scores(engine, lease, [score(0, None), score(1, None), score(2, 0.2, problem="truncated")], Progress())
    save_scores(engine, lease, [score(0, 0.7), score(1, None, problem="refused"), score(2, 0.9)], Progress())
    run = get_run(engine, lease.run_id)
    assert (run.done, run.problems) == (3, {"refused": 1, "truncated": 1})
    stored = get_scores(engine, lease.run_id, range(3))
    assert [stored[row].confidence for row in range(3)] == [0.7, None, 0.2]


def test_an_owner_that_lost_the_run_stores_nothing(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(3)))
    release_run(engine, lease, "interrupted", "", Progress())
    later = claim_run(engine, lease.run_id)
    with pytest.raises(LeaseLostError):
        save_scores(engine, lease, [score(0)], Progress())
    assert get_run(engine, lease.run_id).done == 0
    save_scores(engine, later, [score(0)], Progress())
    assert get_run(engine, lease.run_id).done == 1


def _rows(engine: Engine, run_id: int, *, retry_problems: bool = False) -> list[int]:
    run = get_run(engine, run_id)
    return [example.row for example in pending_examples(engine, run, retry_problems=retry_problems)]


def test_only_rows_without_a_result_are_pending(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(6), limit=5))
    save_scores(engine, lease, [score(1), score(3, None)], Progress())
    assert _rows(engine, lease.run_id) == [0, 2, 4]
    assert _rows(engine, lease.run_id, retry_problems=True) == [0, 2, 3, 4]


def test_pending_rows_reach_over_pages(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(450)))
    save_scores(engine, lease, [score(row) for row in range(0, 450, 2)], Progress())
    assert _rows(engine, lease.run_id) == list(range(1, 450, 2))


@pytest.mark.parametrize(
    ("scope", "limit", "rows"), [("low", None, [0, 2]), ("all", None, [0, 1, 2, 4]), ("low", 1, [0])]
)
def test_a_correct_run_is_about_the_rows_below_gamma(
    engine: Engine, dataset: Dataset, scored: Scored, *, scope: str, limit: int | None, rows: list[int]
) -> None:
    dataset_id = dataset(6)
    base = scored(dataset_id, {0: 0.1, 1: 0.9, 2: 0.2, 3: None, 4: 0.8})
    config = RunConfig(kind="correct", score_run_id=base, scope=scope, limit=limit)
    assert rows_in_scope(engine, config) == rows
    lease = claim_run(engine, create_run(engine, dataset_id, config, "ada"))
    assert _rows(engine, lease.run_id) == rows
    save_preferences(engine, lease, [preference(0, None)], Progress())
    assert _rows(engine, lease.run_id) == rows[1:]
    assert _rows(engine, lease.run_id, retry_problems=True) == rows


def test_a_turned_down_candidate_is_a_result_and_not_asked_again(
    engine: Engine, dataset: Dataset, scored: Scored
) -> None:
    dataset_id = dataset(2)
    base = scored(dataset_id, {0: 0.1, 1: 0.9})
    lease = claim_run(engine, _run(engine, dataset_id, kind="correct", score_run_id=base))
    save_preferences(engine, lease, [Preference("q0", 0, "", None, None, rejected="empty")], Progress())
    assert _rows(engine, lease.run_id, retry_problems=True) == []


def test_recorded_results_become_finished_runs(engine: Engine, dataset: Dataset, tmp_path: Path) -> None:
    dataset_id = dataset(4)
    scores = [score(row, value, prompt_version="3") for row, value in enumerate([0.2, 0.9, None, 0.4])]
    preferences = [preference(0, 0.9)]
    write_records(tmp_path / "scores.jsonl", scores)
    write_records(tmp_path / "preferences.jsonl", preferences)
    run_id = import_scores(engine, dataset_id, tmp_path / "scores.jsonl", RunConfig(kind="score"), "ada")
    run = get_run(engine, run_id)
    assert (run.status, run.done, run.total, run.problems) == ("done", 4, 4, {"timeout": 1})
    assert run.recipe["measure"] == "bsdetector/exact"
    assert list(iter_scores(engine, run_id)) == scores
    config = RunConfig(kind="correct", score_run_id=run_id)
    judged = import_preferences(engine, dataset_id, tmp_path / "preferences.jsonl", config)
    assert list(iter_preferences(engine, judged)) == preferences
    request_resume(engine, run_id, retry_problems=True)
    assert _rows(engine, run_id, retry_problems=True) == [2]


def test_records_of_another_file_are_refused_as_a_whole(engine: Engine, dataset: Dataset, tmp_path: Path) -> None:
    wrong = [score(0), ConfidenceScore("someone else", 1, 0.5)]
    write_records(tmp_path / "scores.jsonl", wrong)
    dataset_id = dataset(2)
    with pytest.raises(InputError, match="'someone else', but the dataset has 'q1'"):
        import_scores(engine, dataset_id, tmp_path / "scores.jsonl", RunConfig(kind="score"))
    assert list_runs(engine, dataset_id) == []


def test_the_stored_form_is_plain_json_text(engine: Engine, dataset: Dataset) -> None:
    lease = claim_run(engine, _run(engine, dataset(1)))
    save_scores(engine, lease, [score(0, evidence=AWKWARD)], Progress())
    with engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT evidence FROM score").scalar_one()
    assert stored.isascii()
    assert json.loads(stored) == AWKWARD
