from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from clear_core.io import Source, detect
from db.datasets import create_dataset, import_examples
from db.engine import open_engine, upgrade
from db.uploads import store_file


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "review.db"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def data_dir(tmp_path: Path, empty_database: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "uploads").mkdir(parents=True)
    shutil.copy(empty_database, folder / "review.db")
    return folder


@pytest.fixture
def engine(data_dir: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{data_dir / 'review.db'}")
    yield engine
    engine.dispose()


@pytest.fixture
def upload(engine: Engine, data_dir: Path, tmp_path: Path) -> Callable[..., int]:
    """Record a dataset of the given lines of JSONL (records or raw text) without importing it."""

    def make(records: list[object], name: str = "mails.jsonl", **options: object) -> int:
        path = tmp_path / name
        lines = [record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        stored = store_file(data_dir / "uploads", path)
        source = Source(stored.path, name)
        found = detect(source)
        return create_dataset(
            engine,
            name=name,
            source=source,
            sha256=stored.sha256,
            detection=found,
            field_map=found.field_map,
            created_by="ada",
            **options,
        )

    return make


@pytest.fixture
def dataset(engine: Engine, upload: Callable[..., int]) -> Callable[[int], int]:
    """A ready dataset of so many question-and-answer rows."""

    def make(rows: int = 10) -> int:
        records = [{"id": f"q{n}", "prompt": f"What is {n} + {n}?", "response": str(n + n)} for n in range(rows)]
        dataset_id = upload(records)
        import_examples(engine, dataset_id)
        return dataset_id

    return make
