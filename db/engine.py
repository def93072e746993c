"""Opening the database, bringing it up to date, and the two kinds of transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine


def open_engine(url: str) -> Engine:
    """Open the database at a SQLAlchemy URL; a SQLite file and its folder are made when missing.

    Raises:
        SettingsError: when the URL can't be used.
    """
    raise NotImplementedError


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; safe to call from several processes at once.

    Raises:
        StateError: when a newer version of CLEAR Review wrote the database.
    """
    raise NotImplementedError


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction: one consistent view, never in the way of a writer."""
    raise NotImplementedError


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A writing transaction, committed at the end of the block and rolled back by an exception."""
    raise NotImplementedError
