"""A dataset that can be tuned, reviewed and exported: rows, scores, candidates and verdicts made up by rule."""

import json
from dataclasses import dataclass
from pathlib import Path

from clear_core.io import Source, detect, write_records
from clear_core.types import CandidateSource, ConfidenceScore, ModelRef, Preference
from db.datasets import create_dataset, import_examples
from db.records import RunConfig
from db.scores import import_preferences, import_scores
from db.uploads import store_file


@dataclass(frozen=True)
class Reviewable:
    """Ids of what was seeded.

    Of `rows` rows, row 0 is unscored, row i has confidence i / rows; of the rows below the median every third has a
    candidate with preference 0.95, every other third one with 0.6.
    """

    dataset: int
    score: int
    correct: int
    rows: int


def row_of(i):
    return {
        "id": f"mail-{i:03}",
        "prompt": f"Question {i}: <b>which</b> town?",
        "response": f"The town of number {i} is Lyon.",
        "topic": "geography",
    }


def candidate_of(i):
    return f"The town of number {i} is Paris."


def _score(i, rows):
    known = {"id": f"mail-{i:03}", "row": i, "measure": "bsdetector/exact", "model": "base", "prompt_version": "1"}
    if i == 0:
        return ConfidenceScore(**known, confidence=None, problem="refused", calls=2)
    samples = [
        {"answer": "Paris <i>", "similarity": 0.25, "match": False, "text": "I think Paris.", "problem": None},
        {"answer": None, "similarity": None, "match": None, "text": "", "problem": "unparsable"},
    ]
    reflections = [{"letter": "B", "text": "Lyon is wrong. (B)", "problem": None}]
    return ConfidenceScore(
        **known,
        confidence=i / rows,
        consistency=i / rows,
        reflection=0.5,
        samples=2,
        calls=4,
        evidence={"samples": samples, "reflections": reflections},
    )


def _preference(i):
    def order(label):
        return {
            "first": {"value": label, "text": f"Response {label} is better.", "problem": None},
            "samples": [{"value": label, "text": "", "problem": None}] * 4 + [{"value": "tie", "text": ""}],
            "reflections": [{"value": "A", "text": "(A)", "problem": None}],
        }

    return Preference(
        id=f"mail-{i:03}",
        row=i,
        candidate=candidate_of(i),
        preference=0.95 if i % 3 == 0 else 0.6,
        verdict="candidate",
        model="base",
        candidate_model="tuned",
        measure="bsdetector/both-orders",
        prompt_version="1",
        calls=17,
        evidence={"orders": [order("2"), order("1")]},
    )


def seed(engine, data_dir: Path, rows: int = 30, *, corrected: bool = True) -> Reviewable:
    """Fill a database as an upload, a score run and a correct run would."""
    source = data_dir / "mails.jsonl"
    source.write_text("".join(json.dumps(row_of(i)) + "\n" for i in range(rows)))
    stored = store_file(data_dir / "uploads", source)
    found = detect(Source(stored.path, "mails.jsonl"))
    dataset = create_dataset(
        engine,
        name="Mails",
        source=Source(stored.path, "mails.jsonl"),
        sha256=stored.sha256,
        detection=found,
        field_map=found.field_map,
        created_by="tester",
    )
    import_examples(engine, dataset)
    write_records(data_dir / "scores.jsonl", [_score(i, rows) for i in range(rows)])
    score = import_scores(engine, dataset, data_dir / "scores.jsonl", RunConfig("score", model="base"), "tester")
    low = [i for i in range(1, rows // 2) if i % 3 != 1]
    write_records(data_dir / "preferences.jsonl", [_preference(i) for i in low] if corrected else [])
    tuned = (CandidateSource(ModelRef("http://127.0.0.1:9/v1", "tuned")),)
    config = RunConfig("correct", model="base", candidates=tuned, score_run_id=score)
    correct = import_preferences(engine, dataset, data_dir / "preferences.jsonl", config) if corrected else 0
    return Reviewable(dataset, score, correct, rows)
