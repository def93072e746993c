"""Workers killed between the stages of a run: in a pilot, and while an endpoint trains; nothing is asked for twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_kit import question_dataset, until
from serving import serving
from sqlalchemy import Engine

from clear_core.llm.stub import StubEndpoint
from clear_core.train.settings import TrainSettings
from db.datasets import import_examples
from db.jobs import start_worker
from db.records import RunConfig
from db.runs import create_run, get_run, request_cancel, request_resume
from db.scores import intervals, iter_scores

pytestmark = pytest.mark.faults

ROWS = 40
AT_ONCE = 3
KEY = "sk-canary-of-the-session"
ANSWERS = {f"What is {n}?": f"It is {n}." if n % 3 else "It is not." for n in range(ROWS)}


@pytest.fixture
def dataset_id(engine: Engine, data_dir: Path) -> int:
    dataset_id = question_dataset(engine, data_dir, ROWS)
    import_examples(engine, dataset_id)
    return dataset_id


def _kill_when(pid: int, true: Callable[[], bool]) -> None:
    until(true)
    os.kill(pid, signal.SIGKILL)


def _until_ended(engine: Engine, run_id: int) -> str:
    until(lambda: get_run(engine, run_id).status not in {"queued", "running"})
    return get_run(engine, run_id).status


def test_kills_in_the_pilot_and_after_it_change_neither_gamma_nor_a_score(
    engine: Engine, url: str, dataset_id: int
) -> None:
    stub = StubEndpoint(ANSWERS, error_rate=0.3, latency=0.06)
    with serving(stub) as base_url:
        asked = {"model": "stub", "base_url": base_url, "similarity": "exact", "concurrency": AT_ONCE}
        early = RunConfig("score", **asked, stop_early=True, pilot=15, gamma="share:0.6")
        run_id = create_run(engine, dataset_id, early, "ada")
        for moment in (lambda: stub.calls >= 15, lambda: get_run(engine, run_id).phase == "scoring"):
            pid = start_worker(run_id, url=url, keys={base_url: KEY})
            _kill_when(pid, moment)
            assert _until_ended(engine, run_id) == "interrupted"
            request_resume(engine, run_id)
        start_worker(run_id, url=url, keys={base_url: KEY})
        assert _until_ended(engine, run_id) == "done"
        paid = stub.calls
        stub.latency = 0.0
        again = create_run(engine, dataset_id, early, "ada")
        start_worker(again, url=url, keys={base_url: KEY})
        assert _until_ended(engine, again) == "done"
        assert stub.calls == paid  # the ledger has every call of the other run, and this one needs no other
    run, same = get_run(engine, run_id), get_run(engine, again)
    assert run.state == same.state
    assert list(iter_scores(engine, run_id)) == list(iter_scores(engine, again))
    assert len(intervals(engine, run_id))


def test_a_training_job_is_found_again_after_a_kill_and_a_cancel_reaches_it(
    engine: Engine, url: str, dataset_id: int, data_dir: Path
) -> None:
    stub = StubEndpoint(ANSWERS)
    with serving(stub) as base_url:
        settings = TrainSettings("openai", base="some-model", base_url=base_url)
        run_id = create_run(engine, dataset_id, RunConfig("train", train=settings), "ada")
        pid = start_worker(run_id, url=url, keys={base_url: KEY})
        _kill_when(pid, lambda: bool(stub.tuning.jobs))
        assert _until_ended(engine, run_id) == "interrupted"
        request_resume(engine, run_id)
        pid = start_worker(run_id, url=url, keys={base_url: KEY})
        until(lambda: get_run(engine, run_id).state.get("trainer", {}).get("job") == "ftjob-1")
        os.kill(pid, signal.SIGKILL)
        assert _until_ended(engine, run_id) == "interrupted"
        assert request_cancel(engine, run_id)
        start_worker(run_id, url=url, keys={base_url: KEY})
        assert _until_ended(engine, run_id) == "cancelled"
        assert [job["status"] for job in stub.tuning.jobs.values()] == ["cancelled"]
        assert len(stub.tuning.files) == 1
    stored = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    assert KEY.encode() not in stored
