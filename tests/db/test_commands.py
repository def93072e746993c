"""`python -m db`: the schema made, the whole checked, and what is broken told in a sentence."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, delete, update

from clear_core.settings import read_settings
from clear_core.train.settings import TrainSettings
from clear_core.types import CandidateSource, ModelRef
from db.__main__ import main, own_keys
from db.checks import find_faults
from db.datasets import get_dataset
from db.deletion import UNIMPORTED_S
from db.engine import open_engine, write
from db.models import DatasetRow, ScoreRow, StandingRow
from db.records import RunConfig


def test_upgrade_makes_the_database_and_finishes_deletions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for _ in range(2):
        result = CliRunner().invoke(main, ["upgrade"])
        assert result.exit_code == 0, result.output
    result = CliRunner().invoke(main, ["check"])
    assert (result.exit_code, result.output) == (0, "Everything fits together.\n")


def test_upgrade_clears_away_old_uploads_that_no_dataset_names(
    engine: Engine, reviewed: int, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEAR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    imported = get_dataset(engine, reviewed).source_path
    old, new, foreign = (data_dir / "uploads" / name for name in ("a" * 64, "b" * 64, "notes.txt"))
    for path in (old, new, foreign):
        path.write_bytes(b"{}")
    for path in (imported, old, foreign):
        os.utime(path, (time.time() - UNIMPORTED_S - 60,) * 2)
    os.utime(new, (time.time() - UNIMPORTED_S + 600,) * 2)
    result = CliRunner().invoke(main, ["upgrade"])
    assert (result.exit_code, result.output) == (0, "Cleared away uploads that were not imported within a week: 1.\n")
    assert [path.exists() for path in (imported, old, new, foreign)] == [True, False, True, True]


def test_another_database_leaves_the_uploads_of_this_one(
    engine: Engine, reviewed: int, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEAR_DATA_DIR", str(data_dir))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    imported = get_dataset(engine, reviewed).source_path
    os.utime(imported, (time.time() - UNIMPORTED_S - 60,) * 2)
    assert CliRunner().invoke(main, ["upgrade"]).exit_code == 0
    assert imported.exists()


def test_a_database_without_a_schema_is_told_to_upgrade(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'new.db'}")
    assert list(find_faults(engine)) == ["The schema is not up to date: run `python -m db upgrade`."]
    engine.dispose()


def test_a_whole_database_has_no_faults(engine: Engine, reviewed: int) -> None:
    assert list(find_faults(engine)) == []


def test_each_fault_is_told(engine: Engine, reviewed: int) -> None:
    get_dataset(engine, reviewed).source_path.unlink()
    with write(engine) as connection:
        connection.execute(update(DatasetRow).values(examples=9))
        connection.execute(delete(StandingRow))
    faults = " ".join(find_faults(engine))
    assert "its upload" in faults
    assert "it counts 9 in example but has 4" in faults
    assert "what stands differs" in faults


def test_a_dangling_reference_is_told(engine: Engine, reviewed: int) -> None:
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA foreign_keys=OFF")
        with connection.begin():
            connection.execute(update(ScoreRow).values(run_id=99))
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()
    assert "A row of score refers to a row of run that is not there." in list(find_faults(engine))


def test_a_worker_started_by_hand_finds_each_endpoints_key(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEAR_DATA_DIR", str(data_dir))
    monkeypatch.setenv("CLEAR_API_KEY", "sk-judge")
    monkeypatch.setenv("CLEAR_API_KEYS", json.dumps({"http://b/v1": "sk-b"}))
    monkeypatch.delenv("CLEAR_CANDIDATE_API_KEY", raising=False)
    writers = tuple(CandidateSource(ModelRef(url, "m")) for url in ("http://b/v1", "http://c/v1"))
    judged = RunConfig("correct", "m", "http://a/v1", score_run_id=1, candidates=writers)
    keys = own_keys(read_settings(), judged)
    assert [keys.get(url, "") for url in judged.endpoints] == ["sk-judge", "sk-b", ""]
    trained = RunConfig("train", train=TrainSettings("openai", base="m", base_url="http://a/v1"))
    assert own_keys(read_settings(), trained)["http://a/v1"] == "sk-judge"
