"""Datasets and their examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from clear_core.types import Example, RowProblem
from db.records import DatasetRecord

if TYPE_CHECKING:
    from clear_core.io.source import Detection, FieldMap, Source


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
        InputError: when the name is empty.
    """
    raise NotImplementedError


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
        InputError: when the file can't be read at all; the status is then "failed".
    """
    raise NotImplementedError


def list_datasets(engine: Engine) -> list[DatasetRecord]:
    """All datasets, newest first."""
    raise NotImplementedError


def get_dataset(engine: Engine, dataset_id: int) -> DatasetRecord:
    """One dataset.

    Raises:
        StateError: when there is none of this id.
    """
    raise NotImplementedError


def find_demo(engine: Engine) -> DatasetRecord | None:
    """The newest demo dataset that is ready, if it was loaded before."""
    raise NotImplementedError


def rename_dataset(engine: Engine, dataset_id: int, name: str) -> None:
    """Give it another name.

    Raises:
        StateError: when there is none of this id.
        InputError: when the name is empty.
    """
    raise NotImplementedError


def delete_dataset(engine: Engine, dataset_id: int) -> None:
    """Delete a dataset with its runs, policies and decisions, and its upload unless another dataset has the same.

    Raises:
        StateError: when there is none of this id, or a worker is at it.
    """
    raise NotImplementedError


def examples_by_row(engine: Engine, dataset_id: int, rows: Sequence[int]) -> list[Example]:
    """The examples of these rows, in the order asked for; rows without an example are left out."""
    raise NotImplementedError


def row_problems(engine: Engine, dataset_id: int, *, after_row: int = -1, limit: int = 100) -> list[RowProblem]:
    """One page of the records that could not become examples, by row."""
    raise NotImplementedError


def iter_row_problems(engine: Engine, dataset_id: int) -> Iterator[RowProblem]:
    """All of them, by row, in bounded memory."""
    raise NotImplementedError
