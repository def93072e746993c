"""Opening the database, bringing it up to date, and the two kinds of transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from clear_core.errors import SettingsError, StateError

BUSY_MS: Final = 30_000
MIGRATIONS: Final = Path(__file__).parent / "migrations"

_SQLITE_SETTINGS: Final = (
    "PRAGMA journal_mode=WAL",
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
)
_write_locks: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


def open_engine(url: str) -> Engine:
    """Open the database at a SQLAlchemy URL; a SQLite file and its folder are made when missing.

    Raises:
        SettingsError: when the URL can't be used.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            parsed, pool_size=16, max_overflow=32, pool_pre_ping=parsed.get_backend_name() != "sqlite"
        )
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError, TypeError) as error:
        # The URL itself stays out of the message: it may hold a password.
        raise SettingsError(
            f"The database can't be opened ({type(error).__name__}).",
            "Set DATABASE_URL to a URL such as sqlite:////home/me/review.db, or leave it unset.",
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    _write_locks[engine] = threading.Lock()
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # or the driver would begin a deferred transaction by itself
    cursor = connection.cursor()
    for setting in _SQLITE_SETTINGS:
        cursor.execute(setting)
    cursor.close()


def _on_sqlite_begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails with "database is locked" however long the timeout is.
    read_only = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction: one consistent view, never in the way of a writer."""
    with engine.connect().execution_options(readonly=True) as connection:
        yield connection


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A writing transaction, committed at the end of the block and rolled back by an exception."""
    # SQLite's own lock is not fair: without ours one thread of a process may starve behind another.
    lock = _write_locks.get(engine) if engine.dialect.name == "sqlite" else None
    with lock or nullcontext(), engine.begin() as connection:
        yield connection


def upgrade(engine: Engine) -> None:
    """Bring the schema up to date; safe to call from several processes at once.

    Raises:
        StateError: when a newer version of CLEAR Review wrote the database.
    """
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            # A batch migration drops and renames tables, which must not delete what refers to them; the setting
            # can only change outside a transaction.
            _raw(connection, "PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                _run_migrations(connection)
                if sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise StateError("The upgrade would break references between tables and was undone.")
        finally:
            if sqlite:
                _raw(connection, "PRAGMA foreign_keys=ON")


def is_current(engine: Engine) -> bool:
    """Whether the schema is this version's."""
    with read(engine) as connection:
        heads = ScriptDirectory.from_config(alembic_config(connection)).get_heads()
        return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


def _raw(connection: Connection, statement: str) -> None:
    cursor = connection.connection.cursor()
    cursor.execute(statement)
    cursor.close()


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for a connection, made here so that no ini file is needed."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run_migrations(connection: Connection) -> None:
    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise StateError(
            f"The database can't be brought up to date: {error}.",
            "A newer version of CLEAR Review wrote it. Install that version, or set DATABASE_URL to another database.",
        ) from error


def home(engine: Engine) -> Path | None:
    """The folder of a SQLite database: paths inside it are stored relative to it, so that the folder can move."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    return Path(engine.url.database).parent.resolve()
