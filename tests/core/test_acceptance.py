"""What an implementation of the method must do to be one, item by item; the rooms' own tests go further into each."""

import asyncio
import random
from contextlib import aclosing
from itertools import pairwise

import numpy as np
import pytest

from benchmarks.formulas import eta_table_holds, largest_errors
from clear_core.apply import apply_decisions
from clear_core.audit import decided, guaranteed_purity, plan, recall
from clear_core.confidence import combine
from clear_core.estimator import recipe_for
from clear_core.judge import ModelJudge, Order, judge_pair, settle
from clear_core.llm.fake import FakeLLM
from clear_core.llm.port import ChatRequest, Reply
from clear_core.parsing import reflection_letter
from clear_core.pipeline import correct_stream, score_stream
from clear_core.propose import Gamma, Thresholds, acceptable, cut, propose, score_table
from clear_core.recipe import Recipe
from clear_core.stopping import bounds, next_wave
from clear_core.types import ConfidenceScore, Decision, Example, Message, Preference
from clear_core.writing import ModelWriter


def scores_of(values):
    return [ConfidenceScore(f"row-{row}", row, value, value) for row, value in enumerate(values)]


def test_1_the_worked_rows_and_the_published_triples_to_1e_12():
    errors = largest_errors()
    assert errors["rows"] < 1e-12
    assert errors["triples"] < 1e-12


def test_2_the_table_of_eta_at_five_samples():
    assert eta_table_holds()


@pytest.mark.parametrize("rows", [10, 11, 1000])
def test_3_equal_confidences_keep_exactly_half_and_always_the_same(rows):
    def kept(scores):
        return {proposal.id for proposal in propose(scores, [], Thresholds()) if proposal.fate == "keep"}

    scores = scores_of([1.0] * rows)
    assert len(kept(scores)) == -(-rows // 2)
    assert kept(scores) == kept(scores[::-1])


@pytest.mark.parametrize("gamma", ["median", "share:0", "0", "1"])
def test_4_a_missing_confidence_is_never_dropped(gamma):
    scores = [*scores_of([0.1, 0.9, 0.5]), ConfidenceScore("row-3", 3, None, problem="refused")]
    proposals = list(propose(scores, [], Thresholds(Gamma.parse(gamma))))
    outcomes = {outcome.row: outcome for outcome in apply_decisions(proposals, {})}
    assert outcomes[3].fate == "unscored"
    assert "refused" in outcomes[3].reason


def test_5_the_last_letter_counts_and_no_letter_is_missing():
    assert reflection_letter("A careful look at it says more.\nanswer: (B)") == "B"
    assert reflection_letter("A careful look, but nothing is said about it.") is None


class Partial(FakeLLM):
    """A judge that likes whatever stands first."""

    async def complete(self, request: ChatRequest) -> Reply:
        return Reply("verdict: 1" if request.kind == "judge" else "answer: A")


def test_6_a_judge_whose_orders_disagree_replaces_nothing():
    example = Example("row-0", 0, (Message("user", "What is the capital of France?"),), "Lyon")
    judged = asyncio.run(judge_pair(example, "Paris", Partial(), Recipe("bsdetector", "exact")))
    preference = Preference("row-0", 0, "Paris", judged.preference, judged.verdict)
    (proposal,) = propose(scores_of([0.1]), [preference], Thresholds(Gamma("value", 0.5), eta=0.0))
    assert proposal.fate == "drop"


def test_7_stopping_early_decides_as_every_sample_would_on_10000_draws():
    rng = random.Random(7)  # noqa: S311 - a simulation
    asked = 0
    for _ in range(10_000):
        samples = [rng.choice([0.0, 1.0, rng.random()]) for _ in range(5)]
        reflection, gamma = rng.choice([None, 0.0, 0.25, 0.5, 0.75, 1.0]), rng.random()

        def confidence(observed, reflection=reflection):
            return combine(sum(observed) / 5, reflection)

        drawn = 0
        while wave := next_wave(samples[:drawn], 5, confidence, gamma):
            drawn += wave
        asked += drawn
        assert (bounds(samples[:drawn], 5, confidence).lower >= gamma) == (confidence(samples) >= gamma)
    assert asked < 4 * 10_000


def test_8_recall_is_covered_and_a_promised_purity_is_kept():
    covered = broken = 0
    for trial in range(150):
        draw = np.random.default_rng(trial)
        bad = draw.random(3000) < 0.2
        confidence = np.where(bad, draw.beta(3, 4, 3000), draw.beta(8, 2, 3000))
        kept = confidence >= np.median(confidence)
        strata = plan(confidence, kept, 200, seed=trial)
        found = recall(decided(strata, {row: bool(bad[row]) for row in range(3000)}), seed=trial)
        covered += found.low <= bad[~kept].sum() / bad.sum() <= found.high
        audited = {int(row): bool(bad[row]) for row in draw.choice(3000, 150, replace=False)}
        promised = guaranteed_purity(confidence, audited, noise=0.08, delta=0.1)
        broken += promised is not None and bad[confidence >= promised.gamma].mean() > 0.08
    assert covered / 150 >= 0.93
    assert broken / 150 <= 0.1


def test_9_a_scripted_model_cleans_a_set_with_20_percent_noise():
    def question(row):
        return f"What is the square of {row}?"

    truth = {question(row): f"{row * row}" for row in range(50)}
    examples = [
        Example(f"row-{row}", row, (Message("user", question(row)),), f"{row * row + (row % 5 == 0)}")
        for row in range(50)
    ]

    async def curated():
        llm = FakeLLM(truth, error_rate=0.1)
        recipe = recipe_for(llm)
        async with aclosing(score_stream(examples, llm, recipe)) as stream:
            scores = [score async for score in stream]
        async with aclosing(correct_stream(examples, [ModelWriter(llm)], ModelJudge(llm, recipe))) as stream:
            preferences = [preference async for preference in stream]
        return scores, preferences

    scores, preferences = asyncio.run(curated())
    fates = {one.row: one for one in propose(scores, preferences, Thresholds(Gamma("share", 0.8)))}
    kept = [row for row, proposal in fates.items() if proposal.fate == "keep"]
    replaced = {row: proposal.response for row, proposal in fates.items() if proposal.fate == "replace"}
    assert len(kept) == 40
    assert sum(row % 5 == 0 for row in kept) / len(kept) < 0.2
    assert replaced == {row: f"{row * row}" for row in replaced}
    assert len(replaced) >= 8


def test_10_swapping_mirrors_gamma_only_removes_and_a_replacement_has_an_origin():
    orders = [Order("candidate", "candidate", 0.9), Order("candidate", "candidate", 0.85)]
    swapped = [Order("given", "given", order.confidence) for order in orders]
    assert settle(orders)[1] == pytest.approx(1 - settle(swapped)[1])

    table = score_table(scores_of(np.random.default_rng(0).random(200).round(2).tolist()))
    for one, other in pairwise(np.linspace(0, 1, 40)):
        assert not (cut(table, Gamma("value", other)).kept & ~cut(table, Gamma("value", one)).kept).any()

    scores = scores_of([0.1, 0.2, 0.9])
    preferences = [Preference("row-0", 0, "a candidate", 0.95, "candidate")]
    edit = Decision("uid", "row-1", 1, "edit", "replace", "ann", "2026-01-01T00:00:00Z", response="an edit")
    outcomes = list(apply_decisions(propose(scores, preferences, Thresholds(Gamma("value", 0.5))), {1: edit}))
    origins = {0: acceptable(preferences[0]) and "a candidate", 1: "an edit"}
    assert {one.row: one.response for one in outcomes if one.fate == "replace"} == origins
