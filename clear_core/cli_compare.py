"""`clear-review compare`: two sets of scores of one dataset side by side."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from clear_core.cli_reading import rows
from clear_core.errors import InputError
from clear_core.io import read_scores
from clear_core.peers import PeerComparison, compare_scores
from clear_core.propose import Gamma, score_table
from clear_core.types import ConfidenceScore

SCORES_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("one", type=SCORES_FILE)
@click.argument("other", type=SCORES_FILE)
@click.option("--gamma-one", default="median", show_default=True, help="The first set's threshold.")
@click.option("--gamma-other", default="median", show_default=True, help="The second set's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for a program to read.")
def compare(one: Path, other: Path, gamma_one: str, gamma_other: str, *, as_json: bool) -> None:
    """Compare two files of scores of the same dataset: do they rank alike, and would they drop the same rows?"""
    first, second = _scores(one), _scores(other)
    ids = {score.row: score.id for score in first}
    strange = next((score for score in second if ids.get(score.row, score.id) != score.id), None)
    if strange is not None:
        raise InputError(
            f"Row {strange.row} is {ids[strange.row]!r} in {one.name} and {strange.id!r} in {other.name}.",
            "Compare scores of one and the same dataset.",
        )
    found = compare_scores(score_table(first), score_table(second), Gamma.parse(gamma_one), Gamma.parse(gamma_other))
    if as_json:
        told = {"one": asdict(_set(one, first)), "other": asdict(_set(other, second))} | asdict(found)
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in _lines(found, _set(one, first), _set(other, second)):
        click.echo(line)


def _scores(path: Path) -> list[ConfidenceScore]:
    scores = list(read_scores(path))
    twice = next((row for row, times in Counter(score.row for score in scores).items() if times > 1), None)
    if twice is not None:
        raise InputError(f"{path.name} has several scores of row {twice}.", "Compare files with one score of a row.")
    return scores


@dataclass(frozen=True, slots=True)
class _Set:
    file: str
    rows: int
    measures: tuple[str, ...]


def _set(path: Path, scores: list[ConfidenceScore]) -> _Set:
    return _Set(path.name, len(scores), tuple(sorted({score.measure for score in scores})))


def _lines(found: PeerComparison, one: _Set, other: _Set) -> list[str]:
    def figure(value: float | None) -> str:
        return "none (too few rows, or all alike)" if value is None else f"{value:.3f}"

    either = found.dropped_both + found.dropped_one + found.dropped_other
    lines = [f"{each.file}: {rows(each.rows)}, {', '.join(each.measures)}" for each in (one, other)]
    missing = {
        f"only {one.file} has": found.only_one,
        f"only {other.file} has": found.only_other,
        f"unscored in {one.file} alone": found.unscored_one,
        f"unscored in {other.file} alone": found.unscored_other,
        "unscored in both": found.unscored_both,
    }
    lines += [f"{rows(found.both)} scored by both"]
    lines += [f"  left out: {rows(number)} {why}" for why, number in missing.items() if number]
    dropped = (
        f"{found.dropped_both:,} both",
        f"{found.dropped_one:,} {one.file} alone",
        f"{found.dropped_other:,} {other.file} alone",
    )
    lines += [
        f"Rank correlation (Spearman): {figure(found.spearman)}",
        f"Gamma {found.gamma_one:.4g} and {found.gamma_other:.4g} drop {rows(either)}: {', '.join(dropped)}",
        f"Overlap of the dropped (Jaccard): {figure(found.jaccard)}; beyond chance (kappa): {figure(found.kappa)}",
    ]
    return lines
