"""How long the database takes at size: import, score table, next item, decisions.

    python benchmarks/importing.py --rows 1000000

Makes its own rows in a temporary folder. Peak memory is of this process, the reader included.
"""

from __future__ import annotations

import json
import random
import resource
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from clear_core.io import Source, detect
from clear_core.types import ConfidenceScore, Decision
from db.datasets import create_dataset, examples_by_row, import_examples
from db.engine import open_engine, upgrade
from db.leases import Progress, claim_run, release_run
from db.records import RunConfig
from db.results import save_scores
from db.reviews import append_decision, decision_counts, effective_fates, standing_table, undo_last
from db.runs import create_run
from db.scores import get_scores, score_table
from db.uploads import store_file

WORDS = [
    "the",
    "refund",
    "was",
    "sent",
    "on",
    "monday",
    "and",
    "your",
    "order",
    "number",
    "is",
    "listed",
    "below",
    "with",
    "our",
    "apologies",
    "for",
    "any",
    "delay",
]


@click.command()
@click.option("--rows", default=100_000, show_default=True, type=click.IntRange(1_000))
@click.option("--decisions", default=2_000, show_default=True, type=click.IntRange(100))
def main(rows: int, decisions: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        _write_rows(path, rows)
        click.echo(f"{rows:,} rows, {path.stat().st_size / 2**20:,.0f} MiB")
        engine = open_engine(f"sqlite:///{folder}/review.db")
        upgrade(engine)
        with _timed("store the upload"):
            stored = store_file(Path(folder) / "uploads", path)
        source = Source(stored.path, path.name)
        found = detect(source)
        dataset_id = create_dataset(
            engine,
            name="rows",
            source=source,
            sha256=stored.sha256,
            detection=found,
            field_map=found.field_map,
            created_by="benchmark",
        )
        before = _peak_mib()
        with _timed("import"):
            import_examples(engine, dataset_id)
        click.echo(f"{'peak memory':32} {_peak_mib():10,.0f} MiB, {before:,.0f} before")
        run_id = _score(engine, dataset_id, rows)
        with _timed("score table"):
            score_table(engine, run_id)
        _review(engine, dataset_id, run_id, rows, decisions)
        engine.dispose()


def _write_rows(path: Path, rows: int) -> None:
    draw = random.Random(7)  # noqa: S311
    with path.open("w") as file:
        for number in range(rows):
            said = [" ".join(draw.choices(WORDS, k=draw.randint(20, 60))) for _ in range(2)]
            file.write(json.dumps({"id": f"row-{number}", "prompt": said[0], "response": said[1]}) + "\n")


def _score(engine: Engine, dataset_id: int, rows: int) -> int:
    draw = random.Random(8)  # noqa: S311
    run_id = create_run(engine, dataset_id, RunConfig(kind="score"), "benchmark")
    lease = claim_run(engine, run_id)
    evidence = {"samples": [{"text": "x" * 200}] * 5}
    with _timed("store scores, 200 a time"):
        for start in range(0, rows, 200):
            page = [
                ConfidenceScore(f"row-{row}", row, draw.random(), draw.random(), evidence=evidence)
                for row in range(start, min(start + 200, rows))
            ]
            save_scores(engine, lease, page, Progress())
    release_run(engine, lease, "done", "", Progress())
    return run_id


def _review(engine: Engine, dataset_id: int, run_id: int, rows: int, decisions: int) -> None:
    draw = random.Random(9)  # noqa: S311
    seq, each = 0, []
    for _ in range(decisions):
        row = draw.randrange(rows)
        began = time.perf_counter()
        examples_by_row(engine, dataset_id, [row])
        get_scores(engine, run_id, [row])
        shown = time.perf_counter()
        decision = Decision(uuid.uuid4().hex, f"row-{row}", row, "drop", "drop", "ada", "2026-01-01T00:00:00+00:00")
        append_decision(engine, dataset_id, decision, policy_id=None)
        appended = time.perf_counter()
        seq = standing_table(engine, dataset_id, after_seq=seq).seq
        each.append((shown - began, appended - shown, time.perf_counter() - appended))
    for name, times in zip(
        ("read one item", "append a decision", "what changed since"), zip(*each, strict=True), strict=True
    ):
        ordered = sorted(times)
        middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        click.echo(f"{name:32} {middle * 1e3:10.2f} ms, p95 {high * 1e3:.2f} ms")
    with _timed("undo"):
        undo_last(engine, dataset_id, "ada", policy_id=None)
    with _timed(f"all standing rows of {decisions:,}"):
        standing_table(engine, dataset_id)
    with _timed("counts"):
        decision_counts(engine, dataset_id)
    with _timed("standing decisions for an export"):
        effective_fates(engine, dataset_id)


@contextmanager
def _timed(name: str) -> Iterator[None]:
    began, busy = time.perf_counter(), time.process_time()
    yield
    took, worked = time.perf_counter() - began, time.process_time() - busy
    click.echo(f"{name:32} {took:10.3f} s, {worked:.3f} s of them on the processor")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
