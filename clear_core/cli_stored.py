"""`clear-review score` for a dataset that brings its own samples: no model, no ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence

import click

from clear_core.cli_runs import Finished
from clear_core.errors import InputError
from clear_core.io import FieldMap, Source, read_columns
from clear_core.stored import StoredRecipe, score_stored, stored_recipe
from clear_core.types import PROBLEMS, ConfidenceScore, Example


def run_stored(
    examples: Sequence[Example],
    source: Source,
    field_map: FieldMap,
    *,
    samples_field: str,
    reflection_field: str,
    samples: int | None,
    similarity: str | None,
    embedded: bool = False,
    base_url: str | None = None,
    model: str | None = None,
) -> Finished[ConfidenceScore]:
    """Score examples by the columns named; the model is named for the record, never asked.

    Raises:
        InputError: when an endpoint is given too, a column is not there or has another meaning already, or the number
            of samples or the similarity can't be used.
    """
    if embedded or base_url:
        raise InputError("Stored samples are scored without a model.", "Leave out --embedded and --base-url.")
    recipe = stored_recipe(
        samples_field, reflection_field, samples=samples, similarity_name=similarity, model=model or ""
    )
    columns = read_columns(source)
    for option, column in (("--samples-field", samples_field), ("--reflection-field", reflection_field)):
        if column:
            _usable(option, column, columns, field_map.text_columns, source.name)
    scores = asyncio.run(_scores(examples, recipe))
    flagged = Counter(score.problem for score in scores if score.problem and score.confidence is not None)
    for problem, times in flagged.most_common():
        click.echo(f"  {times:,} rows scored all the same: {PROBLEMS[problem]}", err=True)
    return Finished(scores, 0, 0, None)


async def _scores(examples: Sequence[Example], recipe: StoredRecipe) -> list[ConfidenceScore]:
    return [await score_stored(example, recipe) for example in examples]


def _usable(option: str, column: str, columns: Sequence[str], taken: Collection[str], name: str) -> None:
    if column not in columns:
        raise InputError(f"{option}: {name} has no column {column!r}.", f"It has {', '.join(columns)}.")
    if column in taken:
        raise InputError(
            f"{option}: {column!r} is part of {name}'s prompt or response.", "Name another, or correct it with --map."
        )
