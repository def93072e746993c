"""A dataset's rows as a whole: read one after another, and what their columns are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Engine, select

from clear_core.errors import InputError
from clear_core.io import Source, read_columns
from clear_core.types import Example
from db.bulk import by_row
from db.convert import example_of
from db.datasets import EXAMPLE, get_dataset
from db.models import ExampleRow


def iter_examples(engine: Engine, dataset_id: int) -> Iterator[Example]:
    """All examples in row order, in bounded memory."""
    query = select(EXAMPLE).where(ExampleRow.dataset_id == dataset_id)
    return map(example_of, by_row(engine, query, ExampleRow.row))


def iter_responses(engine: Engine, dataset_id: int) -> Iterator[str]:
    """All responses in row order, without the rest of their rows."""
    query = select(ExampleRow.row, ExampleRow.response).where(ExampleRow.dataset_id == dataset_id)
    return (row.response for row in by_row(engine, query, ExampleRow.row))


def check_columns(engine: Engine, dataset_id: int, columns: Iterable[str]) -> None:
    """Refuse columns that the dataset's file does not have, or that are its prompt or response; "" is none.

    Raises:
        InputError: when a column can't be used, or the file can't be read.
        StateError: when there is no such dataset.
    """
    named = [column for column in dict.fromkeys(columns) if column]
    if not named:
        return
    dataset = get_dataset(engine, dataset_id)
    there = read_columns(Source(dataset.source_path, dataset.source_name))
    for column in named:
        if column not in there:
            raise InputError(f"The dataset has no column {column!r}.", f"It has {', '.join(there)}.")
        if column in dataset.field_map.text_columns:
            raise InputError(f"The column {column!r} is part of the prompt or the response.", "Name another one.")
