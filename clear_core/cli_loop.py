"""`clear-review loop`: score, filter, train, correct with the trained model, train again, export, in one command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from clear_core.cli_looping import Loop, run_loop
from clear_core.cli_options import GAMMA, MAP, endpoint_of, model_options
from clear_core.cli_reading import mapped, usable
from clear_core.cli_training import training_options
from clear_core.demo.places import Row, places
from clear_core.io import Source
from clear_core.propose import Gamma, Thresholds
from clear_core.train.settings import TrainSettings

REPORT = "loop.json"


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.")
@MAP
@click.option("--test", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Rows known to be right.")
@model_options
@click.option("--samples", default=5, show_default=True, type=click.IntRange(0), help="Samples per row.")
@GAMMA
@click.option("--eta", default=0.8, show_default=True, type=float, help="Replace over this preference confidence.")
@training_options
def loop(
    *,
    file: Path | None,
    out: Path,
    mapping: tuple[str, ...],
    test: Path | None,
    samples: int,
    gamma: str,
    eta: float,
    concurrency: int,
    embedded: bool,
    base_url: str | None,
    model: str | None,
    **how: Any,
) -> None:
    """CLEAR's whole loop: score, filter, train, correct with the trained model, train again, export.

    Without FILE it runs on a small set of its own whose errors are known. With the embedded model everything happens
    on this machine; an endpoint must offer OpenAI's fine-tuning API too. --test rows are answered before and after.
    The same command goes on where it was stopped.
    """
    asked = endpoint_of(embedded=embedded, adapter=None, base_url=base_url, model=model)
    out.mkdir(parents=True, exist_ok=True)
    right: dict[str, str] = {}
    if file is None:
        file, test, right = _own_set(out)
    source = Source.at(file)
    field_map = mapped(source, mapping)
    report = run_loop(
        Loop(
            source,
            field_map,
            usable(source, field_map),
            out,
            asked,
            TrainSettings("openai" if asked.base_url else "lora", base=asked.model, base_url=asked.base_url, **how),
            Thresholds(Gamma.parse(gamma), eta),
            samples,
            concurrency,
            usable(Source.at(test), mapped(Source.at(test), mapping)) if test else (),
            right,
        )
    )
    (out / REPORT).write_text(json.dumps(report, ensure_ascii=False, indent=2), "utf-8")
    for round_ in report["rounds"]:
        click.echo(f"Round {round_['round']}: {out / round_['export']}, {round_['examples']:,} examples", err=True)
    took = f"{report['seconds']:,.0f} seconds, {report['processor_seconds']:,.0f} of a processor"
    click.echo(f"It took {took}. The report: {out / REPORT}", err=True)


def _own_set(out: Path) -> tuple[Path, Path, dict[str, str]]:
    """Write the small set that the loop brings along: rows to curate, rows to test, and what is right."""
    given, held_out = places()
    _write(out / "dataset.jsonl", given)
    _write(out / "test.jsonl", held_out)
    return out / "dataset.jsonl", out / "test.jsonl", {row.id: row.right for row in given}


def _write(path: Path, rows: Sequence[Row]) -> None:
    lines = [json.dumps({"id": row.id, "prompt": row.prompt, "response": row.response}) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
