"""The life of a run: asked for, owned by one worker, paused, resumed, cancelled, and honest about a dead worker."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from clear_core.errors import BudgetError, InputError, StateError, ThresholdError
from clear_core.train.settings import TrainSettings
from clear_core.types import CandidateSource, ModelRef
from db.budget import LeasedBudget
from db.datasets import list_datasets
from db.engine import write
from db.leases import QUEUE_S, STALE_S, LeaseLostError, Progress, beat, claim_run, describe, release_run
from db.models import RunRow
from db.records import RunConfig
from db.runs import create_run, get_run, list_runs, request_cancel, request_pause, request_resume

Dataset = Callable[[int], int]


@pytest.fixture
def run(engine: Engine, dataset: Dataset) -> int:
    return create_run(engine, dataset(5), RunConfig(kind="score", model="m", max_calls=10), "ada")


def _set(engine: Engine, run_id: int, **values: object) -> None:
    with write(engine) as connection:
        connection.execute(update(RunRow).where(RunRow.id == run_id).values(values))


def _status(engine: Engine, run_id: int) -> str:
    return get_run(engine, run_id).status


def test_a_new_run_is_queued_with_its_total(engine: Engine, run: int) -> None:
    record = get_run(engine, run)
    assert (record.status, record.done, record.total, record.created_by) == ("queued", 0, 5, "ada")
    assert record.config == RunConfig(kind="score", model="m", max_calls=10)
    assert record.is_active
    assert not record.is_resumable


def test_a_limit_makes_the_total_smaller(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(5)
    assert get_run(engine, create_run(engine, dataset_id, RunConfig(kind="score", limit=2), "")).total == 2
    assert get_run(engine, create_run(engine, dataset_id, RunConfig(kind="score", limit=20), "")).total == 5


def test_runs_are_listed_newest_first_by_kind(engine: Engine, dataset: Dataset) -> None:
    dataset_id = dataset(2)
    first = create_run(engine, dataset_id, RunConfig(kind="score", trial=True), "")
    second = create_run(engine, dataset_id, RunConfig(kind="score"), "")
    third = create_run(engine, dataset_id, RunConfig(kind="correct", score_run_id=second), "")
    assert [record.id for record in list_runs(engine, dataset_id)] == [third, second, first]
    assert [record.id for record in list_runs(engine, dataset_id, "score")] == [second, first]
    assert list_runs(engine, dataset_id + 1) == []


@pytest.mark.parametrize(
    ("config", "error"),
    [
        (RunConfig(kind="score", limit=0), InputError),
        (RunConfig(kind="score", max_calls=0), InputError),
        (RunConfig(kind="score", samples=-1), InputError),
        (RunConfig(kind="score", temperature=float("nan")), InputError),
        (RunConfig(kind="score", base_url="https://host/v1"), InputError),
        (RunConfig(kind="score", model="m", base_url="https://user:secret@host/v1"), InputError),
        (RunConfig(kind="score", model="m", base_url="https://host/v1?key=secret"), InputError),
        (RunConfig(kind="correct"), InputError),
        (RunConfig(kind="correct", score_run_id=1, gamma="half"), ThresholdError),
        (RunConfig(kind="correct", score_run_id=99), StateError),
        (RunConfig(kind="import"), StateError),
    ],
)
def test_an_unusable_configuration_is_refused(
    engine: Engine, dataset: Dataset, config: RunConfig, error: type[Exception]
) -> None:
    dataset_id = dataset(2)
    with pytest.raises(error) as caught:
        create_run(engine, dataset_id, config, "")
    assert "secret" not in str(caught.value)
    assert list_runs(engine, dataset_id) == []


def test_scores_of_another_dataset_are_refused(engine: Engine, dataset: Dataset, run: int) -> None:
    with pytest.raises(StateError, match="not a score run of dataset"):
        create_run(engine, dataset(2), RunConfig(kind="correct", score_run_id=run), "")


def test_a_dataset_that_is_not_ready_is_not_scored(engine: Engine, upload: Callable[..., int]) -> None:
    dataset_id = upload([{"prompt": "p", "response": "r"}])
    with pytest.raises(StateError, match="not ready"):
        create_run(engine, dataset_id, RunConfig(kind="score"), "")
    assert create_run(engine, dataset_id, RunConfig(kind="import"), "")


def test_one_worker_at_a_time(engine: Engine, run: int) -> None:
    claim_run(engine, run)
    with pytest.raises(StateError, match="already has a worker"):
        claim_run(engine, run)


def test_a_run_without_a_heartbeat_is_interrupted_and_the_next_owner_fences_off_the_first(
    engine: Engine, run: int
) -> None:
    first = claim_run(engine, run)
    beat(engine, first, Progress(phase="scoring", calls_paid=3))
    record = get_run(engine, run)
    assert (record.status, record.phase, record.calls_paid) == ("running", "scoring", 3)
    _set(engine, run, heartbeat_at=record.heartbeat_at.timestamp() - STALE_S - 1)
    assert _status(engine, run) == "interrupted"
    second = claim_run(engine, run)
    assert second.token > first.token
    for act in (
        lambda: beat(engine, first, Progress()),
        lambda: describe(engine, first, total=1),
        lambda: release_run(engine, first, "done", "", Progress()),
    ):
        with pytest.raises(LeaseLostError):
            act()
    assert _status(engine, run) == "running"


def test_a_run_whose_process_is_gone_is_interrupted_at_once(engine: Engine, run: int) -> None:
    claim_run(engine, run)
    gone = os.fork()
    if not gone:
        os._exit(0)
    os.waitpid(gone, 0)
    _set(engine, run, owner_pid=gone)
    assert _status(engine, run) == "interrupted"
    _set(engine, run, owner_host="another-" + socket.gethostname())
    assert _status(engine, run) == "running"


def test_a_queued_run_whose_worker_never_came_up_is_interrupted(engine: Engine, run: int) -> None:
    assert _status(engine, run) == "queued"
    _set(engine, run, heartbeat_at=get_run(engine, run).heartbeat_at.timestamp() - QUEUE_S - 1)
    record = get_run(engine, run)
    assert record.status == "interrupted"
    assert "Resume" in record.message
    request_resume(engine, run)
    assert _status(engine, run) == "queued"
    claim_run(engine, run)
    assert _status(engine, run) == "running"


def test_a_pause_reaches_the_worker_and_resuming_queues_again(engine: Engine, run: int) -> None:
    lease = claim_run(engine, run)
    request_pause(engine, run)
    assert get_run(engine, run).pending_request == "pause"
    assert beat(engine, lease, Progress()) == "pause"
    release_run(engine, lease, "paused", "Paused on request.", Progress(calls_paid=4))
    record = get_run(engine, run)
    assert (record.status, record.message, record.pending_request) == ("paused", "Paused on request.", "")
    assert record.is_resumable
    request_resume(engine, run)
    assert _status(engine, run) == "queued"
    claim_run(engine, run)
    assert get_run(engine, run).calls_paid == 4


def test_without_a_worker_pause_and_cancel_work_at_once(engine: Engine, run: int) -> None:
    request_pause(engine, run)
    assert _status(engine, run) == "paused"
    with pytest.raises(StateError, match="is paused"):
        claim_run(engine, run)
    request_resume(engine, run)
    request_cancel(engine, run)
    record = get_run(engine, run)
    assert record.status == "cancelled"
    assert record.finished_at is not None


@pytest.mark.parametrize("act", [request_pause, request_cancel, request_resume, claim_run])
def test_a_cancelled_run_stays_cancelled(engine: Engine, run: int, act: Callable[[Engine, int], object]) -> None:
    request_cancel(engine, run)
    with pytest.raises(StateError):
        act(engine, run)


def test_a_running_run_is_not_resumed(engine: Engine, run: int) -> None:
    claim_run(engine, run)
    with pytest.raises(StateError, match="is running"):
        request_resume(engine, run)


def test_a_finished_run_is_only_resumed_to_retry(engine: Engine, run: int) -> None:
    release_run(engine, claim_run(engine, run), "done", "", Progress())
    with pytest.raises(StateError, match="is done"):
        request_resume(engine, run)
    request_resume(engine, run, retry_problems=True)
    assert get_run(engine, run).retry_problems
    release_run(engine, claim_run(engine, run), "done", "", Progress())
    assert not get_run(engine, run).retry_problems


def _spend(budget: LeasedBudget, wanted: int) -> int:
    """Reserve so many calls, or fewer at the cap; how many is told."""
    for taken in range(wanted):
        try:
            budget.reserve()
        except BudgetError:
            return taken
    return wanted


def test_the_cap_is_exact_and_survives_a_kill(engine: Engine, run: int) -> None:
    budget = LeasedBudget(engine, claim_run(engine, run), 10)
    for _ in range(7):
        budget.reserve()
    budget.release()
    # The worker is killed here: what it reserved counts as spent.
    _set(engine, run, heartbeat_at=0)
    budget = LeasedBudget(engine, claim_run(engine, run), 10)
    assert _spend(budget, 99) <= 10 - 6
    with pytest.raises(BudgetError, match="cap of 10 calls"):
        budget.reserve()


def test_a_capped_run_goes_on_under_a_larger_cap(engine: Engine, run: int) -> None:
    lease = claim_run(engine, run)
    budget = LeasedBudget(engine, lease, 10)
    for _ in range(10):
        budget.reserve()
    release_run(engine, lease, "capped", "cap", Progress(calls_paid=10), calls_unspent=budget.unspent)
    with pytest.raises(InputError, match="used up"):
        request_resume(engine, run, max_calls=10)
    request_resume(engine, run, max_calls=12)
    assert get_run(engine, run).config.max_calls == 12
    budget = LeasedBudget(engine, claim_run(engine, run), 12)
    budget.reserve()
    budget.reserve()
    with pytest.raises(BudgetError):
        budget.reserve()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(cap=st.integers(1, 300), shifts=st.lists(st.tuples(st.integers(0, 120), st.booleans()), max_size=6))
def test_no_sequence_of_kills_and_resumptions_lifts_the_cap(
    engine: Engine, dataset: Dataset, cap: int, shifts: list[tuple[int, bool]]
) -> None:
    run_id = create_run(engine, _one_dataset(engine, dataset), RunConfig(kind="score", max_calls=cap), "")
    spent = 0
    for wanted, killed in shifts:
        lease = claim_run(engine, run_id)
        budget = LeasedBudget(engine, lease, cap)
        spent += _spend(budget, wanted)
        if killed:
            _set(engine, run_id, heartbeat_at=0)
        else:
            release_run(engine, lease, "interrupted", "", Progress(), calls_unspent=budget.unspent)
    assert spent <= cap


def _one_dataset(engine: Engine, dataset: Dataset) -> int:
    have = list_datasets(engine)
    return have[0].id if have else dataset(1)


TUNED = CandidateSource(ModelRef("http://b/v1", "tuned"))


@pytest.mark.parametrize(
    ("config", "endpoints"),
    [
        (RunConfig("score"), ()),
        (RunConfig("score", "m", "http://a/v1"), ("http://a/v1",)),
        (RunConfig("score", "m", "http://a/v1", samples_field="drawn"), ()),
        (RunConfig("correct", "m", "http://a/v1"), ("http://a/v1",)),
        (RunConfig("correct", candidates=(TUNED, CandidateSource(column="other"))), ("http://b/v1",)),
        (RunConfig("correct", "m", "http://a/v1", candidates=(TUNED, TUNED)), ("http://a/v1", "http://b/v1")),
        (RunConfig("correct", "m", "http://a/v1", candidates=(TUNED,), verdicts_field="said"), ("http://b/v1",)),
        (RunConfig("train", train=TrainSettings()), ()),
        (RunConfig("train", train=TrainSettings("openai", "m", "http://c/v1")), ("http://c/v1",)),
    ],
)
def test_a_run_names_the_endpoints_that_it_enters(config: RunConfig, endpoints: tuple[str, ...]) -> None:
    assert config.endpoints == endpoints


def test_a_configuration_is_read_back_as_it_was_asked(engine: Engine, dataset: Callable[[int], int]) -> None:
    config = RunConfig(
        "correct",
        labels=("yes", "no"),
        candidates=(TUNED, CandidateSource(column="other", label="them"), CandidateSource(ModelRef(adapter="/a"))),
        train=TrainSettings(rank=4),
        score_run_id=create_run(engine, (dataset_id := dataset(2)), RunConfig("score", labels="auto"), ""),
    )
    assert get_run(engine, create_run(engine, dataset_id, config, "")).config == config
    assert get_run(engine, config.score_run_id or 0).config.labels == "auto"
