"""A train run: what is learned, and that pause, crash and cancel lose nothing and pay nothing twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from db_kit import decide
from sqlalchemy import Engine

from clear_core.errors import StateError, TrainingError
from clear_core.train.port import Progress, Trained
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, ModelRef
from db.checks import find_faults
from db.datasets import delete_dataset
from db.policies import list_policies
from db.records import RunConfig
from db.reviews import append_decision
from db.runs import create_run, get_run, request_cancel, request_pause, request_resume

LORA = TrainSettings()
REMOTE = TrainSettings("openai", base="some-model", base_url="http://tuned/v1")
STEPS = 8


class Scripted:
    """A trainer of eight steps that creates one job.

    Attributes:
        created: how many jobs were created.
        learned: the examples that it was given, at each start.
        waits_at: the step that it never gets over while it is set.
        cancelled: states that it was told to cancel.
    """

    def __init__(self) -> None:
        self.created = 0
        self.learned: list[list[Example]] = []
        self.began_at: list[int] = []
        self.waits_at: int | None = None
        self.fails_at: int | None = None
        self.cancelled: list[Mapping[str, Any]] = []
        self.reached = threading.Event()
        self.model: ModelRef | None = ModelRef("http://tuned/v1", "ft:some-model")
        self.keys: list[str] = []
        self.folders: list[Path] = []
        self.asked_for: list[TrainSettings] = []

    def make(self, settings: TrainSettings, folder: Path, api_key: str) -> Scripted:
        self.asked_for.append(settings)
        self.keys.append(api_key)
        self.folders.append(folder)
        return self

    async def train(
        self, examples: Sequence[Example], state: Mapping[str, Any]
    ) -> AsyncGenerator[Progress | Trained, None]:
        self.learned.append(list(examples))
        if not state:
            self.created += 1
            state = {"job": f"job-{self.created}", "step": 0}
        self.began_at.append(state["step"])
        yield Progress("queued", state=state)
        for step in range(state["step"] + 1, STEPS + 1):
            if step == self.waits_at:
                self.reached.set()
                await asyncio.sleep(3600)
            if step == self.fails_at:
                raise TrainingError("The job failed: it ran out of money.", "Try again.")
            yield Progress("training", step, STEPS, loss=1.0 / step, state={**state, "step": step}, told=f"step {step}")
        yield Trained(self.model, {"steps": STEPS})

    async def cancel(self, state: Mapping[str, Any]) -> None:
        self.cancelled.append(state)


@pytest.fixture
def trainer(bench: Bench) -> Scripted:
    scripted = Scripted()
    bench.more["make_trainer"] = scripted.make
    return scripted


@pytest.fixture
def train_run(engine: Engine, reviewed: int) -> Callable[..., int]:
    def make(settings: TrainSettings = LORA, **config: Any) -> int:
        policy = list_policies(engine, reviewed)[0]
        return create_run(
            engine, reviewed, RunConfig("train", **{"train": settings, "policy_id": policy.id} | config), "ada"
        )

    return make


TrainRun = Callable[..., int]


def test_what_is_kept_or_replaced_is_learned_and_what_nobody_scored_is_not(
    bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    run = bench.work(train_run())
    assert (run.status, run.done, run.total, run.message) == ("done", STEPS, STEPS, "")
    # q0 is replaced by its candidate, q1 kept, q2 dropped by a person, q3 broken, q4 never scored.
    assert [(each.id, each.response) for each in trainer.learned[0]] == [("q0", "better 0"), ("q1", "r1")]
    assert run.recipe["fates"] == {"replace": 1, "keep": 1, "drop": 1, "unscored": 1}
    assert run.trained == ModelRef("http://tuned/v1", "ft:some-model")
    assert run.recipe["facts"] == {"steps": STEPS}
    assert run.recipe["losses"][-1] == [STEPS, 1.0 / STEPS]


def test_without_a_policy_every_row_is_learned(bench: Bench, trainer: Scripted, train_run: TrainRun) -> None:
    bench.work(train_run(policy_id=None))
    assert [each.response for each in trainer.learned[0]] == ["r0", "r1", "r2", "r4"]


def test_a_pause_goes_on_from_its_state_with_the_very_same_examples(
    engine: Engine, reviewed: int, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    run_id = train_run(REMOTE)
    trainer.waits_at = 5
    with bench.at_work(run_id):
        assert trainer.reached.wait(30)
        request_pause(engine, run_id)
    paused = get_run(engine, run_id)
    assert (paused.status, paused.done, paused.state["trainer"]["step"]) == ("paused", 4, 4)
    assert "goes on by itself" in paused.message
    append_decision(engine, reviewed, decide(1, "drop", "drop"), policy_id=None)
    trainer.waits_at = None
    request_resume(engine, run_id)
    run = bench.work(run_id)
    assert (run.status, trainer.created, trainer.began_at) == ("done", 1, [0, 4])
    assert trainer.learned[0] == trainer.learned[1]
    assert trainer.folders[0] == trainer.folders[1]
    assert trainer.keys == ["sk-candidate", "sk-candidate"]
    assert trainer.asked_for == [REMOTE, REMOTE]


def test_a_failed_training_says_why_and_can_go_on(
    engine: Engine, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    run_id = train_run()
    trainer.fails_at = 3
    failed = bench.work(run_id)
    assert (failed.status, failed.message) == ("failed", "The job failed: it ran out of money. Try again.")
    trainer.fails_at = None
    request_resume(engine, run_id)
    assert bench.work(run_id).status == "done"
    assert trainer.began_at == [0, 2]


def test_a_cancel_reaches_the_endpoint(engine: Engine, bench: Bench, trainer: Scripted, train_run: TrainRun) -> None:
    run_id = train_run(REMOTE)
    trainer.waits_at = 3
    with bench.at_work(run_id):
        assert trainer.reached.wait(30)
        assert not request_cancel(engine, run_id)
    assert get_run(engine, run_id).status == "cancelled"
    assert [state["job"] for state in trainer.cancelled] == ["job-1"]


def test_a_paused_training_elsewhere_is_cancelled_by_a_worker(
    engine: Engine, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    run_id = train_run(REMOTE)
    trainer.waits_at = 3
    with bench.at_work(run_id):
        assert trainer.reached.wait(30)
        request_pause(engine, run_id)
    assert request_cancel(engine, run_id)
    run = bench.work(run_id)
    assert run.status == "cancelled"
    assert [state["job"] for state in trainer.cancelled] == ["job-1"]
    assert len(trainer.learned) == 1


def test_a_paused_local_training_is_cancelled_at_once(
    engine: Engine, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    run_id = train_run()
    trainer.waits_at = 3
    with bench.at_work(run_id):
        assert trainer.reached.wait(30)
        request_pause(engine, run_id)
    assert not request_cancel(engine, run_id)
    assert get_run(engine, run_id).status == "cancelled"


def test_nothing_kept_is_nothing_to_learn(
    engine: Engine, reviewed: int, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    for row in (0, 1, 4):
        append_decision(engine, reviewed, decide(row, "drop", "drop"), policy_id=None)
    run = bench.work(train_run())
    assert (run.status, trainer.created) == ("failed", 0)
    assert "no row to learn from" in run.message


def test_a_policy_of_another_dataset_is_refused(engine: Engine, reviewed: int, dataset: Callable[[int], int]) -> None:
    policy = list_policies(engine, reviewed)[0]
    with pytest.raises(StateError, match="not one of dataset"):
        create_run(engine, dataset(2), RunConfig("train", train=LORA, policy_id=policy.id), "ada")


def test_a_lost_model_is_told_by_the_check(
    engine: Engine, bench: Bench, trainer: Scripted, train_run: TrainRun, tmp_path: Path
) -> None:
    trainer.model = ModelRef(adapter=str(tmp_path / "adapter"))
    bench.work(train_run())
    assert any("trained is gone" in fault for fault in find_faults(engine))
    (tmp_path / "adapter").mkdir()
    assert list(find_faults(engine)) == []


def test_a_deleted_dataset_takes_its_trained_models_along(
    engine: Engine, reviewed: int, bench: Bench, trainer: Scripted, train_run: TrainRun
) -> None:
    bench.work(train_run())
    trainer.folders[0].mkdir()
    models = trainer.folders[0].parent
    assert len(list(models.iterdir())) == 2
    delete_dataset(engine, reviewed)
    assert list(models.iterdir()) == []
