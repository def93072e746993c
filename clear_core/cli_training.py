"""`clear-review train` and `loop`: the options of a training, and the training itself with its progress."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import click

from clear_core.cli_choice import keys_for
from clear_core.errors import InputError, TrainingError
from clear_core.io import atomic_writer
from clear_core.settings import read_settings
from clear_core.train.opening import open_trainer
from clear_core.train.port import Progress, Trained
from clear_core.train.settings import TrainSettings
from clear_core.types import Example, ModelRef

F = TypeVar("F", bound=Callable[..., Any])

STATE: Final = "state.json"
RESULT: Final = "trained.json"


def training_options(command: F) -> F:
    """The options that say how a model is trained, wherever that is."""
    for option in reversed(
        [
            click.option("--epochs", default=3, show_default=True, type=click.IntRange(1), help="Passes over rows."),
            click.option("--learning-rate", type=float, help="AdamW's; at an endpoint its multiplier."),
            click.option("--batch-size", type=click.IntRange(1), help="Rows of one step."),
            click.option("--rank", default=16, show_default=True, type=click.IntRange(1), help="Of a local LoRA."),
            click.option("--seed", default=0, show_default=True, type=int, help="Of all that is drawn."),
            click.option("--max-tokens", default=1024, show_default=True, type=click.IntRange(1),
                         help="Longest row that a local LoRA takes; longer ones are left out and told."),
            click.option("--suffix", default="", help="For the tuned model's name at an endpoint."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def run_training(examples: Sequence[Example], settings: TrainSettings, folder: Path) -> Trained:
    """Train with a progress bar; run again with the same folder, it goes on where it was.

    Args:
        examples: what to learn.
        settings: how.
        folder: of this training alone; made if it is not there.

    Raises:
        InputError: when the folder holds another training, or something can't be used.
        TrainingError: when the training failed.
        LLMError: when the endpoint refuses or can't be reached.
    """
    keys = keys_for(read_settings(), ModelRef(settings.base_url, settings.base) if settings.base_url else None, ())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        state = json.loads((folder / STATE).read_text("utf-8")) if (folder / STATE).exists() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} can't be used: {error}.", "Choose another folder.") from error

    async def main() -> Trained:
        trainer = open_trainer(settings, folder, keys.get(settings.base_url.rstrip("/"), ""))
        async with aclosing(trainer.train(examples, state)) as stream:
            with _Bar() as bar:
                async for told in stream:
                    if isinstance(told, Trained):
                        return told
                    bar.show(told)
                    _write(folder / STATE, told.state)
        raise TrainingError("The training ended without a model.", "Run the command again to go on.")

    trained = asyncio.run(main())
    _write(folder / RESULT, asdict(trained))
    return trained


def told_of(trained: Trained) -> str:
    """What a training took, in a sentence."""
    facts = trained.facts
    parts = [f"{facts['examples']:,} examples"]
    parts += [f"{facts['steps']:,} steps, last loss {facts['final_loss']:.3f}"] if "steps" in facts else []
    parts += [f"{sum(facts['left_out'].values()):,} left out"] if facts.get("left_out") else []
    return ", ".join(parts)


def _write(path: Path, told: Any) -> None:
    with atomic_writer(path) as out:
        out.write(json.dumps(told, ensure_ascii=False).encode(errors="replace"))


class _Bar:
    """A progress bar that begins when the steps are known, and says what is told meanwhile."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._said = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def show(self, progress: Progress) -> None:
        if progress.told and progress.told != self._said and progress.loss is None:
            click.echo(progress.told, err=True)
            self._said = progress.told
        if not progress.total:
            return
        if self._bar is None:
            self._bar = click.progressbar(length=progress.total, label="Training", file=sys.stderr, show_pos=True)
            self._bar.render_progress()
        self._bar.label = "Training" if progress.loss is None else f"Training, loss {progress.loss:.3f}"
        self._bar.update(progress.step - self._bar.pos)
