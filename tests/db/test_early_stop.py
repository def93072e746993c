"""Stopping early in a run: a pilot fixes gamma, no decision changes, and neither a pause nor a retry moves gamma."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bench import Bench, Endpoint
from sqlalchemy import Engine

from clear_core.errors import LLMError
from clear_core.pilot import pilot_rows
from db.records import RunConfig
from db.runs import create_run, get_run, request_pause, request_resume
from db.scores import get_scores, intervals, iter_scores

ROWS = 60
PILOT = 20
ASK = {"model": "fake", "base_url": "http://judge/v1", "samples": 5, "similarity": "exact", "concurrency": 2}
EARLY = {**ASK, "stop_early": True, "pilot": PILOT, "gamma": "share:0.6"}


@pytest.fixture
def unsure(bench: Bench) -> Bench:
    """A model that gives a wrong answer in two of five samples."""
    bench.endpoint = Endpoint({f"What is {n} + {n}?": str(n + n) for n in range(ROWS)})
    bench.endpoint._script = type(bench.endpoint._script)(bench.endpoint._script.answers, error_rate=0.4)
    return bench


def test_every_row_is_decided_as_in_full_with_fewer_calls(
    engine: Engine, unsure: Bench, dataset: Callable[[int], int]
) -> None:
    dataset_id = dataset(ROWS)
    early = unsure.work(create_run(engine, dataset_id, RunConfig("score", **EARLY), "ada"))
    assert (early.status, early.done) == ("done", ROWS)
    asked, unsure.ledger_path = early.calls_paid, unsure.ledger_path.with_name("other.db")
    full = unsure.work(create_run(engine, dataset_id, RunConfig("score", **ASK), "ada"))
    assert asked < full.calls_paid == ROWS * 7
    gamma = early.state["gamma"]
    assert early.recipe["stop_at"] == gamma
    stopped = {each.row: each for each in iter_scores(engine, early.id)}
    for each in iter_scores(engine, full.id):
        assert (stopped[each.row].confidence >= gamma) == (each.confidence >= gamma)
    at = intervals(engine, early.id)
    assert 0 < len(at) < ROWS
    assert not set(at.row.tolist()) & set(pilot_rows(range(ROWS), PILOT))
    assert at.undecided(gamma) == 0
    assert at.undecided(gamma + 0.05) > 0


def test_a_run_paused_in_its_pilot_ends_like_one_that_was_not(
    engine: Engine, unsure: Bench, dataset: Callable[[int], int]
) -> None:
    dataset_id = dataset(ROWS)
    whole = unsure.work(create_run(engine, dataset_id, RunConfig("score", **EARLY), "ada"))
    unsure.ledger_path = unsure.ledger_path.with_name("other.db")
    unsure.endpoint._latency = 1.0  # the pilot takes ten times that; a pause is heard within two seconds
    run_id = create_run(engine, dataset_id, RunConfig("score", **EARLY), "ada")
    with unsure.at_work(run_id):
        unsure.until_done(run_id, 2)
        assert get_run(engine, run_id).phase == "pilot"
        request_pause(engine, run_id)
    paused = get_run(engine, run_id)
    assert (paused.status, paused.state) == ("paused", {})
    assert paused.done < PILOT
    unsure.endpoint._latency = 0.0
    request_resume(engine, run_id)
    run = unsure.work(run_id)
    assert (run.status, run.state) == ("done", whole.state)
    assert list(iter_scores(engine, run.id)) == list(iter_scores(engine, whole.id))


def test_gamma_stays_when_failed_rows_are_asked_again(
    engine: Engine, unsure: Bench, dataset: Callable[[int], int]
) -> None:
    unsure.endpoint.fails_after = 8 * 7
    unsure.endpoint.fault = LLMError("Too long.", problem="too_long")
    run = unsure.work(create_run(engine, dataset(ROWS), RunConfig("score", **EARLY), "ada"))
    assert run.status == "done"
    assert run.problems["too_long"] > PILOT
    unsure.endpoint.fault = None
    request_resume(engine, run.id, retry_problems=True)
    again = unsure.work(run.id)
    assert (again.status, again.problems, again.state) == ("done", {}, run.state)


def test_a_pilot_without_any_score_says_so(engine: Engine, unsure: Bench, dataset: Callable[[int], int]) -> None:
    unsure.endpoint.fault = LLMError("Too long.", problem="too_long")
    run = unsure.work(create_run(engine, dataset(ROWS), RunConfig("score", **EARLY), "ada"))
    assert (run.status, run.done) == ("failed", PILOT)
    assert "No row of the pilot could be scored" in run.message


def test_a_gamma_that_is_a_number_needs_no_pilot(engine: Engine, unsure: Bench, dataset: Callable[[int], int]) -> None:
    config = RunConfig("score", **(EARLY | {"gamma": "0.5"}))
    run = unsure.work(create_run(engine, dataset(ROWS), config, "ada"))
    assert run.state == {"gamma": 0.5, "pilot": []}
    first = get_scores(engine, run.id, pilot_rows(range(ROWS), 1))
    assert all(each.lower is not None for each in first.values() if each.samples < 5)
