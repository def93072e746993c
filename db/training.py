"""The job of a train run: the curated examples, frozen, given to a trainer whose state outlives this process."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from clear_core.apply import apply_decisions
from clear_core.errors import ClearError, InputError, TrainingError
from clear_core.io import atomic_writer
from clear_core.train.port import Progress, Trained, Trainer
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, Message
from db.clients import Models
from db.convert import to_json
from db.curation import Curation, proposals
from db.leases import describe
from db.policies import get_policy
from db.pulse import Pulse
from db.reviews import effective_fates
from db.rows import iter_examples
from db.shift import Shift
from db.storing import STOPPED, Ending

TELL_EVERY_S: Final = 0.5
MOST_LOSSES: Final = 400
"""Points of the loss that the run's record keeps; from more, every second one is left out."""


async def train(shift: Shift, pulse: Pulse, models: Models) -> Ending:
    """Train, or go on where the run's state says.

    Raises:
        ClearError: as the trainer does; the newest state is stored.
    """
    settings = shift.run.config.train
    if settings is None:
        raise InputError("A training needs settings.", "Choose how to train.")
    telling = _Telling(shift, models)
    trainer = models.make_trainer(settings, telling.folder, models.key_for(settings.base_url))
    if shift.run.pending_request == "cancel":
        return await _cancel(trainer, telling)
    telling.begin("preparing")
    examples = await asyncio.to_thread(_frozen, shift, telling)
    ending = await _watch(trainer.train(examples, telling.state), pulse, telling)
    if ending is not None:
        return ending
    if pulse.stop != "lost":
        telling.flush()
    return await _cancel(trainer, telling) if pulse.stop == "cancel" else _stopped(pulse, settings)


async def _watch(stream: AsyncGenerator[Progress | Trained], pulse: Pulse, telling: _Telling) -> Ending | None:
    """Follow a training to its end; None when the worker is asked to stop before."""
    upcoming = asyncio.ensure_future(anext(stream))
    try:
        while not pulse.stop:
            await asyncio.wait({upcoming}, timeout=TELL_EVERY_S / 2)
            if upcoming.done():
                if (trained := telling.hear(upcoming.result())) is not None:
                    return trained
                upcoming = asyncio.ensure_future(anext(stream))
    except StopAsyncIteration:
        raise TrainingError("The training ended without a model.", "Try again.") from None
    except ClearError:
        telling.flush()
        raise
    finally:
        upcoming.cancel()
        (last,) = await asyncio.gather(upcoming, return_exceptions=True)
        await stream.aclose()
    # What came in the same moment as the request: a job that was just created must not be forgotten.
    return None if isinstance(last, BaseException) else telling.hear(last)


async def _cancel(trainer: Trainer, telling: _Telling) -> Ending:
    try:
        await trainer.cancel(telling.state)
    except ClearError as error:
        return Ending("cancelled", f"Cancelled here, but the endpoint could not be told: {error}")
    return STOPPED["cancel"]


def _stopped(pulse: Pulse, settings: TrainSettings) -> Ending:
    if pulse.stop == "pause" and settings.trainer == "openai":
        return Ending("paused", "Nobody watches; the endpoint's job goes on by itself. Resume watches it again.")
    return STOPPED[pulse.stop or "terminate"]


