from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import Bench, Endpoint
from db_kit import decide, preference, score
from sqlalchemy import Engine

from clear_core.io import Source, detect
from clear_core.types import ConfidenceScore
from db.datasets import create_dataset, import_examples
from db.engine import open_engine, upgrade
from db.leases import Progress, claim_run, release_run
from db.policies import save_policy
from db.records import RunConfig
from db.results import save_preferences, save_scores
from db.reviews import append_decision
from db.rounds import create_round
from db.runs import create_run
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


@pytest.fixture
def save(engine: Engine) -> Callable[..., int]:
    """A finished score run with the given scores."""

    def make(dataset_id: int, scores: list[ConfidenceScore]) -> int:
        run_id = create_run(engine, dataset_id, RunConfig(kind="score", model="m"), "ada")
        lease = claim_run(engine, run_id)
        save_scores(engine, lease, scores, Progress())
        release_run(engine, lease, "done", "", Progress())
        return run_id

    return make


@pytest.fixture
def scored(save: Callable[..., int]) -> Callable[..., int]:
    """A finished score run with the given confidences by row; None is a failed row."""

    def make(dataset_id: int, confidences: dict[int, float | None]) -> int:
        return save(dataset_id, [score(row, value) for row, value in confidences.items()])

    return make


@pytest.fixture
def corrected(engine: Engine) -> Callable[..., int]:
    """A finished correct run with candidates of the given preference by row."""

    def make(dataset_id: int, score_run_id: int, preferences: dict[int, float]) -> int:
        run_id = create_run(engine, dataset_id, RunConfig(kind="correct", score_run_id=score_run_id), "ada")
        lease = claim_run(engine, run_id)
        save_preferences(engine, lease, [preference(row, value) for row, value in preferences.items()], Progress())
        release_run(engine, lease, "done", "", Progress())
        return run_id

    return make


@pytest.fixture
def bench(engine: Engine, data_dir: Path) -> Bench:
    """A worker's surroundings whose endpoint can add."""
    answers = {f"What is {n} + {n}?": str(n + n) for n in range(100)}
    return Bench(engine, data_dir, Endpoint(answers))


@pytest.fixture
def score_run(engine: Engine, dataset: Callable[[int], int]) -> Callable[..., int]:
    """A queued score run of so many rows by the scripted endpoint, two samples each."""

    def make(rows: int = 6, **config: object) -> int:
        values = {"model": "fake", "base_url": "http://judge/v1", "samples": 2, "similarity": "exact", "concurrency": 2}
        return create_run(engine, dataset(rows), RunConfig(kind="score", **(values | config)), "ada")

    return make


@pytest.fixture
def reviewed(
    engine: Engine, upload: Callable[..., int], scored: Callable[..., int], corrected: Callable[..., int]
) -> int:
    """A dataset with something in every table: rows 0-4, of which 3 is bad, scored, corrected, and partly decided."""
    records: list[object] = [{"id": f"q{n}", "prompt": f"p{n}", "response": f"r{n}"} for n in range(5)]
    records[3] = "{broken"
    dataset_id = upload(records)
    import_examples(engine, dataset_id)
    scores = scored(dataset_id, {0: 0.1, 1: 0.9, 2: 0.2, 4: None})
    judged = corrected(dataset_id, scores, {0: 0.9, 2: 0.3})
    policy = save_policy(
        engine,
        dataset_id=dataset_id,
        name="first",
        score_run_id=scores,
        correct_run_id=judged,
        gamma="median",
        gamma_value=0.2,
        eta=0.8,
        scope="low",
        created_by="ada",
    )
    append_decision(engine, dataset_id, decide(2), policy_id=policy.id)
    create_round(engine, dataset_id, score_run_id=scores, correct_run_id=judged, policy_id=policy.id)
    return dataset_id
