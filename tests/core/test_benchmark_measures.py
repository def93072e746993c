"""What the benchmark's figures rest on: AUROC, its interval, and the stratified sample."""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.embedded import main
from benchmarks.measures import auroc
from benchmarks.noisy import NoisyRow, draw, read_noisy, truth_beside
from clear_core import demo
from clear_core.errors import InputError
from clear_core.types import Example, Message

SCORES = st.lists(st.integers(0, 6).map(lambda n: n / 6), min_size=1, max_size=25)


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_pairs_ordered_right_and_mirrors(bad, good):
    pairs = [(b < g) + 0.5 * (b == g) for b in bad for g in good]
    found = auroc(bad, good, rounds=50)
    assert found.value == pytest.approx(sum(pairs) / len(pairs))
    assert auroc(good, bad, rounds=50).value == pytest.approx(1 - found.value)
    assert 0 <= found.low <= found.high <= 1


def test_perfect_and_hopeless_scores_have_no_width():
    perfect = auroc([0.1, 0.2], [0.8, 0.9, 1.0])
    assert (perfect.value, perfect.low, perfect.high) == (1.0, 1.0, 1.0)
    assert auroc([0.5] * 9, [0.5] * 9).value == 0.5


def test_more_rows_give_a_narrower_interval_and_the_seed_repeats_it():
    bad, good = [0.1, 0.4, 0.35, 0.8, 0.5], [0.4, 0.9, 0.7, 0.3, 0.6]
    few, many = auroc(bad, good), auroc(bad * 20, good * 20)
    assert many.high - many.low < few.high - few.low
    assert few.low <= few.value <= few.high
    assert auroc(bad, good) == few


def test_no_rows_give_no_figure():
    assert auroc([], [0.5]) is None
    assert auroc([0.5], []) is None


def make_rows(**counts):
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    return [NoisyRow(Example(str(n), n, (Message("user", "q"),), "a"), kind) for n, kind in enumerate(kinds)]


def test_draw_takes_half_clean_and_shares_the_rest_evenly():
    rows = make_rows(clean=500, swap=100, truncate=100, rare=4)
    picked = draw(rows, 100, seed=3)
    assert Counter(row.kind for row in picked) == {"clean": 50, "swap": 23, "truncate": 23, "rare": 4}
    assert picked == draw(rows, 100, seed=3) != draw(rows, 100, seed=4)
    assert [row.example.row for row in picked] == sorted(row.example.row for row in picked)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(2, 60))
def test_draw_never_takes_a_row_twice_nor_more_than_asked(clean, swap, truncate, size):
    picked = draw(make_rows(clean=clean, swap=swap, truncate=truncate), size, seed=0)
    assert len({row.example.row for row in picked}) == len(picked) <= size


def write(path: Path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_read_noisy_joins_the_prompt_columns_and_keeps_the_part(tmp_path):
    data = write(
        tmp_path / "set.jsonl",
        {"id": "a", "instruction": "Do.", "question": "Why?", "part": "train", "response": "So."},
        {"id": "b", "instruction": "Do.", "question": "How?", "part": "test", "response": "Thus."},
    )
    truth = write(truth_beside(data), {"id": "a", "noise_kind": "swap"}, {"id": "b", "noise_kind": "clean"})
    (row,) = read_noisy(data, truth)
    assert (row.kind, row.example.prompt[0].content, row.example.row) == ("swap", "Do.\n\nWhy?", 0)


def test_a_row_without_truth_is_an_error_that_names_it(tmp_path):
    data = write(tmp_path / "set.jsonl", {"id": "a", "prompt": "Why?", "response": "So."})
    truth = write(truth_beside(data), {"id": "z", "kind": "clean"})
    with pytest.raises(InputError, match="row 0"):
        read_noisy(data, truth)


def on_the_demo(*options):
    files = ("--data", demo.dataset_path(), "--truth", demo.truth_path(), "--scores", demo.scores_path())
    return CliRunner().invoke(main, [*map(str, files), *options])


def test_the_benchmark_reads_recorded_scores_and_says_what_it_read():
    told = json.loads(on_the_demo("--rows", "1000", "--json").stdout)
    assert told["file"] == "dataset.jsonl"
    assert told["model"] == "smollm2-135m-instruct (embedded)"
    assert told["auroc"]["swapped"]["confidence"]["value"] > 0.9
    assert told["auroc"]["overall"]["length"]["bad"] == 45
    table = on_the_demo("--rows", "60").stdout
    assert "60 rows drawn with seed 0" in table
    assert "| swapped | " in table


def test_scores_of_another_file_are_refused(tmp_path):
    data = write(tmp_path / "set.jsonl", {"id": "a", "prompt": "Why?", "response": "So."})
    write(truth_beside(data), {"id": "a", "kind": "clean"})
    done = CliRunner().invoke(main, ["--data", str(data), "--scores", str(demo.scores_path())])
    assert done.exit_code == 1
    assert "0 of 1 rows" in done.output
