"""`clear-review score`: by a model, by stored samples, or by a column of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import click

from clear_core.cli_runs import Desk, Finished, at_desk, collect
from clear_core.column_scores import ColumnRecipe, check_scale, look_at_column, score_by_column
from clear_core.estimator import recipe_for
from clear_core.llm.port import LLM
from clear_core.measures import measure_of
from clear_core.nli import load_nli
from clear_core.pilot import fixed_gamma, pilot_rows
from clear_core.pipeline import score_stream, stored_stream
from clear_core.propose import Gamma
from clear_core.recipe import Recipe
from clear_core.stored import StoredRecipe
from clear_core.types import ConfidenceScore, Example, ModelRef


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How a model is to score; None leaves it to the recipe that goes with the model.

    Attributes:
        samples: k.
        similarity: name of s_j.
        temperature: of the samples.
        nli: the MNLI checkpoint of the similarity "nli", by name or path.
        with_question: whether that model sees the prompt before both texts.
        labels: the closed set of labels that responses come from.
        letter_probabilities: whether S comes from the letters' probabilities where the endpoint gives them.
        together: whether a row's samples may be asked for in one request.
        stop_early: the gamma at which sampling may stop early; None for every sample of every row.
        pilot: how many rows are scored in full first to make a share a number.
    """

    samples: int = 5
    similarity: str | None = None
    temperature: float = 1.0
    nli: str = ""
    with_question: bool = False
    labels: tuple[str, ...] = ()
    letter_probabilities: bool = True
    together: bool | None = None
    stop_early: Gamma | None = None
    pilot: int = 150

    def recipe(self, llm: LLM) -> Recipe:
        """The recipe for a model.

        Raises:
            InputError: when samples or similarity can't be used.
        """
        recipe = recipe_for(llm, self.samples, self.similarity)
        return replace(
            recipe,
            temperature=self.temperature,
            nli=self.nli,
            with_question=self.with_question,
            labels=self.labels,
            letter_probabilities=self.letter_probabilities,
            together=recipe.together if self.together is None else self.together,
        )


def run_score(
    examples: Sequence[Example],
    model: ModelRef,
    how: ScoreOptions | None = None,
    *,
    concurrency: int = 8,
    max_calls: int | None = None,
) -> Finished[ConfidenceScore]:
    """Score examples behind the ledger, with a progress bar.

    Raises:
        LLMError: a fatal one, such as a refused key.
        InputError: when the model or the options can't be used.
    """
    how = how or ScoreOptions()

    async def work(desk: Desk) -> Finished[ConfidenceScore]:
        llm = desk.model(model)
        recipe = how.recipe(llm)
        measure = measure_of(recipe, llm, load_nli(recipe.nli) if recipe.nli else None)

        async def scored(
            some: Sequence[Example], recipe: Recipe, label: str
        ) -> tuple[list[ConfidenceScore], str | None]:
            stream = score_stream(some, llm, recipe, measure, concurrency=concurrency)
            return await collect(stream, len(some), label)

        results, capped, rest = list[ConfidenceScore](), None, list(examples)
        if how.stop_early is not None:
            if how.stop_early.kind == "share":
                chosen = frozenset(pilot_rows([e.row for e in examples], how.pilot))
                results, capped = await scored([e for e in examples if e.row in chosen], recipe, "Pilot")
                rest = [e for e in examples if e.row not in chosen]
            if capped is None:
                recipe = replace(recipe, stop_at=fixed_gamma(results, how.stop_early))
                click.echo(f"Sampling stops once C is surely on one side of gamma {recipe.stop_at:.4g}.", err=True)
        if capped is None:
            scores, capped = await scored(rest, recipe, "Scoring")
            results += scores
        done = {score.row for score in results}
        results += [
            ConfidenceScore(e.id, e.row, None, measure=recipe.name, model=llm.model, problem="capped")
            for e in examples
            if e.row not in done
        ]
        return desk.finish(results, capped)

    return at_desk(work, model, (), max_calls)


def run_stored(
    examples: Sequence[Example],
    recipe: StoredRecipe,
    asked: ModelRef | None = None,
    *,
    concurrency: int = 8,
    max_calls: int | None = None,
) -> Finished[ConfidenceScore]:
    """Score examples by the samples that their rows store.

    Args:
        examples: the rows.
        recipe: which columns hold what.
        asked: the model that says whether two texts agree, for the similarity "llm" alone; None asks nobody.
        concurrency: examples at a time.
        max_calls: cap on paid calls.

    Raises:
        InputError: when the similarity can't be used.
        LLMError: a fatal one.
    """

    async def work(desk: Desk) -> Finished[ConfidenceScore]:
        measure = measure_of(recipe, desk.model(asked) if asked else None, load_nli(recipe.nli) if recipe.nli else None)
        stream = stored_stream(examples, recipe, measure, concurrency=concurrency)
        results, capped = await collect(stream, len(examples), "Scoring")
        done = {score.row for score in results}
        results += [
            ConfidenceScore(e.id, e.row, None, measure=recipe.name, model=recipe.model, problem="capped")
            for e in examples
            if e.row not in done
        ]
        return desk.finish(results, capped)

    return at_desk(work, asked, (), max_calls)


def run_column(examples: Sequence[Example], recipe: ColumnRecipe, *, scale_given: bool) -> Finished[ConfidenceScore]:
    """Take a column's scores over.

    Raises:
        InputError: when the column holds no number, or numbers outside [0, 1] that nobody gave a scale for.
    """
    found = look_at_column(examples, recipe)
    check_scale(found, recipe, given=scale_given)
    return Finished([score_by_column(example, recipe, found) for example in examples], asked=False)
