"""What several commands have in common: the file, its shape, the model that scores or judges, how fast and how much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from clear_core.cli_choice import chosen_model
from clear_core.settings import read_settings
from clear_core.types import ModelRef

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
OUT = click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
MAP = click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="MEANING=COLUMN",
    help="Say which column means what, e.g. --map prompt=question --map response=answer.",
)
SCORES = click.option(
    "--scores", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="From `score`."
)
GAMMA = click.option("--gamma", default="median", show_default=True, help="median, share:S or a number: rows below it.")
SCOPE = click.option(
    "--scope", type=click.Choice(["low", "all"]), default="low", show_default=True, help="Which rows may be replaced."
)


def model_options(command: F) -> F:
    """The options that choose a model as it comes, and how many rows it is asked about at a time."""
    for option in reversed(
        [
            click.option("--embedded", is_flag=True, help="The embedded 135M model; the default without a base URL."),
            click.option("--base-url", help="An OpenAI-compatible endpoint. The key: CLEAR_API_KEY or OPENAI_API_KEY."),
            click.option("--model", help="The model's name at that endpoint."),
            click.option("--concurrency", default=8, show_default=True, type=click.IntRange(1), help="Rows at a time."),
        ]
    ):
        command = option(command)
    return command


def endpoint_options(command: F) -> F:
    """The options that choose the model that scores and judges, and how much; read them with `endpoint_of`."""
    for option in reversed(
        [
            click.option("--adapter", metavar="DIR", help="The embedded model with an adapter that `train` made."),
            click.option("--max-calls", type=click.IntRange(0), help="Hard cap on calls to the model."),
            click.option("--limit", type=click.IntRange(1), help="Only the first N rows."),
        ]
    ):
        command = option(command)
    return model_options(command)


def endpoint_of(*, embedded: bool, adapter: str | None, base_url: str | None, model: str | None) -> ModelRef:
    """The model that these options and the environment ask for.

    Raises:
        InputError: when they contradict each other, or an endpoint has no model.
    """
    return chosen_model(read_settings(), embedded=embedded, base_url=base_url, model=model, adapter=adapter)
