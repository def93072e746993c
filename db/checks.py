"""Is the database whole? What `python -m db check` asks, and what it says when it is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, func, select

from clear_core.apply import standing
from db.datasets import list_datasets
from db.engine import is_current, read
from db.models import ExampleRow, RowProblemRow
from db.records import DatasetRecord
from db.reviews import decisions, effective_fates
from db.runs import list_runs


def find_faults(engine: Engine) -> Iterator[str]:
    """Everything that is wrong, a sentence each."""
    if not is_current(engine):
        yield "The schema is not up to date: run `python -m db upgrade`."
        return
    if engine.dialect.name == "sqlite":
        yield from _file_faults(engine)
    for dataset in list_datasets(engine):
        yield from _dataset_faults(engine, dataset)


def _file_faults(engine: Engine) -> Iterator[str]:
    with read(engine) as connection:
        for (told,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if told != "ok":
                yield f"The database file is damaged: {told}."
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"A row of {row[0]} refers to a row of {row[2]} that is not there."


def _dataset_faults(engine: Engine, dataset: DatasetRecord) -> Iterator[str]:
    name = f"Dataset {dataset.id} ({dataset.name})"
    if not dataset.source_path.is_file():
        yield f"{name}: its upload {dataset.source_path.name} is gone, so it can't be exported."
    with read(engine) as connection:
        for kind, counted in ((ExampleRow, dataset.examples), (RowProblemRow, dataset.problems)):
            query = select(func.count()).select_from(kind).where(kind.dataset_id == dataset.id)
            stored = connection.execute(query).scalar_one()
            if stored != counted:
                yield f"{name}: it counts {counted:,} in {kind.__tablename__} but has {stored:,}."
    if standing(decisions(engine, dataset.id)) != effective_fates(engine, dataset.id):
        yield f"{name}: what stands differs from the fold of its decisions."
    for run in list_runs(engine, dataset.id):
        if run.status == "interrupted":
            yield f"{name}: run {run.id} was interrupted; resume it."
        if run.trained and run.trained.adapter and not Path(run.trained.adapter).is_dir():
            yield f"{name}: the model that run {run.id} trained is gone from {run.trained.adapter}."
