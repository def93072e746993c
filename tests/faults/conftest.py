from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.engine import open_engine, upgrade


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("CLEAR_DATA_DIR", str(folder))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-the-environment")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (folder / "uploads").mkdir(parents=True)
    return folder


@pytest.fixture
def url(data_dir: Path) -> str:
    return f"sqlite:///{data_dir / 'review.db'}"


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    upgrade(engine)
    yield engine
    engine.dispose()
