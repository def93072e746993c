"""The part of a job that asks models: clients, recipe, and results stored as they finish."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeVar

from clear_core.estimator import Recipe, recipe_for
from clear_core.judge import ModelJudge
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import LedgeredLLM, ledgered
from clear_core.llm.port import LLM
from clear_core.pipeline import correct_stream, score_stream
from clear_core.types import ConfidenceScore, Example, ModelRef, Preference
from clear_core.writing import ModelWriter
from db.convert import to_json
from db.leases import describe
from db.outage import OutageGuard
from db.pulse import Pulse, Stop
from db.records import RunStatus
from db.results import pending_examples, rows_in_scope, save_preferences, save_scores
from db.shift import Shift

Result = TypeVar("Result", ConfidenceScore, Preference)
Save = Callable[..., str]

SAVE_EVERY_S: Final = 1.0
SAVE_ROWS: Final = 200
GRACE_S: Final[dict[Stop, float]] = {"pause": 20.0, "cancel": 0.0, "terminate": 3.0, "lost": 0.0}
"""How long examples under way may still finish; what is cut off stays in the ledger, call by call."""


OnLoading = Callable[[Literal["loading", "ready"]], None]


class Connect(Protocol):
    """Makes a client; only the place that starts the process knows real ones."""

    def __call__(self, model: ModelRef, api_key: str, on_loading: OnLoading) -> LLM:
        """A client of the model."""


@dataclass(frozen=True, slots=True)
class Models:
    """How to reach the models of a run; keys live as long as the process.

    Attributes:
        connect: makes clients.
        ledger_path: the ledger of finished calls.
        keys: by base URL; a key goes to its endpoint and nowhere else.
    """

    connect: Connect
    ledger_path: Path
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    def key_for(self, model: ModelRef) -> str:
        """The key of the model's endpoint; empty where none was given."""
        return self.keys.get(model.base_url, "") if model.base_url else ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended, with a sentence for a person."""

    status: RunStatus
    message: str = ""


async def ask_models(shift: Shift, pulse: Pulse, models: Models) -> Ending:
    """Score or correct what is left of a run.

    Raises:
        ClearError: as models, ledger and recipe do; everything finished before is stored.
    """
    with closing(Ledger(models.ledger_path)) as ledger:
        async with AsyncExitStack() as stack:

            def on_loading(state: Literal["loading", "ready"]) -> None:
                shift.is_loading = state == "loading"
                shift.begin(shift.phase)

            def open_model(model: ModelRef) -> LedgeredLLM:
                llm = ledgered(models.connect(model, models.key_for(model), on_loading), ledger, shift.budget)
                stack.push_async_callback(llm.close)
                shift.models.append(llm)
                return llm

            return await _run(shift, pulse, open_model)


OpenModel = Callable[[ModelRef], LedgeredLLM]


async def _run(shift: Shift, pulse: Pulse, open_model: OpenModel) -> Ending:
    config = shift.run.config
    judge = open_model(ModelRef(config.base_url, config.model, config.adapter))
    recipe = replace(recipe_for(judge, config.samples, config.similarity or None), temperature=config.temperature)
    feed = _Feed(pending_examples(shift.engine, shift.run, retry_problems=shift.run.retry_problems), pulse)
    if config.kind == "score":
        describe(shift.engine, shift.lease, recipe=to_json(_told(recipe, judge)))
        shift.begin("scoring")
        scores = score_stream(feed, judge, recipe, concurrency=config.concurrency)
        return await _Storing(shift, pulse, feed, save_scores).store(scores)
    writer = _open_writer(shift, judge, open_model)
    told = _told(recipe, judge) | {"candidate_model": writer.model, "candidate_host": writer.host}
    total = len(rows_in_scope(shift.engine, config))
    describe(shift.engine, shift.lease, total=total, recipe=to_json(told))
    shift.begin("correcting")
    judging = ModelJudge(judge, recipe)
    preferences = correct_stream(feed, [ModelWriter(writer)], judging, concurrency=config.concurrency)
    return await _Storing(shift, pulse, feed, save_preferences).store(preferences)


def _told(recipe: Recipe, judge: LedgeredLLM) -> dict[str, Any]:
    return asdict(recipe) | {"measure": recipe.name, "model": judge.model, "host": judge.host}


def _open_writer(shift: Shift, judge: LedgeredLLM, open_model: OpenModel) -> LedgeredLLM:
    config = shift.run.config
    model = config.writers[0].model
    return judge if model is None or model == config.asked else open_model(model)


class _Feed:
    """Gives examples until there are none, or until the worker is asked to stop."""

    def __init__(self, pending: Iterator[Example], pulse: Pulse) -> None:
        self._pending = pending
        self._pulse = pulse
        self.is_exhausted = False

    def __iter__(self) -> Iterator[Example]:
        for example in self._pending:
            if self._pulse.stop:
                return
            yield example
        self.is_exhausted = True


class _Storing:
    """Stores a stream's results as they finish: at least every second, at most so many in one transaction."""

    def __init__(self, shift: Shift, pulse: Pulse, feed: _Feed, save: Save) -> None:
        self._shift = shift
        self._pulse = pulse
        self._feed = feed
        self._save_results = save
        self._ready: list[Any] = []
        self._saved_at = time.monotonic()

    async def store(self, stream: AsyncGenerator[Result]) -> Ending:
        guard = OutageGuard[Result](self._shift.run.config.concurrency)
        upcoming = asyncio.ensure_future(anext(stream))
        try:
            while not self._out_of_grace:
                await asyncio.wait({upcoming}, timeout=SAVE_EVERY_S / 4)
                if upcoming.done():
                    self._ready += guard.admit(upcoming.result())
                    if guard.is_out:
                        return Ending("paused", guard.message)
                    upcoming = asyncio.ensure_future(anext(stream))
                await self._save_if_due()
        except StopAsyncIteration:
            if guard.was_never_well:
                return Ending("paused", guard.message)
            if self._feed.is_exhausted:
                self._ready += guard.release()
                return Ending("done")
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
            await stream.aclose()
            await self._save()
        return STOPPED[self._pulse.stop]

    @property
    def _out_of_grace(self) -> bool:
        stop = self._pulse.stop
        return bool(stop) and self._pulse.stopping_for > GRACE_S[stop]

    async def _save_if_due(self) -> None:
        if len(self._ready) >= SAVE_ROWS or time.monotonic() - self._saved_at > SAVE_EVERY_S:
            await self._save()

    async def _save(self) -> None:
        ready, self._ready = self._ready, []
        self._saved_at = time.monotonic()
        if ready and self._pulse.stop != "lost":
            self._shift.count(len(ready))
            shift = self._shift
            # Off the loop: a long import may hold the database's lock for a moment, and calls go on meanwhile.
            request = await asyncio.to_thread(self._save_results, shift.engine, shift.lease, ready, shift.progress())
            self._pulse.hear(request)


STOPPED: Final[dict[Stop, Ending]] = {
    "pause": Ending("paused", "Paused on request."),
    "cancel": Ending("cancelled", "Cancelled on request; everything finished before is kept."),
    "terminate": Ending("interrupted", "The system told the worker to stop. Resume goes on from here."),
    "lost": Ending("interrupted"),
}
