"""The evidence, each figure beside its baseline and with its interval.

    python -m benchmarks.curation --data DIR [--json] [--part NAME ...] [--keep FOLDER]

Without --part: what needs no model and takes seconds. The parts `calls` (minutes), `embedded` and `training` (hours of
a processor) are done when they are named. DIR holds the files that each part's module names; they are not part of the
project. Nothing is tuned on them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import click

from benchmarks import calls, crosscheck, embedded, training
from benchmarks.consistency import ANSWERS, PASSAGES, Line, on_answers, on_passages
from benchmarks.formulas import eta_table_holds, largest_errors
from benchmarks.judging import PAIRS, JudgeLine, on_pairs
from benchmarks.resampling import Figure
from benchmarks.saying import answers_to_products, stored_answers
from clear_core.errors import ClearError, InputError

Found = tuple[dict[str, Any], str]
"""A part's figures, JSON-ready, and as text."""
EMBEDDED: Final[Mapping[str, tuple[int, int]]] = {
    "squad_n30_mixed": (200, 5),
    "gsm8k_n": (200, 5),
    "drop_n": (160, 5),
    "mmlu_redux": (160, 5),
    "halueval_general": (160, 0),
}
"""Rows and samples of each set; 0 scores by likelihood alone, where long responses make samples cost too much."""


def formulas(_data: Path, _keep: Path | None) -> Found:
    """The equations on worked numbers, and against `uqlm` where it is installed."""
    found: dict[str, Any] = {"largest_errors": largest_errors(), "eta_table_holds": eta_table_holds()}
    if crosscheck.is_installed():
        found["largest_errors"]["100 random cases against uqlm"] = crosscheck.largest_difference(100)
    return found, formulas_told(found)


def stored(
    name: str, read: Callable[[Path], Sequence[Line] | Sequence[JudgeLine]], data: Path, _keep: Path | None
) -> Found:
    """Figures from what others stored."""
    path = _there(data, name)
    lines = read(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    found = {"file": name, "sha256": digest, "lines": [asdict(line) for line in lines]}
    return found, f"{name} (sha256 {digest[:12]})\n\n" + "\n\n".join(tables(lines))


def by_embedded(data: Path, keep: Path | None) -> Found:
    """The embedded model's confidence on every set."""
    told = [
        embedded.told(
            _there(data, f"{name}.jsonl.gz"), embedded.Draw(rows), samples, keep=keep / name if keep else None
        )
        for name, (rows, samples) in EMBEDDED.items()
    ]
    return {"files": [found for found, _ in told]}, "\n\n".join(text for _, text in told)


def by_calls(data: Path, _keep: Path | None) -> Found:
    """Requests and tokens of each way of asking."""
    _there(data, ANSWERS)
    lines = []
    for rate in (0.1, 0.3):
        lines += calls.measure(f"scripted, {rate:.0%} of samples wrong", *answers_to_products(2000, rate), GAMMAS)
    lines += calls.measure("TriviaQA, stored samples", *stored_answers(data), GAMMAS)
    return {"lines": [asdict(line) for line in lines]}, calls.table(lines)


def by_training(data: Path, keep: Path | None) -> Found:
    """The paper's experiment in small."""
    _there(data, training.FILE)
    return training.told(data, training.DEFAULT, keep)


PARTS: Final[Mapping[str, Callable[[Path, Path | None], Found]]] = {
    "formulas": formulas,
    "answers": partial(stored, ANSWERS, on_answers),
    "passages": partial(stored, PASSAGES, on_passages),
    "judge": partial(stored, PAIRS, on_pairs),
    "calls": by_calls,
    "embedded": by_embedded,
    "training": by_training,
}
GAMMAS: Final = ("median", "0.5", "0.8")
QUICK: Final = ("formulas", "answers", "passages", "judge")


@click.command()
@click.option("--data", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="The files.")
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), default=QUICK, show_default=True)
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for what is finished.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(*, data: Path, parts: tuple[str, ...], keep: Path | None, as_json: bool) -> None:
    """Print the figures of each part with 95% bootstrap intervals."""
    told: dict[str, Any] = {}
    texts = []
    for part, make in PARTS.items():
        if part in parts:
            try:
                told[part], text = make(data, keep)
            except (ClearError, OSError) as error:
                raise click.ClickException(str(error)) from None
            texts.append(text)
    click.echo(json.dumps(told) if as_json else "\n\n".join(texts))


def _there(data: Path, name: str) -> Path:
    if not (data / name).exists():
        raise InputError(f"{data} has no {name}.", "Name other parts with --part, or add it.")
    return data / name


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
