"""`python -m db upgrade | worker RUN_ID | check`: the one place that wires a worker to real models."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from clear_core.cli_choice import keys_for
from clear_core.errors import ClearError
from clear_core.llm.embedded import EmbeddedModel
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.port import LLM
from clear_core.nli import load_nli
from clear_core.settings import Settings, read_settings
from clear_core.train.opening import open_trainer
from clear_core.types import ModelRef
from db.checks import find_faults
from db.clients import Models, OnLoading
from db.curation import forget_exports
from db.deletion import forget_unimported, purge
from db.engine import open_engine
from db.engine import upgrade as upgrade_schema
from db.records import RunConfig
from db.runs import get_run
from db.uploads import forget_broken_off
from db.worker import work

ENDED_WELL = frozenset({"done", "paused", "cancelled", "capped"})


@contextmanager
def _database(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


@click.group()
def main() -> None:
    """Look after the review database."""


@main.command()
def upgrade() -> None:
    """Make the database, or bring it up to date, and clear away what a kill left behind; safe to repeat."""
    settings = read_settings()
    with _database(settings.database_url) as engine:
        upgrade_schema(engine)
        removed = purge(engine)
        forget_exports(engine, settings.exports_dir)
        forget_broken_off(settings.uploads_dir)
        forgotten = forget_unimported(engine, settings.uploads_dir)
    if removed:
        click.echo(f"Finished deleting {removed} datasets.")
    if forgotten:
        click.echo(f"Cleared away uploads that were not imported within a week: {forgotten}.")


@main.command()
def check() -> None:
    """Tell whether everything stored fits together; exit code 1 if not."""
    with _database(read_settings().database_url) as engine:
        faults = list(find_faults(engine))
    for fault in faults:
        click.echo(fault)
    click.echo("Everything fits together." if not faults else f"{len(faults)} faults.")
    sys.exit(bool(faults))


@main.command()
@click.argument("run_id", type=int)
def worker(run_id: int) -> None:
    """Work on a run. Keys and the database's URL come as one JSON object through stdin, never as arguments."""
    # Libraries speak up only for warnings: a line for each of a million calls helps nobody.
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("db").setLevel(logging.INFO)
    given = {} if sys.stdin.isatty() else json.loads(sys.stdin.read() or "{}")
    settings = read_settings()
    os.nice(10)
    terminated = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: terminated.set())
    engine = open_engine(given.get("url") or settings.database_url)
    models = Models(
        connect=connect,
        ledger_path=settings.ledger_path,
        keys=given["keys"] if "keys" in given else own_keys(settings, get_run(engine, run_id).config),
        load_nli=load_nli,
        make_trainer=open_trainer,
    )
    status = work(engine, run_id, models, terminated)
    sys.exit(0 if status in ENDED_WELL else 1)


def own_keys(settings: Settings, config: RunConfig) -> Mapping[str, str]:
    """The environment's keys, for a worker that was started by hand."""
    home = config.asked or (ModelRef(config.train.base_url) if config.train else None)
    return keys_for(settings, home, [source.model for source in config.writers if source.model])


def connect(model: ModelRef, api_key: str, on_loading: OnLoading) -> LLM:
    """The real clients."""
    if model.base_url:
        return OpenAIChat(model.base_url, model.model, api_key)
    return EmbeddedModel(on_loading=on_loading, adapter=Path(model.adapter) if model.adapter else None)


if __name__ == "__main__":
    try:
        main()
    except ClearError as error:
        sys.exit(str(error))
