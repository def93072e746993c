"""The job of a correct run: candidates written or read, and judged, stored as they finish."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from clear_core.estimator import recipe_for
from clear_core.judge import Judge, ModelJudge
from clear_core.pipeline import correct_stream
from clear_core.stored_verdicts import StoredJudge
from clear_core.types import CandidateSource
from clear_core.writing import ColumnWriter, ModelWriter, Writer
from db.clients import Clients
from db.convert import to_json
from db.leases import describe
from db.pulse import Pulse
from db.results import pending_examples, rows_in_scope, save_preferences
from db.rows import check_columns
from db.shift import Shift
from db.storing import Ending, Feed, Storing


async def correct(shift: Shift, pulse: Pulse, clients: Clients) -> Ending:
    """Have candidates written and judged for what is left of a correct run.

    Raises:
        ClearError: as models, ledger and columns do; everything finished before is stored.
    """
    config = shift.run.config
    columns = [source.column for source in config.writers]
    check_columns(shift.engine, shift.run.dataset_id, [*columns, config.preference_field, config.verdicts_field])
    judge, told = _judge(shift, clients)
    writers = [_writer(source, clients) for source in config.writers]
    hosts = dict.fromkeys(source.model.base_url for source in config.writers if source.model)
    told |= {
        "candidate_model": ", ".join(writer.name for writer in writers),
        "candidate_host": ", ".join(hosts),
        "candidates": [asdict(source) for source in config.writers],
    }
    total = len(rows_in_scope(shift.engine, config))
    describe(shift.engine, shift.lease, total=total, recipe=to_json(told))
    shift.begin("correcting")
    feed = Feed(pending_examples(shift.engine, shift.run, retry_problems=shift.run.retry_problems), pulse)
    preferences = correct_stream(feed, writers, judge, concurrency=config.concurrency)
    return await Storing(shift, pulse, feed, save_preferences).store(preferences)


def _judge(shift: Shift, clients: Clients) -> tuple[Judge, dict[str, Any]]:
    """Who judges, and what the run's record says of it."""
    config = shift.run.config
    if config.asked is None:
        stored = StoredJudge(config.preference_field, config.verdicts_field, model=config.scorer)
        return stored, asdict(stored) | {"measure": stored.measure}
    llm = clients.open(config.asked)
    recipe = replace(
        recipe_for(llm, config.samples, config.similarity or None),
        temperature=config.temperature,
        letter_probabilities=config.letter_probabilities,
    )
    if config.together is not None:
        recipe = replace(recipe, together=config.together)
    return ModelJudge(llm, recipe), asdict(recipe) | {"measure": recipe.name, "model": llm.model, "host": llm.host}


def _writer(source: CandidateSource, clients: Clients) -> Writer:
    return (
        ColumnWriter(source.column, source.label) if source.model is None else ModelWriter(clients.open(source.model))
    )
