"""Datasets and their examples."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update

from clear_core.errors import InputError, StateError
from clear_core.io import read_examples
from clear_core.io.source import Detection, FieldMap, Source
from clear_core.types import Example, RowProblem
from db.bulk import PAGE, in_pages
from db.convert import dataset_of, example_of, problem_of
from db.deletion import mark_for_deletion, purge, take
from db.engine import home, read, write
from db.importing import store_records
from db.models import DatasetRow, ExampleRow, RowProblemRow
from db.records import DatasetRecord, DatasetStatus

DATASET = DatasetRow.__table__
EXAMPLE = ExampleRow.__table__
ROW_PROBLEM = RowProblemRow.__table__


def create_dataset(
    engine: Engine,
    *,
    name: str,
    source: Source,
    sha256: str,
    detection: Detection,
    field_map: FieldMap,
    created_by: str,
    is_demo: bool = False,
) -> int:
    """Record an uploaded dataset with status "importing"; its examples are imported by a run of kind "import".

    Args:
        engine: the database.
        name: what people call it.
        source: the stored upload under its own name (`Source(stored.path, original_name)`).
        sha256: hash of the upload's bytes.
        detection: what was detected; its format and compression are recorded.
        field_map: the columns as the user confirmed them.
        created_by: who.
        is_demo: whether it is the demo dataset.

    Returns:
        The dataset's id.

    Raises:
        InputError: when the name is empty or the upload is not there.
    """
    values = {
        "name": _checked_name(name),
        "source_name": source.name,
        "source_path": _stored_path(engine, source.path),
        "sha256": sha256,
        "field_map": field_map.to_json(),
        "file_format": detection.file_format,
        "compression": detection.compression,
        "status": "importing",
        "is_demo": is_demo,
        "created_at": time.time(),
        "created_by": created_by,
    }
    with write(engine) as connection:
        # Inside the transaction: an old upload may be cleared away at this moment.
        if not source.path.is_file():
            raise InputError(f"The upload of {source.name} is gone.", "Upload it again.")
        take(source.path)
        return int(connection.execute(insert(DatasetRow).values(values).returning(DatasetRow.id)).scalar_one())


def _checked_name(name: str) -> str:
    if not name.strip():
        raise InputError("The dataset has no name.", "Give it one.")
    return name.strip()


def _stored_path(engine: Engine, path: Path) -> str:
    path, folder = path.resolve(), home(engine)
    return str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else str(path)


def list_datasets(engine: Engine) -> list[DatasetRecord]:
    """All datasets, newest first."""
    query = select(DATASET).where(DatasetRow.status != "deleting").order_by(DatasetRow.id.desc())
    with read(engine) as connection:
        return [dataset_of(row, home(engine)) for row in connection.execute(query)]


def get_dataset(engine: Engine, dataset_id: int) -> DatasetRecord:
    """One dataset.

    Raises:
        StateError: when there is none of this id.
    """
    query = select(DATASET).where(DatasetRow.id == dataset_id, DatasetRow.status != "deleting")
    with read(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise StateError(f"There is no dataset {dataset_id}.", "Choose one from the list.")
    return dataset_of(row, home(engine))


def find_demo(engine: Engine) -> DatasetRecord | None:
    """The newest demo dataset that is ready, if it was loaded before."""
    return next((record for record in list_datasets(engine) if record.is_demo and record.status == "ready"), None)


def import_examples(
    engine: Engine,
    dataset_id: int,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[int, int]:
    """Read the upload into the database, in batches; goes on after the last stored row when called again.

    Small datasets (the demo) may call this directly, without a run.

    Args:
        engine: the database.
        dataset_id: the dataset.
        should_stop: asked after each batch; True ends the import early, with everything so far kept.
        on_progress: told the number of examples and problems after each batch.

    Returns:
        How many examples and how many problems the dataset now has; its status is "ready" if the end was reached.

    Raises:
        InputError: when the file can't be read, or has no usable record; the status is then "failed".
        StateError: when the dataset is missing, or somebody else imports it.
    """
    dataset = get_dataset(engine, dataset_id)
    records = read_examples(Source(dataset.source_path, dataset.source_name), dataset.field_map)
    try:
        finished = store_records(engine, dataset_id, records, should_stop=should_stop, on_progress=on_progress)
    except InputError:
        _set_status(engine, dataset_id, "failed")
        raise
    dataset = get_dataset(engine, dataset_id)
    if finished:
        _set_status(engine, dataset_id, "ready" if dataset.examples else "failed")
    if finished and not dataset.examples:
        raise InputError(
            f"No record of {dataset.source_name} could become an example ({dataset.problems:,} have a problem).",
            "Look at the problems and map the columns again.",
        )
    return dataset.examples, dataset.problems


def _set_status(engine: Engine, dataset_id: int, status: DatasetStatus) -> None:
    with write(engine) as connection:
        connection.execute(update(DatasetRow).where(DatasetRow.id == dataset_id).values(status=status))


def delete_dataset(engine: Engine, dataset_id: int) -> None:
    """Delete a dataset with its runs, policies and decisions, and its upload unless another dataset has the same.

    Raises:
        StateError: when there is none of this id, or a worker is at it.
    """
    get_dataset(engine, dataset_id)
    mark_for_deletion(engine, dataset_id)
    purge(engine)


def rename_dataset(engine: Engine, dataset_id: int, name: str) -> None:
    """Give it another name.

    Raises:
        StateError: when there is none of this id.
        InputError: when the name is empty.
    """
    checked = _checked_name(name)
    get_dataset(engine, dataset_id)
    with write(engine) as connection:
        connection.execute(update(DatasetRow).where(DatasetRow.id == dataset_id).values(name=checked))


def examples_by_row(engine: Engine, dataset_id: int, rows: Sequence[int]) -> list[Example]:
    """The examples of these rows, in the order asked for; rows without an example are left out."""
    with read(engine) as connection:
        found = examples_in(connection, dataset_id, rows)
    return [found[row] for row in rows if row in found]


def examples_in(connection: Connection, dataset_id: int, rows: Sequence[int]) -> dict[int, Example]:
    """The same inside a transaction, by row."""
    found: dict[int, Example] = {}
    for page in in_pages([int(row) for row in rows]):
        query = select(EXAMPLE).where(ExampleRow.dataset_id == dataset_id, ExampleRow.row.in_(page))
        found.update((row.row, example_of(row)) for row in connection.execute(query))
    return found


def row_problems(engine: Engine, dataset_id: int, *, after_row: int = -1, limit: int = 100) -> list[RowProblem]:
    """One page of the records that could not become examples, by row."""
    query = (
        select(ROW_PROBLEM)
        .where(RowProblemRow.dataset_id == dataset_id, RowProblemRow.row > after_row)
        .order_by(RowProblemRow.row)
        .limit(limit)
    )
    with read(engine) as connection:
        return [problem_of(row) for row in connection.execute(query)]


def iter_row_problems(engine: Engine, dataset_id: int) -> Iterator[RowProblem]:
    """All of them, by row, in bounded memory."""
    after = -1
    while page := row_problems(engine, dataset_id, after_row=after, limit=PAGE):
        yield from page
        after = page[-1].row
