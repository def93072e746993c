"""`clear-review score`: which confidence is asked for, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from clear_core.cli_options import FILE, MAP, OUT, endpoint_of, endpoint_options
from clear_core.cli_reading import check_column, good, mapped, rows
from clear_core.cli_runs import Finished
from clear_core.cli_scoring import ScoreOptions, run_column, run_score, run_stored
from clear_core.cli_telling import end, flagged
from clear_core.column_scores import column_recipe
from clear_core.errors import InputError
from clear_core.io import Source, read_examples, write_records
from clear_core.labels import closed_labels, label_of, plain
from clear_core.propose import Gamma
from clear_core.similarity import ASKED, SIMILARITIES
from clear_core.stored import stored_recipe
from clear_core.types import ConfidenceScore, Example, RowProblem

F = TypeVar("F", bound=Callable[..., Any])
NAMES: Final = ", ".join((*SIMILARITIES, *ASKED))
AUTO: Final = "auto"
FEWEST_LABELS: Final = 2
LLM: Final = "llm"
NLI: Final = "nli"
COMPARING: Final = ("samples", "similarity", "nli", "with_question", "labels", "samples_field", "reflection_field")
"""Options that say how samples are compared, and with what."""


def _comparing_options(command: F) -> F:
    """The options on how samples are drawn and compared."""
    for option in reversed(
        [
            click.option("--samples", type=click.IntRange(0), help="Samples per row; default 5, of stored ones all."),
            click.option("--temperature", default=1.0, show_default=True, type=click.FloatRange(0), help="Of samples."),
            click.option("--similarity", metavar="NAME", help=f"How samples are compared: {NAMES}."),
            click.option("--nli", default="", metavar="CHECKPOINT", help="Compare by this MNLI model, a name or path."),
            click.option("--with-question", is_flag=True, help="Show the NLI model the prompt too: for short answers."),
            click.option("--labels", default="", metavar="A,B,...", help="Responses are labels: these, or `auto`."),
            click.option(
                "--sampled-letters", is_flag=True, help="Reflections count by their letter, not its probability."
            ),
            click.option("--one-by-one", is_flag=True, help="Ask for each sample in a request of its own."),
            click.option("--stop-early", metavar="GAMMA", help="Draw only as many samples as decide about this gamma."),
            click.option("--pilot", default=150, show_default=True, type=click.IntRange(1), help="Rows that fix it."),
        ]
    ):
        command = option(command)
    return command


def _column_options(command: F) -> F:
    """The options on what the file itself brings."""
    for option in reversed(
        [
            click.option(
                "--samples-field", default="", metavar="NAME", help="Column of stored samples: asks no model."
            ),
            click.option(
                "--reflection-field", default="", metavar="NAME", help="Column of stored reflections on them."
            ),
            click.option("--score-field", default="", metavar="NAME", help="Column of quality scores to take over."),
            click.option("--scale", default="", metavar="LOW:HIGH|rank", help="What these scores mean, e.g. 1:5."),
            click.option("--lower-is-better", is_flag=True, help="A lower score there is the better one."),
            click.option("--scorer", default="", metavar="WHO", help="Who gave them, for the record."),
        ]
    ):
        command = option(command)
    return command


@click.command()
@FILE
@OUT
@MAP
@endpoint_options
@_comparing_options
@_column_options
def score(*, file: Path, out: Path, mapping: tuple[str, ...], limit: int | None, **chosen: Any) -> None:
    """Estimate how confident one can be in each response.

    With --samples-field the samples come from a column of FILE, a list of texts in each row, and no model is asked;
    --model then only says whose they are. With --score-field a column's own quality scores are taken over.
    """
    source = Source.at(file)
    problems: list[RowProblem] = []
    field_map = mapped(source, mapping)
    examples = list(islice(good(read_examples(source, field_map), problems), limit))
    columns = {option: chosen[option] for option in ("samples_field", "reflection_field", "score_field")}
    for option, column in columns.items():
        if column:
            check_column(f"--{option.replace('_', '-')}", column, source, field_map)
    finished = _score(examples, **chosen)
    write_records(out, finished.results)
    flagged(finished.results)
    missing = Counter(result.problem or "unscored" for result in finished.results if result.confidence is None)
    end(finished, problems, "scored", missing)


def _score(
    examples: Sequence[Example],
    *,
    samples_field: str,
    reflection_field: str,
    score_field: str,
    scale: str,
    lower_is_better: bool,
    scorer: str,
    **chosen: Any,
) -> Finished[ConfidenceScore]:
    if not score_field and (scale or lower_is_better or scorer):
        raise InputError("--scale, --lower-is-better and --scorer say what a column means.", "Name it: --score-field.")
    if score_field:
        beside = chosen | {"samples_field": samples_field, "reflection_field": reflection_field}
        _asks_nobody("A column of scores is taken over", "--score-field", **beside)
        recipe = column_recipe(score_field, scale, lower_is_better=lower_is_better, scorer=scorer)
        return run_column(examples, recipe, scale_given=bool(scale))
    if samples_field or reflection_field:
        return _stored(examples, samples_field, reflection_field, **chosen)
    return _asked(examples, **chosen)


def _stored(
    examples: Sequence[Example],
    samples_field: str,
    reflection_field: str,
    *,
    samples: int | None,
    similarity: str | None,
    nli: str,
    with_question: bool,
    labels: str,
    stop_early: str | None,
    concurrency: int,
    max_calls: int | None,
    model: str | None,
    base_url: str | None,
    embedded: bool,
    adapter: str | None,
    **_drawing: Any,
) -> Finished[ConfidenceScore]:
    asks = similarity == LLM
    if stop_early:
        raise InputError("Stored samples cost nothing, so there is nothing to stop early.", "Leave out --stop-early.")
    if not asks and (embedded or adapter or base_url):
        raise InputError("Stored samples are scored without a model.", "Leave out --embedded and --base-url.")
    recipe = stored_recipe(
        samples_field,
        reflection_field,
        samples=samples,
        similarity_name=_similarity(similarity, nli),
        model="" if asks else model or "",
        nli=nli,
        with_question=with_question,
        labels=_labels(labels, examples),
    )
    asked = endpoint_of(embedded=embedded, adapter=adapter, base_url=base_url, model=model) if asks else None
    return run_stored(examples, recipe, asked, concurrency=concurrency, max_calls=max_calls)


def _asked(
    examples: Sequence[Example],
    *,
    samples: int | None,
    similarity: str | None,
    nli: str,
    labels: str,
    stop_early: str | None,
    temperature: float,
    with_question: bool,
    sampled_letters: bool,
    one_by_one: bool,
    pilot: int,
    concurrency: int,
    max_calls: int | None,
    **endpoint: Any,
) -> Finished[ConfidenceScore]:
    how = ScoreOptions(
        samples=5 if samples is None else samples,
        similarity=_similarity(similarity, nli),
        temperature=temperature,
        nli=nli,
        with_question=with_question,
        labels=_labels(labels, examples),
        letter_probabilities=not sampled_letters,
        together=False if one_by_one else None,
        stop_early=Gamma.parse(stop_early) if stop_early else None,
        pilot=pilot,
    )
    return run_score(examples, endpoint_of(**endpoint), how, concurrency=concurrency, max_calls=max_calls)


def _similarity(similarity: str | None, nli: str) -> str | None:
    if nli and similarity not in (None, NLI):
        raise InputError(f"--nli goes with the similarity {NLI}, not {similarity}.", "Leave one of them out.")
    return NLI if nli else similarity


def _labels(told: str, examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels that were named, or those that the responses come from; what was found is told."""
    if not told:
        return ()
    if told != AUTO:
        named = tuple(label.strip() for label in told.split(",") if label.strip())
        if len({plain(label) for label in named}) < FEWEST_LABELS:
            raise InputError(f"--labels {told!r} names no two labels.", "Write them as A,B,C, or auto.")
        labelled = sum(label_of(example.response, named) is not None for example in examples)
        if labelled < len(examples):
            click.echo(f"{labelled:,} of {rows(len(examples))} have a label as response.", err=True)
        return named
    found = closed_labels(example.response for example in examples)
    click.echo(f"Labels: {', '.join(found)}" if found else "The responses come from no closed set of labels.", err=True)
    return found


def _asks_nobody(doing: str, option: str, **chosen: Any) -> None:
    given = [name for name in ("embedded", "adapter", "base_url", "model", "stop_early", *COMPARING) if chosen[name]]
    if given:
        named = f"--{given[0].replace('_', '-')}"
        raise InputError(f"{doing} without a model or samples.", f"Leave out {named} or {option}.")