class _Telling:
    """What a train run's record says: where it is, its losses, and the state that a next worker goes on from."""

    def __init__(self, shift: Shift, models: Models) -> None:
        self._shift = shift
        kept = dict(shift.run.state)
        name = f"run-{shift.run.id}-{token_hex(4)}"
        self.folder = Path(kept.get("folder") or models.ledger_path.parent / "models" / name)
        self.state: dict[str, Any] = kept.get("trainer", {})
        self.facts: dict[str, Any] = {"losses": [], **shift.run.recipe}
        self._newest = Progress("preparing")
        self._told_at = 0.0

    @property
    def examples_path(self) -> Path:
        """Where the frozen examples stand."""
        return self.folder.with_name(f"{self.folder.name}.examples.jsonl")

    def begin(self, phase: str) -> None:
        """Enter a phase."""
        self._shift.begin(phase)
        self.flush()

    def hear(self, news: Progress | Trained) -> Ending | None:
        """Take note of news; a new phase or a state of another kind is stored at once. The model is the end."""
        if isinstance(news, Trained):
            return self._finish(news)
        is_new = news.phase != self._newest.phase or news.state.keys() != self.state.keys()
        shift = self._shift
        if news.phase != shift.phase or news.step < shift.finished:
            shift.finished = news.step
            shift.begin(news.phase)
        else:
            shift.count(news.step - shift.finished)
        self.state = dict(news.state)
        self._newest = news
        if news.loss is not None:
            self._note_loss(news.step, news.loss)
        if is_new or time.monotonic() - self._told_at > TELL_EVERY_S:
            self.flush()
        return None

    def _note_loss(self, step: int, loss: float) -> None:
        losses = [point for point in self.facts["losses"] if point[0] < step]
        self.facts["losses"] = [*(losses[::2] if len(losses) >= MOST_LOSSES else losses), [step, loss]]

    def _finish(self, trained: Trained) -> Ending:
        self.facts |= {"trained": asdict(trained.model) if trained.model else None, "facts": dict(trained.facts)}
        self._newest = replace(self._newest, step=self._newest.total, told="")
        self.flush()
        return Ending("done")

    def flush(self) -> None:
        """Store what is known."""
        self._told_at = time.monotonic()
        news, shift = self._newest, self._shift
        describe(
            shift.engine,
            shift.lease,
            done=news.step if news.total else None,
            total=news.total or None,
            recipe=to_json({**asdict(shift.run.config.train or TrainSettings()), **self.facts, "told": news.told}),
            state=to_json({"folder": str(self.folder), "trainer": self.state}),
        )


def _frozen(shift: Shift, telling: _Telling) -> list[Example]:
    """The examples to learn, as they were when the training began: whatever people decide meanwhile is the next one's.

    What they are is what the policy and people's decisions keep or replace. A row that nobody scored stays in an
    export, flagged; it is no part of what CLEAR learns from, unless a person keeps it.
    """
    path = telling.examples_path
    if not (path.exists() and telling.facts.get("examples")):
        fates: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_writer(path) as out:
            examples = islice(_curated(shift, fates), shift.run.config.limit)
            written = sum(bool(out.write(_line(example))) for example in examples)
        if not written:
            raise InputError("There is no row to learn from.", "Lower gamma, or keep some rows.")
        telling.facts |= {"examples": written, "fates": dict(fates)}
        telling.flush()
    with path.open(encoding="utf-8") as lines:
        return [_example(json.loads(line)) for line in lines]


def _curated(shift: Shift, fates: Counter[str]) -> Iterator[Example]:
    engine, run = shift.engine, shift.run
    examples = iter_examples(engine, run.dataset_id)
    if run.config.policy_id is None:
        for example in examples:
            fates["keep"] += 1
            yield example
        return
    policy = get_policy(engine, run.config.policy_id)
    curation = Curation(run.dataset_id, policy.score_run_id, policy.correct_run_id, policy.thresholds, policy)
    outcomes = apply_decisions(proposals(engine, curation), effective_fates(engine, run.dataset_id))
    for example, outcome in zip(examples, outcomes, strict=True):
        fates[outcome.fate] += 1
        if outcome.fate in {"keep", "replace"}:
            yield example if outcome.response is None else replace(example, response=outcome.response)


def _line(example: Example) -> bytes:
    turns = [{"role": turn.role, "content": turn.content} for turn in example.prompt]
    kept = {"id": example.id, "row": example.row, "prompt": turns, "response": example.response}
    return to_json(kept).encode() + b"\n"


def _example(stored: Mapping[str, Any]) -> Example:
    turns = tuple(Message(turn["role"], turn["content"]) for turn in stored["prompt"])
    return Example(stored["id"], stored["row"], turns, stored["response"])
