"""`clear-review score --samples-field`: a dataset that brings its samples is scored without any model."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from clear_core.cli import main

ROWS = [
    {"id": "good", "prompt": "Capital of France?", "response": "Paris", "drawn": ["Paris", "Paris"], "judged": "A"},
    {"id": "bad", "prompt": "Capital of Italy?", "response": "Milan", "drawn": ["Rome", "Rome"], "judged": "B"},
]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def write(path, rows):
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ROWS[0])
            writer.writeheader()
            writer.writerows(row | {"drawn": json.dumps(row["drawn"])} for row in rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scores(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", ["data.jsonl", "data.csv", "data.parquet"])
def test_every_format_gives_the_same_scores_and_the_loop_goes_on(run, tmp_path, name):
    path = write(tmp_path / name, ROWS)
    fields = ("--samples-field", "drawn", "--reflection-field", "judged", "--similarity", "exact")
    assert run("score", path, "--out", "s.jsonl", *fields, "--model", "sampled-7b").exit_code == 0
    good, bad = scores(tmp_path / "s.jsonl")
    assert (good["id"], good["confidence"], bad["id"], bad["confidence"]) == ("good", 1.0, "bad", 0.0)
    assert (good["measure"], good["model"]) == ("stored samples+reflection/exact", "sampled-7b")
    assert (good["samples"], good["calls"]) == (2, 0)
    assert not (tmp_path / "home").exists()  # no ledger: nothing was asked
    assert run("propose", path, "--scores", "s.jsonl", "--gamma", "0.5", "--out", "p.jsonl").exit_code == 0
    assert [proposal["fate"] for proposal in scores(tmp_path / "p.jsonl")] == ["keep", "drop"]


def test_faulty_rows_are_written_unscored_with_their_problem(run, tmp_path):
    path = write(tmp_path / "data.jsonl", [*ROWS, ROWS[0] | {"id": "odd", "drawn": "Paris"}])
    result = run("score", path, "--out", "s.jsonl", "--samples-field", "drawn")
    assert result.exit_code == 1
    assert "not a list of texts" in result.output
    assert [score["problem"] for score in scores(tmp_path / "s.jsonl")] == [None, None, "bad_samples"]


def test_flagged_rows_are_told(run, tmp_path):
    path = write(tmp_path / "data.jsonl", [ROWS[0] | {"judged": "perhaps"}])
    result = run("score", path, "--out", "s.jsonl", "--samples-field", "drawn", "--reflection-field", "judged")
    assert result.exit_code == 0
    assert "1 row scored all the same" in result.output
    assert scores(tmp_path / "s.jsonl")[0]["problem"] == "no_reflection"


def test_an_empty_stored_sample_is_the_rows_own_fault_and_no_calls_are_told_of(run, tmp_path):
    path = write(tmp_path / "data.jsonl", [ROWS[0] | {"drawn": ["Paris", "", "Paris"]}])
    result = run("score", path, "--out", "s.jsonl", "--samples-field", "drawn")
    assert result.exit_code == 0
    assert "1 of 1 row scored." in result.output
    assert "the row stores an empty text among its samples" in result.output
    assert "endpoint" not in result.output
    assert "ledger" not in result.output


def test_named_labels_that_no_response_has_are_told(run, tmp_path):
    path = write(tmp_path / "data.jsonl", ROWS)
    fields = ("--samples-field", "drawn", "--similarity", "exact")
    told = run("score", path, "--out", "s.jsonl", *fields, "--labels", "Paris,Rome")
    assert "1 of 2 rows have a label as response" in told.output
    assert "as response" not in run("score", path, "--out", "s.jsonl", *fields, "--labels", "Paris,Milan").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--samples-field", "drawn", "--labels", ","), "names no two labels"),
        (("--samples-field", "drawn", "--labels", "A,a"), "names no two labels"),
        (("--samples-field", "nope"), "no column 'nope'"),
        (("--samples-field", "drawn", "--reflection-field", "nope"), "no column 'nope'"),
        (("--samples-field", "response"), "part of data.jsonl's prompt or response"),
        (("--samples-field", "drawn", "--samples", 0), "1 or more"),
        (("--samples-field", "drawn", "--base-url", "http://127.0.0.1:1/v1"), "without a model"),
        (("--samples-field", "drawn", "--similarity", "nonsense"), "nonsense"),
        (("--reflection-field", "judged"), "--samples-field"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(run, tmp_path, arguments, told):
    result = run("score", write(tmp_path / "data.jsonl", ROWS), "--out", "s.jsonl", *arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "s.jsonl").exists()
