"""How well the embedded model's confidence finds noisy rows, per kind of noise, beside the length of the response.

    python -m benchmarks.embedded --data FILE.jsonl.gz [--truth FILE.truth.jsonl.gz] --rows 200 --samples 5

The data are not part of the project; `read_noisy` and `read_labelled` in `benchmarks.noisy` say what they look like.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.measures import Auroc, auroc
from benchmarks.noisy import CLEAN, NoisyRow, draw, read_rows
from clear_core.errors import ClearError, InputError
from clear_core.estimator import recipe_for
from clear_core.io import read_scores, write_records
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.ledger import Ledger
from clear_core.llm.ledgered import ledgered
from clear_core.pipeline import score_stream
from clear_core.types import ConfidenceScore

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SIGNALS: Mapping[str, Callable[[NoisyRow, ConfidenceScore], float | None]] = {
    "confidence": lambda _, score: score.confidence,
    "likelihood": lambda _, score: score.likelihood,
    "consistency": lambda _, score: score.consistency,
    "length": lambda row, _: -float(len(row.example.response)),
}
"""What is compared, each read as: lower means bad. Length reads: longer means bad; far below .5 is as telling."""


async def score_rows(rows: Sequence[NoisyRow], ledger: Path, samples: int) -> list[ConfidenceScore]:
    """Score with the embedded model through the pipeline; finished calls are kept in the ledger and replayed."""
    scores: list[ConfidenceScore] = []
    with closing(Ledger(ledger)) as kept:
        llm = ledgered(EmbeddedModel(), kept)
        try:
            stream = score_stream([row.example for row in rows], llm, recipe_for(llm, samples))
            async with aclosing(stream) as results:
                async for score in results:
                    scores.append(score)
                    if len(scores) % 20 == 0:
                        click.echo(f"  {len(scores)} of {len(rows)} rows", err=True)
        finally:
            await llm.close()
    return sorted(scores, key=lambda score: score.row)


def figures(rows: Sequence[NoisyRow], scores: Sequence[ConfidenceScore]) -> dict[str, dict[str, Auroc | None]]:
    """AUROC of every signal for each kind of noise against all clean rows, and for all noise together ("overall")."""
    score_of = {score.row: score for score in scores}
    kinds = sorted({row.kind for row in rows} - {CLEAN})
    table: dict[str, dict[str, Auroc | None]] = {}
    for name in [*kinds, "overall"]:
        table[name] = {}
        for signal, read in SIGNALS.items():
            values = [(row.kind, read(row, score_of[row.example.row])) for row in rows if row.example.row in score_of]
            bad = [v for kind, v in values if v is not None and kind != CLEAN and name in (kind, "overall")]
            good = [v for kind, v in values if v is not None and kind == CLEAN]
            table[name][signal] = auroc(bad, good)
    return table


def report(told: Mapping[str, Any], table: Mapping[str, Mapping[str, Auroc | None]]) -> str:
    """The figures as a table in Markdown, after one sentence on what was read."""
    read = f"{told['file']} (sha256 {told['sha256'][:12]}), {told['rows']} rows drawn with seed {told['seed']}"
    lines = [
        f"{read}, {told['unscored']} unscored; {told['measure']}, {told['samples']} samples, {told['model']}",
        "",
        f"| noise | rows | {' | '.join(SIGNALS)} |",
        "|---|---|" + "---|" * len(SIGNALS),
    ]
    for name, cells in table.items():
        count = cells["length"].bad if cells["length"] else 0
        lines.append(f"| {name} | {count} | {' | '.join(_cell(cells[signal]) for signal in SIGNALS)} |")
    return "\n".join(lines)


def _cell(found: Auroc | None) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]" if found else "–"


@dataclass(frozen=True, slots=True)
class Draw:
    """Which rows of a file are scored.

    Attributes:
        size: how many.
        seed: of the draw.
        part: of this part only, where rows name one.
    """

    size: int
    seed: int = 0
    part: str = "train"


def told(
    data: Path,
    drawn: Draw,
    samples: int,
    *,
    truth: Path | None = None,
    keep: Path | None = None,
    scores: Path | None = None,
) -> tuple[dict[str, Any], str]:
    """The figures of one file, JSON-ready, and as text.

    Args:
        data: the file.
        drawn: which rows.
        samples: of each row; 0 scores by likelihood alone.
        truth: the file's truth, if it is not where `read_rows` finds it.
        keep: folder for ledger and scores.
        scores: recorded scores of all rows, instead of scoring.

    Raises:
        ClearError: when a file can't be used or the model fails.
    """
    rows = draw(read_rows(data, truth, drawn.part), drawn.size, drawn.seed)
    scored = _recorded(rows, scores) if scores else _scored(rows, keep, samples)
    table = figures(rows, scored)
    found = {
        "file": data.name,
        "sha256": hashlib.sha256(data.read_bytes()).hexdigest(),
        "rows": len(rows),
        "seed": drawn.seed,
        "unscored": sum(score.confidence is None for score in scored),
        "measure": scored[0].measure,
        "model": scored[0].model,
        "samples": max(score.samples for score in scored),
    }
    text = report(found, table)
    return found | {"auroc": {name: _plain(cells) for name, cells in table.items()}}, text


@click.command()
@click.option("--data", required=True, type=FILE, help="The dataset, JSONL or JSONL.gz.")
@click.option("--truth", type=FILE, help="Its truth; default NAME.truth.jsonl(.gz) beside it, else is_bad in the rows.")
@click.option("--rows", "size", default=200, show_default=True, type=click.IntRange(2), help="Rows to draw.")
@click.option("--samples", default=5, show_default=True, type=click.IntRange(0), help="Samples per row.")
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@click.option("--part", default="train", show_default=True, help="Rows of this part only, where rows name one.")
@click.option("--scores", type=FILE, help="Read recorded scores of all rows instead of scoring.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder for ledger and scores.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(
    *,
    data: Path,
    truth: Path | None,
    size: int,
    samples: int,
    seed: int,
    part: str,
    scores: Path | None,
    keep: Path | None,
    as_json: bool,
) -> None:
    """Print AUROC with 95% bootstrap intervals of the embedded model's confidence, its parts, and length alone."""
    try:
        found, text = told(data, Draw(size, seed, part), samples, truth=truth, keep=keep, scores=scores)
    except (ClearError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(found) if as_json else text)


def _scored(rows: Sequence[NoisyRow], keep: Path | None, samples: int) -> list[ConfidenceScore]:
    with tempfile.TemporaryDirectory() as passing:
        folder = keep or Path(passing)
        folder.mkdir(parents=True, exist_ok=True)
        scored = asyncio.run(score_rows(rows, folder / "ledger.sqlite", samples))
        write_records(folder / "scores.jsonl", scored)
    return scored


def _recorded(rows: Sequence[NoisyRow], scores: Path) -> list[ConfidenceScore]:
    ids = {row.example.row: row.example.id for row in rows}
    found = [score for score in read_scores(scores) if ids.get(score.row) == score.id]
    if len(found) < len(rows):
        raise InputError(f"{scores.name} has scores for {len(found)} of {len(rows)} rows.", "Score the same file.")
    return found


def _plain(cells: Mapping[str, Auroc | None]) -> dict[str, Any]:
    return {signal: asdict(found) if found else None for signal, found in cells.items()}


if __name__ == "__main__":
    main()
