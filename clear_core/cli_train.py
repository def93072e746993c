"""`clear-review train`: fine-tune a model on a curated file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from clear_core.cli_choice import label_of
from clear_core.cli_options import FILE, MAP
from clear_core.cli_reading import good, mapped
from clear_core.cli_training import run_training, told_of, training_options
from clear_core.errors import InputError
from clear_core.io import Source, read_examples
from clear_core.train.settings import TrainSettings
from clear_core.types import RowProblem


@click.command()
@FILE
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of this training.")
@MAP
@click.option("--base", default="", help="Checkpoint that a local LoRA starts from; default the embedded model.")
@click.option("--base-url", help="An endpoint with OpenAI's fine-tuning API, to train there. The key: CLEAR_API_KEY.")
@click.option("--model", help="The model to tune at that endpoint.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N rows.")
@training_options
def train(
    *,
    file: Path,
    out: Path,
    mapping: tuple[str, ...],
    base: str,
    base_url: str | None,
    model: str | None,
    limit: int | None,
    **how: Any,
) -> None:
    """Fine-tune a model on the responses of FILE, best a curated one: here by a LoRA, or at an endpoint.

    The same command with the same --out goes on where it was stopped. `correct --candidate` takes the result:
    embedded+DIR, or MODEL@URL.
    """
    if bool(base_url) != bool(model) or (base and base_url):
        raise InputError("--base-url and --model go together, and without --base.", "Give both, or --base alone.")
    settings = TrainSettings(
        "openai" if base_url else "lora", base=model or base, base_url=(base_url or "").rstrip("/"), **how
    )
    source = Source.at(file)
    problems: list[RowProblem] = []
    examples = list(islice(good(read_examples(source, mapped(source, mapping)), problems), limit))
    trained = run_training(examples, settings, out)
    if problems:
        click.echo(f"{len(problems):,} rows can't be read and were left out: see `clear-review inspect`.", err=True)
    click.echo(f"Trained on {told_of(trained)}.", err=True)
    if trained.model is None:
        click.echo(f"The adapter is in {out}: serve it with its base model and name that endpoint.", err=True)
    else:
        click.echo(f"The model: {label_of(trained.model)}", err=True)
