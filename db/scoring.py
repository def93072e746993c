"""The job of a score run: a model asked, stored samples compared, or a column's scores taken over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, Final

from clear_core.column_scores import check_scale, column_recipe, look_at_column, score_by_column
from clear_core.estimator import recipe_for
from clear_core.labels import closed_labels
from clear_core.llm.ledgered import LedgeredLLM
from clear_core.measures import Measure
from clear_core.pilot import fixed_gamma, pilot_rows
from clear_core.pipeline import score_stream, stored_stream
from clear_core.propose import Gamma
from clear_core.recipe import Recipe
from clear_core.stored import stored_recipe
from clear_core.types import ModelRef
from db.clients import Clients
from db.convert import to_json
from db.leases import describe
from db.pulse import Pulse
from db.results import pending_examples, rows_to_score, save_scores
from db.rows import check_columns, iter_examples, iter_responses
from db.scores import get_scores
from db.shift import Shift
from db.storing import STOPPED, Ending, Feed, Storing

TAKEN_OVER_AT_ONCE: Final = 1_000
PAUSE_S: Final = 0.01
"""Between two transactions of taking over, so that people who review wait for neither."""


async def score(shift: Shift, pulse: Pulse, clients: Clients) -> Ending:
    """Score what is left of a score run.

    Raises:
        ClearError: as models, ledger, recipe and columns do; everything finished before is stored.
    """
    config = shift.run.config
    columns = (config.score_field, config.samples_field, config.reflection_field)
    check_columns(shift.engine, shift.run.dataset_id, columns)
    if config.score_field:
        return _take_over(shift, pulse)
    labels = await asyncio.to_thread(_labels, shift)
    if config.asked is None:
        return await _compare_stored(shift, pulse, clients, labels)
    return await _ask(shift, pulse, clients, config.asked, labels)


def _labels(shift: Shift) -> tuple[str, ...]:
    labels = shift.run.config.labels
    return closed_labels(iter_responses(shift.engine, shift.run.dataset_id)) if labels == "auto" else labels


async def _ask(shift: Shift, pulse: Pulse, clients: Clients, model: ModelRef, labels: tuple[str, ...]) -> Ending:
    config = shift.run.config
    llm = clients.open(model)
    recipe = replace(
        recipe_for(llm, config.samples, config.similarity or None),
        temperature=config.temperature,
        nli=config.nli,
        with_question=config.with_question,
        labels=labels,
        letter_probabilities=config.letter_probabilities,
    )
    if config.together is not None:
        recipe = replace(recipe, together=config.together)
    asking = _Asking(shift, pulse, llm, await clients.measure(recipe, llm))
    if not config.stop_early:
        return await asking.score(recipe, "scoring")
    gamma = await asking.gamma(recipe)
    if isinstance(gamma, Ending):
        return gamma
    return await asking.score(replace(recipe, stop_at=gamma), "scoring")


class _Asking:
    """A model asked for scores: of a pilot in full, and of the rest."""

    def __init__(self, shift: Shift, pulse: Pulse, llm: LedgeredLLM, measure: Measure) -> None:
        self._shift = shift
        self._pulse = pulse
        self._llm = llm
        self._measure = measure

    async def score(self, recipe: Recipe, phase: str, rows: Sequence[int] | None = None) -> Ending:
        """Score what is left of these rows, or of all."""
        shift = self._shift
        told = {"measure": recipe.name, "model": self._llm.model, "host": self._llm.host}
        _tell(shift, asdict(recipe) | told)
        shift.begin(phase)
        retry = shift.run.retry_problems
        feed = Feed(pending_examples(shift.engine, shift.run, retry_problems=retry, rows=rows), self._pulse)
        scores = score_stream(feed, self._llm, recipe, self._measure, concurrency=shift.run.config.concurrency)
        return await Storing(shift, self._pulse, feed, save_scores).store(scores)

    async def gamma(self, recipe: Recipe) -> float | Ending:
        """Gamma as a number: fixed by a pilot that is scored in full, once for the whole run.

        Raises:
            StateError: when no row of the pilot could be scored.
        """
        shift = self._shift
        if "gamma" in shift.run.state:
            return float(shift.run.state["gamma"])
        gamma = Gamma.parse(shift.run.config.gamma)
        rows = []
        if gamma.kind == "share":
            rows = pilot_rows(rows_to_score(shift.engine, shift.run), shift.run.config.pilot)
            ending = await self.score(recipe, "pilot", rows)
            if ending.status != "done":
                return ending
        fixed = fixed_gamma(get_scores(shift.engine, shift.run.id, rows).values(), gamma)
        describe(shift.engine, shift.lease, state=to_json({"gamma": fixed, "pilot": rows}))
        return fixed


async def _compare_stored(shift: Shift, pulse: Pulse, clients: Clients, labels: tuple[str, ...]) -> Ending:
    config = shift.run.config
    recipe = stored_recipe(
        config.samples_field,
        config.reflection_field,
        samples=config.samples or None,
        similarity_name=config.similarity or None,
        model=config.scorer,
    )
    recipe = replace(recipe, nli=config.nli, with_question=config.with_question, labels=labels)
    measure = await clients.measure(recipe, None)
    _tell(shift, asdict(recipe) | {"measure": recipe.name})
    shift.begin("scoring")
    feed = Feed(pending_examples(shift.engine, shift.run, retry_problems=shift.run.retry_problems), pulse)
    scores = stored_stream(feed, recipe, measure, concurrency=config.concurrency)
    return await Storing(shift, pulse, feed, save_scores).store(scores)


def _take_over(shift: Shift, pulse: Pulse) -> Ending:
    """Two passes: the whole column first, which a rank is taken among and a scale is held against; then the rows."""
    config = shift.run.config
    recipe = column_recipe(
        config.score_field, config.scale, lower_is_better=config.lower_is_better, scorer=config.scorer
    )
    shift.begin("reading the column")
    found = look_at_column(iter_examples(shift.engine, shift.run.dataset_id), recipe)
    check_scale(found, recipe, given=bool(config.scale))
    _tell(shift, asdict(recipe) | {"measure": recipe.name, "model": recipe.scorer, "range": found.range})
    shift.begin("scoring")
    pending = pending_examples(shift.engine, shift.run, retry_problems=shift.run.retry_problems)
    while page := list(islice(pending, TAKEN_OVER_AT_ONCE)):
        if pulse.stop:
            return STOPPED[pulse.stop]
        scores = [score_by_column(example, recipe, found) for example in page]
        shift.count(len(scores))
        pulse.hear(save_scores(shift.engine, shift.lease, scores, shift.progress()))
        time.sleep(PAUSE_S)
    return Ending("done")


def _tell(shift: Shift, recipe: dict[str, Any]) -> None:
    """Record what is used."""
    describe(shift.engine, shift.lease, recipe=to_json(recipe))
