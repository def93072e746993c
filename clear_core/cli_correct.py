"""`clear-review correct`: who writes candidates, and who judges them."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import click

from clear_core.cli_choice import chosen_candidate, label_of, sources_of
from clear_core.cli_correcting import run_correct
from clear_core.cli_options import FILE, GAMMA, MAP, OUT, SCOPE, SCORES, endpoint_of, endpoint_options
from clear_core.cli_reading import check_column, mapped, scores_of, usable
from clear_core.cli_telling import end, unsure
from clear_core.errors import InputError
from clear_core.io import Source, write_records
from clear_core.propose import Gamma, Thresholds, cut, rows_to_correct, score_table
from clear_core.stored_verdicts import StoredJudge
from clear_core.types import CandidateSource, ModelRef, Scope


@click.command()
@FILE
@SCORES
@OUT
@MAP
@endpoint_options
@click.option(
    "--candidate",
    "candidates",
    multiple=True,
    metavar="MODEL[@URL]",
    help="A model that writes candidates, best the fine-tuned one: MODEL@URL, MODEL at the judge's endpoint, "
    "embedded, or embedded+ADAPTER_DIR. Several compete.",
)
@click.option("--candidates-field", "columns", multiple=True, metavar="NAME", help="Column of candidates: texts.")
@click.option("--candidate-model", help="The same as --candidate MODEL@URL, in two options.")
@click.option("--candidate-base-url", help="Its endpoint, if another. Its key: CLEAR_CANDIDATE_API_KEY.")
@click.option(
    "--preference-field", default="", metavar="NAME", help="Column of preferences from 0 to 1: asks no judge."
)
@click.option(
    "--verdicts-field",
    default="",
    metavar="NAME",
    help="Column of verdicts of both orders, given response first, then candidate first: asks no judge. A cell is "
    '["2", "1"]: which place is better, 1, 2 or tie; see "Outputs brought along" in docs/how-it-works.md.',
)
@click.option("--samples", default=5, show_default=True, type=click.IntRange(1), help="Verdicts sampled in each order.")
@click.option("--temperature", default=1.0, show_default=True, type=click.FloatRange(0), help="Of these verdicts.")
@GAMMA
@SCOPE
def correct(
    *,
    file: Path,
    scores: Path,
    out: Path,
    mapping: tuple[str, ...],
    candidates: tuple[str, ...],
    columns: tuple[str, ...],
    candidate_model: str | None,
    candidate_base_url: str | None,
    preference_field: str,
    verdicts_field: str,
    samples: int,
    temperature: float,
    gamma: str,
    scope: Scope,
    limit: int | None,
    max_calls: int | None,
    concurrency: int,
    **endpoint: Any,
) -> None:
    """Get candidates for each low row, and judge each against the given response in both orders; the best one wins.

    The judge is chosen as `score` chooses its model; candidates may come from other models and from columns of FILE.
    With --preference-field or --verdicts-field the judging was done elsewhere, on the candidates of one column.
    """
    source = Source.at(file)
    field_map = mapped(source, mapping)
    for option, names in (
        ("--candidates-field", columns),
        ("--preference-field", [preference_field]),
        ("--verdicts-field", [verdicts_field]),
    ):
        for name in filter(None, names):
            check_column(option, name, source, field_map)
    judge, asked = _judge(preference_field, verdicts_field, **endpoint)
    sources = sources_of(candidates, columns, asked)
    if candidate_model or candidate_base_url:
        sources += (CandidateSource(chosen_candidate(asked, candidate_base_url, candidate_model)),)
    if isinstance(judge, ModelRef) and sources in ((), (CandidateSource(judge),)):
        click.echo(f"Candidates come from {label_of(judge)} itself: the weaker variant of Auto-Correct.", err=True)
    examples = usable(source, field_map)
    scored = scores_of(examples, scores, file)
    table, thresholds = score_table(scored), Thresholds(Gamma.parse(gamma), scope=scope)
    unsure(scored, cut(table, thresholds.gamma).gamma)
    wanted = set(rows_to_correct(table, thresholds).tolist())
    finished = run_correct(
        list(islice((example for example in examples if example.row in wanted), limit)),
        judge,
        sources,
        samples=samples,
        temperature=temperature,
        concurrency=concurrency,
        max_calls=max_calls,
    )
    write_records(out, finished.results)
    missing = Counter(result.problem for result in finished.results if result.problem and result.preference is None)
    end(finished, [], "judged", missing)


def _judge(preference_field: str, verdicts_field: str, **endpoint: Any) -> tuple[ModelRef | StoredJudge, ModelRef]:
    """Who judges, and at which endpoint a candidates' model is that names none."""
    if not preference_field and not verdicts_field:
        model = endpoint_of(**endpoint)
        return model, model
    if endpoint["embedded"] or endpoint["adapter"] or endpoint["base_url"]:
        raise InputError("Stored verdicts are taken over without a judge.", "Leave out --embedded and --base-url.")
    return StoredJudge(preference_field, verdicts_field, endpoint["model"] or ""), ModelRef()
