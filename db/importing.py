"""From an upload into the tables: in batches, in row order, and on from the last stored row when called again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, select, update

from clear_core.errors import StateError
from clear_core.types import Example, RowProblem
from db.convert import example_values, problem_values
from db.engine import read, write
from db.models import DatasetRow, ExampleRow, RowProblemRow

BATCH: Final = 1_000
PAUSE_S: Final = 0.01
"""Short transactions with a pause between them: a reviewer's decision never waits for an import."""

Record = Example | RowProblem


def last_stored_row(connection: Connection, dataset_id: int) -> int:
    """The highest row stored for a dataset, -1 for none."""
    highest = [
        connection.execute(select(func.max(table.row)).where(table.dataset_id == dataset_id)).scalar()
        for table in (ExampleRow, RowProblemRow)
    ]
    return max((row for row in highest if row is not None), default=-1)


def store_records(
    engine: Engine,
    dataset_id: int,
    records: Iterable[Record],
    *,
    should_stop: Callable[[], bool],
    on_progress: Callable[[int, int], None] | None,
) -> bool:
    """Store what is not stored yet of a dataset's records, which come in row order.

    Returns:
        Whether the end was reached; False when `should_stop` ended it.

    Raises:
        StateError: when somebody else imports the same dataset.
    """
    with read(engine) as connection:
        last = last_stored_row(connection, dataset_id)
    for batch in _batches(record for record in records if record.row > last):
        examples, problems = _store_batch(engine, dataset_id, batch, last)
        last = batch[-1].row
        if on_progress:
            on_progress(examples, problems)
        if should_stop():
            return False
        time.sleep(PAUSE_S)
    return True


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _store_batch(engine: Engine, dataset_id: int, batch: list[Record], last: int) -> tuple[int, int]:
    """Store a batch with the dataset's counters in one transaction; both counters come back."""
    examples = [example_values(dataset_id, record) for record in batch if isinstance(record, Example)]
    problems = [problem_values(dataset_id, record) for record in batch if isinstance(record, RowProblem)]
    with write(engine) as connection:
        # Also the lock that keeps two imports of one dataset apart where the database has row locks.
        counted = connection.execute(
            update(DatasetRow)
            .where(DatasetRow.id == dataset_id)
            .values(examples=DatasetRow.examples + len(examples), problems=DatasetRow.problems + len(problems))
            .returning(DatasetRow.examples, DatasetRow.problems)
        ).one_or_none()
        if counted is None or last_stored_row(connection, dataset_id) != last:
            raise StateError(f"Dataset {dataset_id} is being imported or deleted by another worker.")
        if examples:
            connection.execute(insert(ExampleRow), examples)
        if problems:
            connection.execute(insert(RowProblemRow), problems)
    return counted.examples, counted.problems
