"""Runs over what a file brings along: stored samples, a column of scores, candidates and verdicts; no model asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from bench import Bench
from sqlalchemy import Engine

from clear_core.entailment import Entailment
from clear_core.errors import InputError
from clear_core.types import CandidateSource, ModelRef
from db.datasets import import_examples
from db.records import RunConfig, RunRecord
from db.runs import create_run
from db.scores import get_preferences, get_scores, iter_scores

ROWS = [
    {"id": "q0", "prompt": "2+2?", "response": "4", "drawn": ["4", "4", "4"], "said": "A", "rating": 5},
    {"id": "q1", "prompt": "3+3?", "response": "7", "drawn": ["6", "6", "6"], "said": "B", "rating": 2},
    {"id": "q2", "prompt": "4+4?", "response": "8", "drawn": [], "said": "C", "rating": 9},
    {"id": "q3", "prompt": "5+5?", "response": "10", "drawn": ["10", "10", "9"], "said": None, "rating": None},
]


@pytest.fixture
def loaded(engine: Engine, upload: Callable[..., int]) -> Callable[..., int]:
    def make(rows: Sequence[dict[str, object]] = ROWS) -> int:
        dataset_id = upload(list(rows))
        import_examples(engine, dataset_id)
        return dataset_id

    return make


@pytest.fixture
def run(engine: Engine, bench: Bench) -> Callable[..., RunRecord]:
    def make(dataset_id: int, config: RunConfig) -> RunRecord:
        return bench.work(create_run(engine, dataset_id, config, "ada"))

    return make


Loaded = Callable[..., int]
Run = Callable[..., RunRecord]


def test_stored_samples_and_reflections_give_scores_without_any_model(
    engine: Engine, bench: Bench, loaded: Loaded, run: Run
) -> None:
    stored = {"samples_field": "drawn", "reflection_field": "said", "similarity": "exact", "samples": 0}
    done = run(loaded(), RunConfig("score", **stored, scorer="some-13b"))
    assert (done.status, done.done, done.calls_paid) == ("done", 4, 0)
    assert bench.connected == []
    assert done.problems == {"no_samples": 1, "no_reflection": 1}
    assert done.recipe["measure"] == "stored samples+reflection/exact"
    scores = {each.row: each for each in iter_scores(engine, done.id)}
    assert (scores[0].confidence, scores[1].confidence, scores[2].confidence) == (1.0, 0.0, None)
    assert scores[3].confidence == pytest.approx(2 / 3)
    assert scores[3].model == "some-13b"


def test_a_rating_is_taken_over_on_its_scale_with_the_original_beside_it(
    engine: Engine, loaded: Loaded, run: Run
) -> None:
    done = run(loaded(), RunConfig("score", score_field="rating", scale="1:5", scorer="a teacher"))
    assert (done.status, done.done, done.problems) == ("done", 4, {"off_scale": 1, "no_value": 1})
    scores = get_scores(engine, done.id, range(4))
    assert [scores[row].confidence for row in range(4)] == [1.0, 0.25, None, None]
    assert scores[1].evidence["value"] == 2
    assert done.recipe["measure"] == scores[0].measure == "column/rating"


def test_a_rank_is_taken_among_all_rows_even_in_a_trial(engine: Engine, loaded: Loaded, run: Run) -> None:
    dataset_id = loaded()
    whole = run(dataset_id, RunConfig("score", score_field="rating", scale="rank"))
    trial = run(dataset_id, RunConfig("score", score_field="rating", scale="rank", limit=2, trial=True))
    assert trial.done == 2
    assert get_scores(engine, trial.id, [0, 1]) == get_scores(engine, whole.id, [0, 1])


def test_a_scale_is_never_guessed(loaded: Loaded, run: Run) -> None:
    done = run(loaded(), RunConfig("score", score_field="rating"))
    assert (done.status, done.done) == ("failed", 0)
    assert "go from 2 to 9" in done.message


@pytest.mark.parametrize(("column", "words"), [("drwan", "no column 'drwan'"), ("response", "part of the prompt")])
def test_a_column_that_cannot_be_used_is_told_before_any_row(loaded: Loaded, run: Run, column: str, words: str) -> None:
    done = run(loaded(), RunConfig("score", samples_field=column))
    assert (done.status, done.done) == ("failed", 0)
    assert words in done.message


@pytest.mark.parametrize(
    "config",
    [
        RunConfig("score", reflection_field="said"),
        RunConfig("score", samples_field="drawn", score_field="rating"),
        RunConfig("score", samples_field="drawn", stop_early=True),
        RunConfig("score", pilot=0),
        RunConfig("score", similarity="nli"),
        RunConfig("score", similarity="token_f1", nli="some/mnli"),
        RunConfig("score", similarity="likeness"),
        RunConfig("score", score_field="rating", scale="5:1"),
        RunConfig("score", model="m", base_url="http://a/v1", adapter="/somewhere"),
        RunConfig("correct", score_run_id=1, candidates=(CandidateSource(),)),
        RunConfig("correct", score_run_id=1, candidates=(CandidateSource(ModelRef(), "other"),)),
        RunConfig("correct", score_run_id=1, candidates=(CandidateSource(ModelRef("http://a/v1")),)),
        RunConfig("correct", score_run_id=1, verdicts_field="said"),
        RunConfig("correct", score_run_id=1, verdicts_field="a", preference_field="b"),
        RunConfig("train"),
    ],
)
def test_what_contradicts_itself_is_never_queued(engine: Engine, loaded: Loaded, config: RunConfig) -> None:
    with pytest.raises(InputError):
        create_run(engine, loaded(), config, "ada")


def test_closed_labels_are_found_in_the_dataset_and_kept_with_the_run(engine: Engine, loaded: Loaded, run: Run) -> None:
    rows = [
        {"id": f"q{n}", "prompt": f"Is {n} even?", "response": ["Yes", "No"][n % 2], "drawn": ["yes.", "Yes", "no"]}
        for n in range(24)
    ]
    done = run(loaded(rows), RunConfig("score", samples_field="drawn", similarity="token_f1", labels="auto", samples=0))
    assert set(done.recipe["labels"]) == {"Yes", "No"}
    first = get_scores(engine, done.id, [0])[0]
    assert first.confidence == pytest.approx(2 / 3)


class Agreeing:
    """An NLI model for which texts contradict each other unless they are equal."""

    name = "agreeing"

    def fits(self, pairs: Sequence[tuple[str, str]]) -> bool:
        return len(pairs) > 0

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        return [Entailment(1.0, 0.0, 0.0) if one == two else Entailment(0.0, 0.0, 1.0) for one, two in pairs]


def test_a_model_of_entailment_is_loaded_by_name(engine: Engine, bench: Bench, loaded: Loaded, run: Run) -> None:
    asked: list[str] = []

    def load(name: str) -> Agreeing:
        asked.append(name)
        return Agreeing()

    bench.more["load_nli"] = load
    done = run(loaded(), RunConfig("score", samples_field="drawn", similarity="nli", nli="some/mnli", samples=0))
    assert (done.status, asked) == ("done", ["some/mnli"])
    assert done.recipe["nli"] == "some/mnli"
    assert get_scores(engine, done.id, [3])[3].confidence == pytest.approx(2 / 3)


@pytest.fixture
def low(scored: Callable[..., int]) -> Callable[[int, int], int]:
    """A finished score run of a dataset whose rows q0, q1, ... are all low."""
    return lambda dataset_id, rows: scored(dataset_id, dict.fromkeys(range(rows), 0.1))


def test_stored_candidates_and_verdicts_need_no_model(
    engine: Engine, bench: Bench, loaded: Loaded, run: Run, low: Callable[[int, int], int]
) -> None:
    rows = [
        {"id": "q0", "prompt": "2+2?", "response": "five", "other": "four", "verdicts": ["2", "1"]},
        {"id": "q1", "prompt": "3+3?", "response": "six", "other": "nine", "verdicts": ["1", "1"]},
        {"id": "q2", "prompt": "4+4?", "response": "nine", "other": "eight", "verdicts": None},
    ]
    dataset_id = loaded(rows)
    stored = {"candidates": (CandidateSource(column="other", label="tuned"),), "verdicts_field": "verdicts"}
    config = RunConfig("correct", score_run_id=low(dataset_id, 3), scope="all", scorer="gpt", **stored)
    done = run(dataset_id, config)
    assert (done.status, done.done, done.calls_paid, bench.connected) == ("done", 3, 0, [])
    found = get_preferences(engine, done.id, range(3))
    assert (found[0].verdict, found[1].verdict) == ("candidate", "inconsistent")
    assert (found[0].candidate_model, found[0].model) == ("tuned", "gpt")
    assert found[2].problem == "no_verdicts"


def test_several_sources_compete_and_each_key_goes_to_its_endpoint(
    engine: Engine, bench: Bench, loaded: Loaded, run: Run, low: Callable[[int, int], int]
) -> None:
    rows = [{"id": "q0", "prompt": "What is 2 + 2?", "response": "five", "other": "4"}]
    dataset_id = loaded(rows)
    sources = (CandidateSource(ModelRef("http://tuned/v1", "tuned")), CandidateSource(column="other"))
    judge = {"model": "fake", "base_url": "http://judge/v1", "samples": 1, "score_run_id": low(dataset_id, 1)}
    done = run(dataset_id, RunConfig("correct", **judge, candidates=sources, scope="all"))
    assert (done.status, done.done) == ("done", 1)
    assert set(bench.connected) == {
        ("http://judge/v1", "fake", "sk-judge"),
        ("http://tuned/v1", "tuned", "sk-candidate"),
    }
    assert done.recipe["candidate_model"] == "fake, other"
    assert get_preferences(engine, done.id, [0])[0].candidate == "4"
