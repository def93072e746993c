"""The same jobs without a screen: `clear-review inspect | score | compare | correct | train | loop | ...`.

Exit codes: see `EXIT_CODES`, which stands in the help.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from clear_core import demo as demo_data
from clear_core.cli_compare import compare
from clear_core.cli_correct import correct
from clear_core.cli_correcting import run_correct
from clear_core.cli_loop import loop
from clear_core.cli_options import FILE, MAP, OUT, SCORES
from clear_core.cli_reading import found_in, good, mapped, same_rows, scores_of, usable
from clear_core.cli_reading import rows as in_words
from clear_core.cli_score import score
from clear_core.cli_scoring import run_score
from clear_core.cli_telling import end_with_counts, unsure
from clear_core.cli_train import train
from clear_core.errors import ClearError
from clear_core.export import export_curated
from clear_core.io import (
    ExportFormat,
    Source,
    detect,
    read_decisions,
    read_examples,
    read_preferences,
    read_proposals,
    read_scores,
    write_records,
)
from clear_core.propose import Gamma, Thresholds, cut, propose, rows_to_correct, score_table
from clear_core.types import FATES, ModelRef, RowProblem, Scope

UNUSABLE = 2
STOPPED = 130


class _Main(click.Group):
    """A group that answers every error of ours in words, with the exit code promised for it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClearError as error:
            click.secho(f"Error: {error.message}", fg="red", err=True)
            if error.hint:
                click.echo(error.hint, err=True)
            sys.exit(UNUSABLE)
        except KeyboardInterrupt:
            click.echo("\nStopped. What is finished is kept: run the same command again to go on.", err=True)
            sys.exit(STOPPED)


EXIT_CODES = """Exit codes: 0 done; 1 finished, but rows are unscored or unjudged, each written with its reason;
2 unusable input or arguments; 130 stopped from the keyboard."""


@click.group(
    cls=_Main, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="clear-review")
def main() -> None:
    """Find and fix wrong responses in instruction-tuning data.

    A FILE is JSONL, JSON, CSV or Parquet, plain or as .gz or .zst. Its shape is detected; --map corrects it.
    Finished model calls are kept in a ledger: a stopped command goes on where it was when run again.
    """


@main.command()
@FILE
@MAP
@click.option("--json", "as_json", is_flag=True, help="One JSON object for a program to read.")
def inspect(file: Path, mapping: tuple[str, ...], *, as_json: bool) -> None:
    """Show a file's shape, its rows and what is wrong with which row."""
    source = Source.at(file)
    found = found_in(source, mapping)
    problems: list[RowProblem] = []
    rows = sum(1 for _ in good(read_examples(source, found.field_map), problems))
    total = rows + len(problems)
    if as_json:
        told = {
            "file": file.name,
            "format": found.file_format,
            "compression": found.compression,
            "shape": found.field_map.shape,
            "fields": {meaning: column for meaning, column in asdict(found.field_map).items() if column},
            "certainty": found.certainty,
            "why": found.why,
            "columns": list(found.columns),
            "rows": total,
            "examples": rows,
            "problems": [{"row": p.row, "field": p.field, "reason": p.reason} for p in problems],
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(f"{file.name}: {found.file_format} {found.compression}".rstrip())
    click.echo(f"Shape {found.field_map.shape} ({found.certainty:.0%} certain): {found.why}")
    click.echo(f"{in_words(total)}, {rows:,} example{'' if rows == 1 else 's'}, {len(problems):,} with a problem")
    for problem in problems:
        click.echo(f"  row {problem.row}, {problem.field or 'record'}: {problem.reason}")


main.add_command(score)
main.add_command(correct)
main.add_command(compare)
main.add_command(train)
main.add_command(loop)


@main.command("propose")
@FILE
@SCORES
@click.option("--preferences", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="From `correct`.")
@click.option("--gamma", default="median", show_default=True, help="median, share:S or a number.")
@click.option("--eta", default=0.8, show_default=True, type=float, help="Replace over this preference confidence.")
@click.option("--scope", type=click.Choice(["low", "all"]), default="low", show_default=True, help="What to replace.")
@OUT
@MAP
def propose_command(
    *,
    file: Path,
    scores: Path,
    preferences: Path | None,
    gamma: str,
    eta: float,
    scope: Scope,
    out: Path,
    mapping: tuple[str, ...],
) -> None:
    """Turn scores and preferences into a fate for each row: keep, drop, replace or unscored."""
    source = Source.at(file)
    examples = usable(source, mapped(source, mapping))
    thresholds = Thresholds(Gamma.parse(gamma), eta, scope)
    judged = list(read_preferences(preferences)) if preferences else []
    if preferences:
        same_rows({example.row: example.id for example in examples}, judged, preferences, file)
    scored = scores_of(examples, scores, file)
    proposals = list(propose(scored, judged, thresholds))
    write_records(out, proposals)
    at = cut(score_table(scored), thresholds.gamma)
    unsure(scored, at.gamma)
    if ties := at.ties_cut:
        click.echo(f"{in_words(ties)} below gamma tied with kept ones in confidence: the share cuts there.", err=True)
    counts = Counter(proposal.fate for proposal in proposals)
    end_with_counts({fate: counts[fate] for fate in FATES}, out)


@main.command()
@FILE
@click.option("--proposals", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--decisions", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="People's decisions.")
@click.option("--format", "target", type=click.Choice(["same", "openai"]), default="same", show_default=True)
@OUT
@MAP
def export(
    *, file: Path, proposals: Path, decisions: Path | None, target: str, out: Path, mapping: tuple[str, ...]
) -> None:
    """Write the curated dataset and its manifest; a person's decision beats the proposal."""
    proposed, decided = list(read_proposals(proposals)), list(read_decisions(decisions)) if decisions else []
    source = Source.at(file)
    to: ExportFormat = "openai" if target == "openai" else "same"
    manifest = export_curated(source, mapped(source, mapping), proposed, decided, out, to=to)
    end_with_counts(manifest["counts"], out)


@main.command()
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@click.option("--rescore", is_flag=True, help="Ask the embedded model again: some 20 minutes on two cores.")
def demo(out: Path, *, rescore: bool) -> None:
    """Do all of it on the demo dataset: score, correct, propose, export.

    Scores and preferences are those that the embedded model gave when they were recorded; --rescore asks it again.
    """
    out.mkdir(parents=True, exist_ok=True)
    dataset = out / "dataset.jsonl"
    shutil.copyfile(demo_data.dataset_path(), dataset)
    source = Source.at(dataset)
    field_map = detect(source).field_map
    if rescore:
        examples = usable(source, field_map)
        scores = run_score(examples, ModelRef()).results
        low = set(rows_to_correct(score_table(scores), Thresholds()).tolist())
        preferences = run_correct([e for e in examples if e.row in low], ModelRef(), ()).results
    else:
        click.echo("Scores and preferences as the embedded model gave them; --rescore asks it again.", err=True)
        scores = list(read_scores(demo_data.scores_path()))
        preferences = list(read_preferences(demo_data.preferences_path()))
    proposals = list(propose(scores, preferences, Thresholds()))
    write_records(out / "scores.jsonl", scores)
    write_records(out / "preferences.jsonl", preferences)
    write_records(out / "proposals.jsonl", proposals)
    manifest = export_curated(source, field_map, proposals, [], out / "curated.jsonl")
    end_with_counts(manifest["counts"], out / "curated.jsonl")
