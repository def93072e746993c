"""The models that a job asks: opened once, behind the ledger and under the run's cap, and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from clear_core.entailment import NLI
from clear_core.errors import StateError
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import LedgeredLLM, ledgered
from clear_core.llm.port import LLM
from clear_core.measures import Measure, measure_of
from clear_core.recipe import Recipe
from clear_core.stored import StoredRecipe
from clear_core.train.port import Trainer
from clear_core.train.settings import TrainSettings
from clear_core.types import ModelRef
from db.shift import Shift

OnLoading = Callable[[Literal["loading", "ready"]], None]


class Connect(Protocol):
    """Makes a client; only the place that starts the process knows real ones."""

    def __call__(self, model: ModelRef, api_key: str, on_loading: OnLoading) -> LLM:
        """A client of the model."""


class MakeTrainer(Protocol):
    """Makes a trainer, as `Connect` makes a client."""

    def __call__(self, settings: TrainSettings, folder: Path, api_key: str) -> Trainer:
        """A trainer that keeps what it makes here in a folder of its own."""


def _no_nli(name: str) -> NLI:
    raise StateError(f"This worker can't load {name!r}: it was started without models of entailment.")


def _no_trainer(settings: TrainSettings, folder: Path, api_key: str) -> Trainer:  # noqa: ARG001
    raise StateError(f"This worker can't train by {settings.trainer!r}: it was started without trainers.")


@dataclass(frozen=True, slots=True)
class Models:
    """How to reach the models of a run; keys live as long as the process.

    Attributes:
        connect: makes clients.
        ledger_path: the ledger of finished calls; models that are trained here stand in a folder beside it.
        keys: by base URL; a key goes to its endpoint and nowhere else.
        load_nli: loads a model of entailment by name or path; takes its time.
        make_trainer: makes trainers.
    """

    connect: Connect
    ledger_path: Path
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    load_nli: Callable[[str], NLI] = _no_nli
    make_trainer: MakeTrainer = _no_trainer

    def key_for(self, base_url: str) -> str:
        """The key of an endpoint; empty where none was given. A slash at the end makes no other endpoint."""
        given = {url.rstrip("/"): key for url, key in self.keys.items()}
        return given.get(base_url.rstrip("/"), "") if base_url else ""


class Clients:
    """The models that a job has opened; use it as an asynchronous context.

    Args:
        shift: the worker's time on the run, which counts their calls.
        models: how to reach them.
    """

    def __init__(self, shift: Shift, models: Models) -> None:
        self._shift = shift
        self._models = models
        self._stack = AsyncExitStack()
        self._opened: dict[ModelRef, LedgeredLLM] = {}
        self._ledger: Ledger | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def open(self, model: ModelRef) -> LedgeredLLM:
        """A client of a model, the same one when asked twice.

        Raises:
            ClearError: when the model can't be reached or the ledger not be opened.
        """
        if model not in self._opened:
            if self._ledger is None:
                self._ledger = self._stack.enter_context(closing(Ledger(self._models.ledger_path)))
            client = self._models.connect(model, self._models.key_for(model.base_url), self._on_loading)
            opened = ledgered(client, self._ledger, self._shift.budget)
            self._stack.push_async_callback(opened.close)
            self._shift.models.append(opened)
            self._opened[model] = opened
        return self._opened[model]

    async def measure(self, recipe: Recipe | StoredRecipe, llm: LLM | None) -> Measure:
        """The measure that a recipe names, with its model of entailment loaded where it has one.

        Raises:
            InputError: when the measure needs what is not there.
        """
        nli = None
        if recipe.similarity == "nli" and recipe.nli:
            self._on_loading("loading")
            nli = await asyncio.to_thread(self._models.load_nli, recipe.nli)
            self._on_loading("ready")
        return measure_of(recipe, llm, nli)

    def _on_loading(self, state: Literal["loading", "ready"]) -> None:
        self._shift.is_loading = state == "loading"
        self._shift.begin(self._shift.phase)
