"""What a command says when it ends, and the exit code with it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from clear_core.cli_reading import rows
from clear_core.cli_runs import Finished
from clear_core.types import PROBLEMS, ConfidenceScore, RowProblem

UNSCORED: Final = 1
"""Exit code: finished with unscored rows, which are written."""


def end(finished: Finished[Any], problems: Sequence[RowProblem], done: str, missing: Counter[str]) -> None:
    """Say what came out, and exit with 1 when something is missing."""
    total = len(finished.results)
    calls = f"; {finished.paid:,} calls, {finished.replayed:,} more answered by the ledger" if finished.asked else ""
    click.echo(f"{total - missing.total():,} of {rows(total)} {done}{calls}.", err=True)
    if problems:
        click.echo(f"{rows(len(problems))} can't be read and so left out: see `clear-review inspect`.", err=True)
    for problem, times in missing.most_common():
        click.echo(f"  {rows(times)}: {PROBLEMS.get(problem, problem)}", err=True)
    if finished.capped:
        click.echo(f"{finished.capped} Run again with a higher --max-calls to go on.", err=True)
    if missing:
        sys.exit(UNSCORED)


def flagged(scores: Sequence[ConfidenceScore]) -> None:
    """Say how many rows have a confidence although something is missing behind it."""
    counted = Counter(score.problem for score in scores if score.problem and score.confidence is not None)
    for problem, times in counted.most_common():
        click.echo(f"  {rows(times)} scored all the same: {PROBLEMS.get(problem, problem)}", err=True)


def unsure(scores: Sequence[ConfidenceScore], gamma: float) -> None:
    """Say how many rows stopped early about another gamma, so that they might lie on the other side of this one."""
    stopped = [(score, score.lower, score.upper) for score in scores if score.lower is not None is not score.upper]
    open_ones = [score for score, lower, upper in stopped if lower < gamma <= upper]
    if not open_ones:
        return
    at = sorted({score.evidence["stopped"]["gamma"] for score in open_ones if "stopped" in score.evidence})
    click.echo(
        f"{rows(len(open_ones))} whose sampling stopped early might lie on the other side of gamma {gamma:.4g}"
        f"{f'; --gamma {at[0]!r} decides every one' if len(at) == 1 else ''}.",
        err=True,
    )


def end_with_counts(counts: Mapping[str, int], out: Path) -> None:
    """Say how many rows have which fate, and exit with 1 when some are unscored."""
    told = ", ".join(f"{number:,} {fate}" for fate, number in counts.items() if number or fate != "rejected")
    click.echo(f"{out}: {told}", err=True)
    if counts["unscored"]:
        sys.exit(UNSCORED)
