"""A worker's job from claim to ending, with a scripted model in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import KEYS, Bench, Endpoint
from sqlalchemy import Engine, update

from clear_core.errors import LLMError
from clear_core.llm.fake import FakeLLM
from clear_core.llm.port import ChatRequest, Reply
from clear_core.types import CandidateSource, ModelRef
from db.clients import Models
from db.datasets import get_dataset
from db.engine import write
from db.models import RunRow
from db.records import RunConfig
from db.runs import create_run, get_run, request_cancel, request_pause, request_resume
from db.scores import get_preferences, get_scores, iter_scores

Dataset = Callable[[int], int]

CALLS = 4
"""Calls of a BSDetector score with two samples: two reflections and the samples."""
REFUSED = LLMError("Connection refused.", problem="unreachable", retryable=True, may_be_billed=False)

ScoreRun = Callable[..., int]


def test_a_run_scores_every_row_and_says_how(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    run = bench.work(score_run(6))
    assert (run.status, run.done, run.total, run.message, run.phase) == ("done", 6, 6, "", "")
    assert run.calls_paid == 6 * CALLS == bench.endpoint.asked
    assert run.tokens_in > 0
    assert run.tokens_out > 0
    assert run.recipe["measure"] == "bsdetector/exact"
    assert run.recipe["model"] == "fake"
    assert run.recipe["samples"] == 2
    assert run.started_at
    assert run.finished_at
    scores = list(iter_scores(engine, run.id))
    assert [score.confidence for score in scores] == [1.0] * 6
    assert scores[0].evidence["samples"]


def test_the_same_run_again_pays_nothing(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    first = bench.work(score_run(3))
    again = create_run(engine, first.dataset_id, first.config, "ada")
    run = bench.work(again)
    assert (run.status, run.calls_paid, run.calls_replayed) == ("done", 0, 3 * CALLS)
    assert [s.confidence for s in iter_scores(engine, first.id)] == [s.confidence for s in iter_scores(engine, run.id)]


def test_pause_keeps_what_is_finished_and_resume_pays_only_for_the_rest(
    engine: Engine, bench: Bench, score_run: ScoreRun
) -> None:
    bench.endpoint._latency = 0.3
    run_id = score_run(90)
    with bench.at_work(run_id):
        bench.until_done(run_id, 2)
        assert get_run(engine, run_id).phase == "scoring"
        request_pause(engine, run_id)
    paused = get_run(engine, run_id)
    assert (paused.status, paused.message) == ("paused", "Paused on request.")
    assert 2 <= paused.done < 90
    assert bench.endpoint.asked == paused.done * CALLS
    bench.endpoint._latency = 0.0
    request_resume(engine, run_id)
    run = bench.work(run_id)
    assert (run.status, run.done, run.calls_paid, run.calls_replayed) == ("done", 90, 90 * CALLS, 0)
    assert bench.endpoint.asked == 90 * CALLS


def test_cancel_ends_at_once_and_for_good(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint._latency = 0.3
    run_id = score_run(90)
    with bench.at_work(run_id):
        bench.until_done(run_id, 1)
        request_cancel(engine, run_id)
    run = get_run(engine, run_id)
    assert run.status == "cancelled"
    assert 1 <= run.done == len(list(iter_scores(engine, run_id))) < 90


def test_a_told_worker_leaves_an_interrupted_run(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint._latency = 0.3
    run_id = score_run(90)
    with bench.at_work(run_id):
        bench.until_done(run_id, 1)
        bench.terminated.set()
    run = get_run(engine, run_id)
    assert run.status == "interrupted"
    assert "Resume" in run.message
    assert run.is_resumable


def test_the_cap_ends_a_run_with_everything_kept(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    run_id = score_run(10, max_calls=14)
    run = bench.work(run_id)
    assert run.status == "capped"
    assert "cap of 14 calls" in run.message
    assert bench.endpoint.asked == run.calls_paid == 14
    assert run.done == len(list(iter_scores(engine, run_id))) == 3
    request_resume(engine, run_id, max_calls=100)
    run = bench.work(run_id)
    assert (run.status, run.done, run.calls_paid) == ("done", 10, 10 * CALLS)


def test_a_refused_key_stops_at_once_without_unscoring_anything(bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint.fault = LLMError("The endpoint refused the key.", "Check it.", problem="unauthorised", fatal=True)
    bench.endpoint.fails_after = 2 * CALLS
    run = bench.work(score_run(30))
    assert run.status == "failed"
    assert run.message == "The endpoint refused the key. Check it."
    assert bench.endpoint.asked < 6 * CALLS
    assert run.problems == {}
    assert run.is_resumable


def test_an_outage_pauses_the_run_and_leaves_its_rows_to_do(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    run_id = score_run(30)
    bench.endpoint.fault = REFUSED
    bench.endpoint.fails_after = 5 * CALLS
    run = bench.work(run_id)
    assert run.status == "paused"
    assert "could not be reached for 4 of the last" in run.message
    assert "Connection refused." in run.message
    assert (run.problems, run.done) == ({}, len(get_scores(engine, run_id, range(30))))
    bench.endpoint.fault = None
    request_resume(engine, run_id)
    assert (bench.work(run_id).status, get_run(engine, run_id).done) == ("done", 30)


def test_an_endpoint_that_never_answers_pauses_even_a_tiny_run(bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint.fault = REFUSED
    run = bench.work(score_run(1))
    assert (run.status, run.done, run.calls_paid) == ("paused", 0, 0)


def test_an_endpoint_that_hangs_up_pauses_the_run_and_its_calls_count(bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint.fault = LLMError("It hung up.", problem="unreachable", retryable=True)
    run = bench.work(score_run(1))
    assert (run.status, run.done) == ("paused", 0)
    assert run.calls_paid == bench.endpoint.asked >= CALLS


def test_a_single_failure_is_a_problem_of_its_row_that_can_be_retried(
    engine: Engine, bench: Bench, score_run: ScoreRun
) -> None:
    class Moody(Endpoint):
        async def complete(self, request: ChatRequest) -> Reply:
            if self.fault and any("What is 3 + 3?" in message.content for message in request.messages):
                raise self.fault
            return await FakeLLM.complete(self, request)

    bench.endpoint = Moody({f"What is {n} + {n}?": str(n + n) for n in range(9)})
    bench.endpoint.fault = LLMError("No answer.", problem="timeout", retryable=True)
    run_id = score_run(8)
    run = bench.work(run_id)
    assert (run.status, run.done, run.problems) == ("done", 8, {"timeout": 1})
    assert get_scores(engine, run_id, [3])[3].confidence is None
    bench.endpoint.fault = None
    request_resume(engine, run_id, retry_problems=True)
    run = bench.work(run_id)
    assert (run.status, run.done, run.problems) == ("done", 8, {})
    assert get_scores(engine, run_id, [3])[3].confidence == 1.0


def test_a_programming_error_is_told_without_its_contents(bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint.fault = RuntimeError("sk-judge leaked")
    run = bench.work(score_run(3))
    assert run.status == "failed"
    assert run.message == "The worker met an unexpected RuntimeError; its log has the details."


def test_a_worker_that_lost_its_run_stores_nothing_more(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    bench.endpoint._latency = 0.3
    run_id = score_run(90)
    with bench.at_work(run_id):
        bench.until_done(run_id, 1)
        with write(engine) as connection:
            connection.execute(update(RunRow).where(RunRow.id == run_id).values(token=RunRow.token + 1))
        before = get_run(engine, run_id)
    after = get_run(engine, run_id)
    assert (after.done, after.version, after.status) == (before.done, before.version, "running")


def test_a_correct_run_writes_and_judges_candidates_and_each_key_goes_to_its_endpoint(
    engine: Engine, bench: Bench, score_run: ScoreRun
) -> None:
    scores = bench.work(score_run(6))
    config = RunConfig(
        kind="correct",
        model="fake",
        base_url="http://judge/v1",
        candidates=(CandidateSource(ModelRef("http://tuned/v1", "tuned")),),
        samples=1,
        score_run_id=scores.id,
        scope="all",
        limit=4,
    )
    bench.connected.clear()
    run = bench.work(create_run(engine, scores.dataset_id, config, "ada"))
    assert (run.status, run.done, run.total) == ("done", 4, 4)
    assert bench.connected == [
        ("http://judge/v1", "fake", "sk-judge"),
        ("http://tuned/v1", "tuned", "sk-candidate"),
    ]
    assert {each.rejected for each in get_preferences(engine, run.id, range(4)).values()} == {"same"}


def test_without_a_key_of_its_own_another_endpoint_gets_none(engine: Engine, bench: Bench, score_run: ScoreRun) -> None:
    scores = bench.work(score_run(2))
    other = (CandidateSource(ModelRef("http://other/v1", "fake")),)
    config = RunConfig("correct", "fake", "http://judge/v1", candidates=other, score_run_id=scores.id)
    bench.connected.clear()
    bench.work(create_run(engine, scores.dataset_id, config, ""))
    assert bench.connected[1] == ("http://other/v1", "fake", "")


def test_keys_are_stored_nowhere(bench: Bench, score_run: ScoreRun, data_dir: Path) -> None:
    bench.work(score_run(2))
    for path in data_dir.rglob("*"):
        assert path.is_dir() or b"sk-judge" not in path.read_bytes()
    assert "sk-judge" not in repr(Models(bench.connect, bench.ledger_path, keys=KEYS))


def test_an_import_is_a_run_that_can_be_stopped_and_resumed(
    engine: Engine, bench: Bench, upload: Callable[..., int]
) -> None:
    records: list[object] = [{"prompt": f"p{n}", "response": "r"} for n in range(2500)]
    dataset_id = upload([*records, "{broken"])
    run_id = create_run(engine, dataset_id, RunConfig(kind="import"), "ada")
    bench.terminated.set()
    assert bench.work(run_id).status == "interrupted"
    assert get_dataset(engine, dataset_id).examples == 1000
    bench.terminated.clear()
    request_resume(engine, run_id)
    run = bench.work(run_id)
    assert (run.status, run.done, run.total) == ("done", 2501, 2501)
    dataset = get_dataset(engine, dataset_id)
    assert (dataset.status, dataset.examples, dataset.problems) == ("ready", 2500, 1)


def test_an_unreadable_upload_fails_with_a_reason(engine: Engine, bench: Bench, upload: Callable[..., int]) -> None:
    dataset_id = upload([{"prompt": "p", "response": "r"}])
    get_dataset(engine, dataset_id).source_path.unlink()
    run = bench.work(create_run(engine, dataset_id, RunConfig(kind="import"), "ada"))
    assert run.status == "failed"
    assert run.message
    assert get_dataset(engine, dataset_id).status == "failed"
