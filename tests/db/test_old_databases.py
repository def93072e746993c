"""Old data keeps opening: one dump of each released schema, upgraded and read.

A dump comes from `sqlite3 review.db .dump` of a database with something in every table. A released one is never remade.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clear_core.types import CandidateSource, ModelRef
from db.checks import find_faults
from db.datasets import examples_by_row, get_dataset, row_problems
from db.engine import MIGRATIONS, is_current, open_engine, upgrade
from db.policies import list_policies
from db.reviews import effective_fates
from db.rounds import list_rounds
from db.runs import list_runs
from db.scores import get_preferences, get_scores, iter_scores, score_table

DUMPS = sorted((Path(__file__).parent / "frozen").glob("*.sql"))


def test_every_released_schema_is_kept() -> None:
    versions = [path.name[:4] for path in sorted((MIGRATIONS / "versions").glob("*.py"))]
    assert [path.stem for path in DUMPS] == versions


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
def test_an_old_database_is_upgraded_and_read(dump: Path, tmp_path: Path) -> None:
    path = tmp_path / "review.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(dump.read_text())
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    assert is_current(engine)
    dataset = get_dataset(engine, 1)
    assert (dataset.examples, dataset.problems) == (4, 1)
    assert examples_by_row(engine, 1, [2])[0].response == "r2"
    assert row_problems(engine, 1)[0].row == 3
    correct, score = list_runs(engine, 1)
    assert [each.confidence for each in iter_scores(engine, score.id)] == [0.1, 0.9, 0.2, None]
    assert get_preferences(engine, correct.id, [0])[0].candidate == "better 0"
    assert score_table(engine, score.id, correct.id).preference[0] == 0.9
    assert list_policies(engine, 1)[0].thresholds.eta == 0.8
    assert effective_fates(engine, 1)[2].fate == "drop"
    assert [fault for fault in find_faults(engine) if "upload" not in fault] == []
    engine.dispose()


def test_the_one_writer_of_before_is_a_source_of_candidates(tmp_path: Path) -> None:
    path = tmp_path / "review.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(DUMPS[0].read_text())
        old.execute("UPDATE run SET config = json_set(config, '$.candidate_model', 'tuned') WHERE id = 2")
        old.execute("UPDATE run SET config = json_set(config, '$.base_url', 'http://a/v1') WHERE id = 2")
        old.commit()
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    correct, score = list_runs(engine, 1)
    assert correct.config.candidates == (CandidateSource(ModelRef("http://a/v1", "tuned")),)
    assert correct.config.endpoints == ("http://a/v1",)
    assert score.config.candidates == ()
    engine.dispose()


def test_what_the_second_schema_added_is_read(tmp_path: Path) -> None:
    path = tmp_path / "review.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(DUMPS[1].read_text())
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    correct, score = list_runs(engine, 1)
    assert correct.config.candidates[1] == CandidateSource(column="other")
    assert (score.config.stop_early, score.config.labels) == (True, ("a", "b"))
    first = get_scores(engine, 1, [0])[0]
    assert (first.lower, first.upper, first.temperature) == (0.05, 0.15, 1.0)
    assert get_preferences(engine, 2, [0])[0].samples == 5
    assert list_rounds(engine, 1)[0].registered == ModelRef("http://127.0.0.1:9/v1", "tuned")
    engine.dispose()
