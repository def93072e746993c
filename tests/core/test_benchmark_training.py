"""What the experiment with trained models and the simulated audits rest on."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.answering import shared
from benchmarks.auditing import main as auditing
from benchmarks.noisy import read_rows
from benchmarks.squad import drawn, is_right, is_valid, read_items
from benchmarks.trained import Run, figures, report
from clear_core.errors import InputError

PASSAGE = "The Nile is a river in Africa. It is 6,650 km long."
PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), min_size=1, max_size=12)


@pytest.fixture
def squad(tmp_path):
    """Three items on one passage: one clean, one noisy, and one of the other part."""
    told = [("q1", "train", "Africa", "Africa"), ("q2", "train", "It", "6,650 km"), ("q3", "test", "Nile", "the Nile")]
    path = tmp_path / "squad.jsonl"
    rows = [
        {
            "id": name,
            "part": part,
            "instruction": "Answer.",
            "context": PASSAGE,
            "question": "Which one?" if name != "q1" else "Where?",
            "response": response,
            "accepted": ["Nile River"] if part == "test" else None,
            "gid": "nile",
        }
        for name, part, response, _ in told
    ]
    truth = [
        {"id": name, "noise_kind": "clean" if response == good else "swap", "clean_response": good}
        for name, _, response, good in told
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    path.with_name("squad.truth.jsonl").write_text("\n".join(map(json.dumps, truth)))
    return path


def test_items_are_of_one_part_and_short_enough(squad):
    assert [item.row.example.id for item in read_items(squad, "train", 90)] == ["q1", "q2"]
    assert [item.row.example.id for item in read_items(squad, "train", 13)] == ["q1"]


def test_an_answer_is_right_by_its_words_and_has_the_form_by_the_passage(squad):
    (item,) = read_items(squad, "test", 90)
    assert is_right(item, "Nile.")
    assert is_right(item, "nile river")
    assert not is_right(item, "the Nile in Africa")
    assert not is_right(item, "")
    assert is_valid(item, "a river in Africa.")
    assert not is_valid(item, "The answer is the Nile")
    assert not is_valid(item, "")


def test_a_sample_is_seeded_and_in_the_files_order(squad):
    items = read_items(squad, "train", 90)
    assert drawn(items, 5, 0) == items
    assert drawn(items, 1, 3) == drawn(items, 1, 3)


@given(PROMPTS)
def test_what_prompts_share_is_a_beginning_of_each_and_never_the_whole(prompts):
    heads, group_of = shared(prompts)
    assert group_of == sorted(group_of)
    for prompt, group in zip(prompts, group_of, strict=True):
        assert list(prompt[: len(heads[group])]) == list(heads[group])
        assert len(heads[group]) < len(prompt)


def a_run(form, seed, right):
    return Run(form, seed, 10, 0.2, {}, right, [True] * len(right), [1.0] * len(right))


def test_a_form_is_compared_with_the_noisy_one_over_all_seeds():
    runs = [
        a_run("noisy", 0, [True, False, False, False]),
        a_run("noisy", 1, [True, True, False, False]),
        a_run("filtered", 0, [True, True, True, False]),
        a_run("filtered", 1, [True, True, True, True]),
    ]
    noisy, filtered = figures(runs, ["a", "a", "b", "c"])
    assert noisy.right.value == 0.375
    assert noisy.gains == {}
    assert filtered.by_seed == [0.75, 1.0]
    assert filtered.gains["noisy"].value == 0.5
    assert filtered.gains["noisy"].low <= 0.5 <= filtered.gains["noisy"].high
    assert "0.875" in report([noisy, filtered])


def test_rows_that_tell_their_own_truth_are_read_with_their_choices(tmp_path):
    path = tmp_path / "choices.jsonl"
    rows = [
        {"id": "1", "question": "2 + 2?", "choices": ["3", "4"], "given_answer": "B", "is_bad": 0, "error_type": "ok"},
        {"id": "2", "question": "3?", "choices": ["3", "4"], "given_answer": "B", "is_bad": 1, "error_type": "wrong"},
        {"id": "3", "instruction": "Say 5.", "response": "6", "is_bad": 1},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    read = read_rows(path, None)
    assert [(row.kind, row.example.response) for row in read] == [("clean", "B. 4"), ("wrong", "B. 4"), ("bad", "6")]
    assert "A. 3\nB. 4" in read[0].example.prompt[0].content
    path.write_text('{"id": "1", "question": "?", "response": "a"}')
    with pytest.raises(InputError, match="does not tell"):
        read_rows(path, None)


def test_the_audits_simulation_tells_every_estimate_beside_its_baseline():
    ran = CliRunner().invoke(auditing, ["--trials", "10", "--json"])
    assert ran.exit_code == 0, ran.output
    lines = json.loads(ran.output)
    assert {line["what"] for line in lines} >= {"recall", "recall, textbook", "noise rate", "noise rate, classical"}
    assert all(line["low"] <= line["share"] <= line["high"] for line in lines)
