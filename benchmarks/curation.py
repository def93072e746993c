"""The evidence that needs no model, each figure beside its baseline and with its interval.

    python -m benchmarks.curation --data DIR [--json] [--part formulas|answers|passages|judge ...]

DIR holds the files named in `benchmarks.consistency` and `benchmarks.judging`; they are not part of the project.
Nothing is tuned on them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from benchmarks.consistency import ANSWERS, PASSAGES, Line, on_answers, on_passages
from benchmarks.formulas import eta_table_holds, largest_errors
from benchmarks.judging import PAIRS, JudgeLine, on_pairs
from benchmarks.resampling import Figure
from clear_core.errors import ClearError

FILES: Mapping[str, str] = {"answers": ANSWERS, "passages": PASSAGES, "judge": PAIRS}
READ: Mapping[str, Callable[[Path], Sequence[Line] | Sequence[JudgeLine]]] = {
    "answers": on_answers,
    "passages": on_passages,
    "judge": on_pairs,
}


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="The files.")
@click.option("--part", "parts", multiple=True, type=click.Choice(["formulas", *FILES]), help="Default: all.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(*, data: Path, parts: tuple[str, ...], as_json: bool) -> None:
    """Print formulas, consistency of stored samples and the judge's rule, with 95% bootstrap intervals."""
    told: dict[str, Any] = {}
    texts = []
    if not parts or "formulas" in parts:
        told["formulas"] = {"largest_errors": largest_errors(), "eta_table_holds": eta_table_holds()}
        texts.append(formulas_told(told["formulas"]))
    for part, name in FILES.items():
        if parts and part not in parts:
            continue
        path = data / name
        if not path.exists():
            raise click.ClickException(f"{data} has no {name}. Name other parts with --part, or add it.")
        try:
            lines = READ[part](path)
        except ClearError as error:
            raise click.ClickException(str(error)) from None
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        told[part] = {"file": name, "sha256": digest, "lines": [asdict(line) for line in lines]}
        texts.append(f"{name} (sha256 {digest[:12]})\n\n" + "\n\n".join(tables(lines)))
    click.echo(json.dumps(told) if as_json else "\n\n".join(texts))


def formulas_told(found: Mapping[str, Any]) -> str:
    """One sentence on the formulas."""
    errors = ", ".join(f"{what} {error:.1e}" for what, error in found["largest_errors"].items())
    return f"Largest errors: {errors}; the table of eta {'holds' if found['eta_table_holds'] else 'FAILS'}."


def tables(lines: Sequence[Line] | Sequence[JudgeLine]) -> list[str]:
    """The figures as tables in Markdown, one for each kind of row or rule."""
    told = [_judge_row(line) if isinstance(line, JudgeLine) else _score_row(line) for line in lines]
    made = []
    for (title, head), rows in groupby(told, key=lambda each: each[:2]):
        bars = [head, ("---",) * len(head), *(row for _, _, row in rows)]
        made.append("\n".join([f"**{title}**", "", *(f"| {' | '.join(bar)} |" for bar in bars)]))
    return made


Row = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Title of a table, its head, one of its rows."""


def _judge_row(line: JudgeLine) -> Row:
    head = ("judge", "pairs", "one order: right", "acts", "both orders: right", "acts", "right, difference")
    figures = (line.single, line.single_acts, line.accuracy, line.acts)
    return line.rule, head, (line.judge, str(line.pairs), *map(cell, figures), signed(line.gain))


def _score_row(line: Line) -> Row:
    head = ("score", "samples", line.measure, "against the best baseline")
    beside = f"{signed(line.gain)} ({line.against})" if line.against else "baseline"
    title = f"{line.on}: {line.rows} rows, {line.bad} bad"
    return title, head, (line.name, str(line.samples or "–"), cell(line.figure), beside)


def cell(found: Figure | None) -> str:
    """Value and interval."""
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]" if found else "–"


def signed(found: Figure | None) -> str:
    """A difference and its interval."""
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "–"


if __name__ == "__main__":
    main()
