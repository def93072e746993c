"""Many rows at once: written portably, read as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, Select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute

from db.engine import read
from db.models import Base

PAGE: Final = 500
"""Rows per statement or page: fits every database's limit on parameters."""

FETCH: Final = 50_000


def insert_ignore(connection: Connection, table: type[Base], values: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those whose key is taken are left as they are. The one place that knows dialects."""
    if not values:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(table).on_conflict_do_nothing(), values)


def in_pages(rows: Sequence[int], size: int = PAGE) -> Iterator[Sequence[int]]:
    """Rows cut into pages for `IN (...)`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def by_row(
    engine: Engine, query: Select[*tuple[Any, ...]], row: InstrumentedAttribute[int]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """A query's result in the order of its column `row`, in bounded memory.

    A transaction a page: what a slow reader takes its time over must not hold the database's log open.
    """
    after = -1
    query = query.order_by(row).limit(PAGE)
    while True:
        with read(engine) as connection:
            page = connection.execute(query.where(row > after)).all()
        if not page:
            return
        yield from page
        after = page[-1].row


def as_array(
    connection: Connection, query: Select[*tuple[Any, ...]], columns: list[tuple[str, str]]
) -> NDArray[np.void]:
    """A query's result as a structured array; a missing number is NaN."""
    kind = np.dtype(columns)
    pieces = [np.empty(0, dtype=kind)]
    result = connection.execute(query)
    # The driver's own tuples: wrapping a million rows as SQLAlchemy's takes three times as long as reading them.
    while result.cursor is not None and (part := result.cursor.fetchmany(FETCH)):
        pieces.append(np.fromiter(part, dtype=kind, count=len(part)))
    result.close()
    return np.concatenate(pieces)
