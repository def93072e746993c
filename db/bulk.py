"""Writing many rows portably."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from db.models import Base

PAGE: Final = 500
"""Rows per statement or page: fits every database's limit on parameters."""


def insert_ignore(connection: Connection, table: type[Base], values: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those whose key is taken are left as they are. The one place that knows dialects."""
    if not values:
        return
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(table).on_conflict_do_nothing(), values)


def in_pages(rows: Sequence[int], size: int = PAGE) -> Iterator[Sequence[int]]:
    """Rows cut into pages for `IN (...)`."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
