"""Real workers, a real endpoint on the loopback, real signals: nothing finished is lost, nothing is paid twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fault_kit import question_dataset, until
from serving import serving
from sqlalchemy import Engine, select

from clear_core.llm.stub import StubEndpoint
from db.datasets import examples_by_row, get_dataset, import_examples
from db.engine import read
from db.jobs import ROOT, start_worker
from db.models import ExampleRow
from db.records import RunConfig
from db.reviews import decisions, effective_fates
from db.runs import create_run, get_run, request_pause, request_resume
from db.scores import iter_scores

pytestmark = pytest.mark.faults

ROWS = 40
CALLS = 3
"""Calls of a score: two reflections, and one request for both samples."""
AT_ONCE = 3
KEY = "sk-canary-of-the-session"


@dataclass
class Bench:
    """A dataset, an endpoint that counts its calls, and workers as processes."""

    engine: Engine
    url: str
    stub: StubEndpoint
    base_url: str
    dataset_id: int

    def score(self) -> int:
        config = RunConfig(
            kind="score", model="stub", base_url=self.base_url, samples=2, similarity="exact", concurrency=AT_ONCE
        )
        return create_run(self.engine, self.dataset_id, config, "ada")

    def start(self, run_id: int) -> int:
        return start_worker(run_id, url=self.url, keys={self.base_url: KEY})

    def status(self, run_id: int) -> str:
        return get_run(self.engine, run_id).status

    def until_ended(self, run_id: int) -> str:
        until(lambda: self.status(run_id) not in {"queued", "running"})
        return self.status(run_id)

    def stored(self, run_id: int) -> set[int]:
        return {score.row for score in iter_scores(self.engine, run_id)}


@pytest.fixture
def bench(engine: Engine, url: str, data_dir: Path) -> Iterator[Bench]:
    dataset_id = question_dataset(engine, data_dir, ROWS)
    import_examples(engine, dataset_id)
    # Every third response is wrong, so that confidences differ and a mix-up would show.
    answers = {f"What is {n}?": f"It is {n}." if n % 3 else "It is not." for n in range(ROWS)}
    stub = StubEndpoint(answers, latency=0.06)
    with serving(stub) as base_url:
        yield Bench(engine, url, stub, base_url, dataset_id)


def _check_complete(bench: Bench, run_id: int) -> None:
    scores = list(iter_scores(bench.engine, run_id))
    assert [score.row for score in scores] == list(range(ROWS))
    assert [score.confidence for score in scores] == [1.0 if row % 3 else 0.0 for row in range(ROWS)]
    run = get_run(bench.engine, run_id)
    assert (run.status, run.done, run.problems) == ("done", ROWS, {})


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_at_random_moments_lose_no_row_and_pay_again_only_for_what_was_under_way(bench: Bench, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    run_id, kills = bench.score(), 0
    while True:
        pid = bench.start(run_id)
        target = bench.stub.calls + draw.randint(15, 70)
        until(lambda target=target: bench.stub.calls >= target or bench.status(run_id) == "done")
        time.sleep(draw.random() * 0.1)
        before = bench.stored(run_id)
        os.kill(pid, signal.SIGKILL)
        if bench.until_ended(run_id) == "done":
            break
        kills += 1
        assert before <= bench.stored(run_id)
        assert bench.status(run_id) == "interrupted"
        request_resume(bench.engine, run_id)
    _check_complete(bench, run_id)
    assert kills
    assert 0 <= bench.stub.calls - ROWS * CALLS <= kills * AT_ONCE * CALLS


def test_sigterm_ends_a_worker_in_good_order(bench: Bench) -> None:
    run_id = bench.score()
    pid = bench.start(run_id)
    until(lambda: bench.stub.calls > 20)
    os.kill(pid, signal.SIGTERM)
    assert bench.until_ended(run_id) == "interrupted"
    run = get_run(bench.engine, run_id)
    assert "Resume" in run.message
    # What was under way finished, so that every call that was paid for is part of a stored score.
    assert bench.stub.calls == run.done * CALLS == run.calls_paid
    request_resume(bench.engine, run_id)
    bench.start(run_id)
    assert bench.until_ended(run_id) == "done"
    _check_complete(bench, run_id)
    assert bench.stub.calls == ROWS * CALLS


def test_a_worker_outlives_the_server_that_started_it(bench: Bench) -> None:
    run_id = bench.score()
    program = (
        f"from db.jobs import start_worker; start_worker({run_id}, url={bench.url!r}); import time; time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as server:
        until(lambda: bench.stub.calls > 8)
        server.kill()
    assert bench.until_ended(run_id) == "done"
    _check_complete(bench, run_id)


def test_pause_and_resume_through_the_database(bench: Bench) -> None:
    bench.stub.latency = 0.4  # results are stored once a second; the run must outlast that by far
    run_id = bench.score()
    bench.start(run_id)
    until(lambda: get_run(bench.engine, run_id).done > 0)
    request_pause(bench.engine, run_id)
    assert bench.until_ended(run_id) == "paused"
    bench.stub.latency = 0.03
    calls = bench.stub.calls
    time.sleep(0.3)
    assert bench.stub.calls == calls
    request_resume(bench.engine, run_id)
    bench.start(run_id)
    assert bench.until_ended(run_id) == "done"
    assert bench.stub.calls == ROWS * CALLS


def test_an_endpoint_that_refuses_the_key_ends_the_run_and_the_key_appears_nowhere(
    bench: Bench, data_dir: Path
) -> None:
    bench.stub.fault = "unauthorised"
    run_id = bench.score()
    pid = bench.start(run_id)
    for name in ("cmdline", "environ"):
        assert b"sk-canary" not in Path(f"/proc/{pid}/{name}").read_bytes()
    assert bench.until_ended(run_id) == "failed"
    run = get_run(bench.engine, run_id)
    assert run.message
    assert "sk-canary" not in run.message
    assert bench.stub.calls <= AT_ONCE * CALLS
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert any(path.name == f"run-{run_id}.log" for path in files)
    assert [path for path in files if b"sk-canary" in path.read_bytes()] == []


def test_an_import_killed_at_random_moments_has_every_row_once(engine: Engine, url: str, data_dir: Path) -> None:
    rows, draw = 20_000, random.Random(3)  # noqa: S311 - moments, not secrets
    dataset_id = question_dataset(engine, data_dir, rows)
    run_id = create_run(engine, dataset_id, RunConfig(kind="import"), "ada")
    for kill in range(2):
        pid = start_worker(run_id, url=url)
        goal = get_dataset(engine, dataset_id).examples + 2_000
        until(lambda goal=goal: get_dataset(engine, dataset_id).examples >= goal)
        time.sleep(draw.random() * 0.05)
        os.kill(pid, signal.SIGKILL)
        until(lambda: get_run(engine, run_id).status != "running")
        assert get_run(engine, run_id).status == "interrupted", f"kill {kill} came too late"
        request_resume(engine, run_id)
    start_worker(run_id, url=url)
    until(lambda: get_run(engine, run_id).status == "done")
    dataset = get_dataset(engine, dataset_id)
    assert (dataset.status, dataset.examples, dataset.problems) == ("ready", rows, 0)
    with read(engine) as connection:
        stored = connection.execute(select(ExampleRow.row).order_by(ExampleRow.row)).scalars().all()
    assert stored == list(range(rows))
    assert examples_by_row(engine, dataset_id, [rows - 1])[0].response == f"It is {rows - 1}."


def test_decisions_that_were_acknowledged_survive_a_killed_server(engine: Engine, url: str, data_dir: Path) -> None:
    dataset_id = question_dataset(engine, data_dir, 500)
    import_examples(engine, dataset_id)
    program = f"""
from db.engine import open_engine
from db.datasets import examples_by_row
from db.reviews import append_decision
from clear_core.types import Decision
engine = open_engine({url!r})
for example in examples_by_row(engine, {dataset_id}, range(500)):
    uid = f"u{{example.row}}"
    made = Decision(uid, example.id, example.row, "drop", "drop", "ada", "2026-01-01T00:00:00+00:00")
    append_decision(engine, {dataset_id}, made, policy_id=None)
    print(uid, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        acknowledged = [server.stdout.readline().strip() for _ in range(100)]
        server.kill()
        acknowledged += server.stdout.read().split()
    stored = [decision.uid for decision in decisions(engine, dataset_id)]
    assert stored[: len(acknowledged)] == acknowledged
    assert len(stored) <= len(acknowledged) + 1
    assert len(effective_fates(engine, dataset_id)) == len(stored)
