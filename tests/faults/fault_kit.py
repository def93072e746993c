"""What the tests with real processes share: a served stub endpoint, a dataset, and patience with a deadline."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from clear_core.io import Source, detect
from db.datasets import create_dataset
from db.uploads import store_file


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def question_dataset(engine: Engine, data_dir: Path, rows: int) -> int:
    """Record a dataset of questions, not imported yet."""
    path = data_dir.parent / "questions.jsonl"
    with path.open("w") as file:
        for n in range(rows):
            file.write(json.dumps({"prompt": f"What is {n}?", "response": f"It is {n}."}) + "\n")
    stored = store_file(data_dir / "uploads", path)
    source = Source(stored.path, path.name)
    found = detect(source)
    return create_dataset(
        engine,
        name="questions",
        source=source,
        sha256=stored.sha256,
        detection=found,
        field_map=found.field_map,
        created_by="ada",
    )
