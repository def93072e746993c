"""The demo dataset's promises: readable rows, a truth that fits them, and noise that length does not give away."""

import json
import re
from collections import Counter
from itertools import combinations

import pytest

from clear_core.corrector import guard
from clear_core.demo import candidates_path, dataset_path, preferences_path, scores_path, truth_path
from clear_core.io import read_preferences, read_scores
from clear_core.propose import Thresholds, rows_to_correct, score_table

KINDS = {
    "swapped",
    "wrong_intent",
    "wrong_entity",
    "hallucinated",
    "wrong_language",
    "broken_json",
    "truncated",
    "refusal",
    "off_topic",
}
KEYS = ["intent", "product", "reference", "urgency", "summary"]


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def rows():
    return read(dataset_path())


@pytest.fixture(scope="module")
def truth():
    return {record["id"]: record for record in read(truth_path())}


def email(row):
    return row["prompt"].partition("E-mail:\n")[2]


def as_object(text):
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, dict) and list(value) == KEYS else None


def test_every_row_has_its_own_id_text_and_columns(rows):
    assert len(rows) >= 200
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({email(row) for row in rows}) == len(rows)
    for row in rows:
        assert list(row) == ["id", "prompt", "response", "category", "source"]
        assert all(isinstance(value, str) and value.strip() for value in row.values())


def test_truth_names_every_row_once_and_clean_means_untouched(rows, truth):
    assert [row["id"] for row in rows] == list(truth)
    for row in rows:
        known = truth[row["id"]]
        assert known["is_bad"] == (known["kind"] != "clean") == (row["response"] != known["clean_response"])


def test_about_a_fifth_is_bad_in_named_ways_each_often_enough_to_be_seen(truth):
    counts = Counter(record["kind"] for record in truth.values())
    bad = sum(counts.values()) - counts["clean"]
    assert set(counts) == KINDS | {"clean"}
    assert min(counts.values()) >= 4
    assert 0.18 <= bad / len(truth) <= 0.24


def test_clean_responses_obey_the_prompt(rows, truth):
    allowed = set(re.search(r"intent is one of: (.*?)\.", rows[0]["prompt"])[1].split(", "))
    for row in rows:
        answer = as_object(truth[row["id"]]["clean_response"])
        assert answer is not None
        assert answer["intent"] in allowed
        assert answer["urgency"] in {"low", "normal", "high"}
        assert answer["reference"] is None or answer["reference"] in email(row)


def test_each_kind_is_wrong_in_the_way_it_says(rows, truth):
    clean = {record["clean_response"] for record in truth.values()}
    changed = {
        "wrong_intent": {"intent"},
        "wrong_entity": {"product", "reference"},
        "hallucinated": {"summary"},
        "wrong_language": {"summary"},
    }
    for row in rows:
        kind = truth[row["id"]]["kind"]
        answer = as_object(row["response"])
        if kind == "swapped":
            assert row["response"] in clean
        elif kind in changed:
            right = as_object(truth[row["id"]]["clean_response"])
            differing = {key for key in KEYS if answer[key] != right[key]}
            assert len(differing) == 1
            assert differing <= changed[kind]
        elif kind != "clean":
            assert answer is None


def test_length_alone_does_not_tell_bad_from_good(rows, truth):
    lengths = {False: [], True: []}
    for row in rows:
        lengths[truth[row["id"]]["is_bad"]].append(len(row["response"]))
    pairs = [(b > g) + 0.5 * (b == g) for b in lengths[True] for g in lengths[False]]
    assert 0.4 <= sum(pairs) / len(pairs) <= 0.6


def test_no_two_emails_share_a_skeleton(rows):
    texts = [set(re.findall(r"\w+", email(row).casefold())) for row in rows]
    assert max(len(a & b) / len(a | b) for a, b in combinations(texts, 2)) < 0.35


def test_addresses_are_reserved_ones(rows):
    addresses = [found for row in rows for found in re.findall(r"\S+@(\S+\.\w+)", row["prompt"])]
    assert addresses
    assert set(addresses) == {"example.com"}


def test_candidates_are_answers_and_most_of_them_reach_the_judge(rows, truth):
    given = {row["id"]: row["response"] for row in rows}
    candidates = read(candidates_path())
    assert len({record["id"] for record in candidates}) == len(candidates)
    assert all(as_object(record["response"]) for record in candidates)
    turned_down = Counter(guard(given[record["id"]], record["response"]) for record in candidates)
    # An off-topic response that is JSON with keys of its own has a format too, which a right answer does not keep.
    assert set(turned_down) == {None, "same", "format"}
    assert turned_down[None] > 60
    bad = [record["id"] for record in candidates if truth[record["id"]]["is_bad"]]
    assert len(bad) == sum(record["is_bad"] for record in truth.values())


def test_recorded_scores_are_those_of_the_dataset_and_rank_a_swapped_answer_low(rows, truth):
    scores = list(read_scores(scores_path()))
    assert [(score.row, score.id) for score in scores] == [(n, row["id"]) for n, row in enumerate(rows)]
    assert {score.problem for score in scores} == {None}
    low = {scores[row].id for row in rows_to_correct(score_table(scores), Thresholds())}
    assert {known["id"] for known in truth.values() if known["kind"] == "swapped"} <= low


def test_recorded_preferences_judge_the_written_candidates_of_low_rows():
    written = {record["id"]: record["response"] for record in read(candidates_path())}
    scores = list(read_scores(scores_path()))
    low = {scores[row].id for row in rows_to_correct(score_table(scores), Thresholds())}
    preferences = list(read_preferences(preferences_path()))
    assert {preference.id for preference in preferences} == low & set(written)
    assert all(preference.candidate == written[preference.id] for preference in preferences)
    assert {preference.problem for preference in preferences} == {None}
    assert sum(path.stat().st_size for path in (scores_path(), preferences_path())) < 1_500_000
