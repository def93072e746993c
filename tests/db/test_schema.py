"""The schema comes from migrations alone, and they agree with the models."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from clear_core.errors import SettingsError, StateError
from db.engine import open_engine, read, upgrade, write
from db.models import Base


def test_migrations_make_exactly_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, Base.metadata) == []


def test_constraints_have_names_by_which_a_migration_finds_them(engine: Engine) -> None:
    inspector = inspect(engine)
    for table in Base.metadata.tables:
        assert all(constraint["name"] for constraint in inspector.get_unique_constraints(table))
        assert all(key["name"] for key in inspector.get_foreign_keys(table))


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    upgrade(engine)
    upgrade(engine)
    with read(engine) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0002"


def _upgrade(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()


def test_processes_that_upgrade_at_once_do_it_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "review.db"
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=_upgrade, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


def test_a_newer_database_is_refused_with_a_hint(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer version of CLEAR Review"):
        upgrade(engine)


def test_foreign_keys_hold_after_an_upgrade(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("url", ["nonsense", "nosuch://user:hunter2@host/db", "sqlite:////proc/nowhere/review.db"])
def test_an_unusable_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        open_engine(url)
    assert "hunter2" not in str(caught.value)
