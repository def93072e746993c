"""A key press becomes the fate it says, with what was on screen, and folds into the outcome."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.apply import outcome_of
from clear_core.decide import Choice, decide, digest, shown
from clear_core.errors import StateError
from clear_core.propose import Thresholds, propose
from clear_core.types import ConfidenceScore, Decision, Example, Fate, Message, Preference, Proposal

EXAMPLE = Example("e1", 4, (Message("user", "Capital of France?"),), "Lyon")
SCORE = ConfidenceScore("e1", 4, 0.2, consistency=0.1, reflection=0.4, measure="m", model="base", prompt_version="v1")
BETTER = Preference("e1", 4, "Paris", 0.9, "candidate", model="judge", candidate_model="tuned", measure="both")
HIGHER = ConfidenceScore("e2", 5, 0.9)

DROP, REPLACE = (next(iter(propose([SCORE, HIGHER], preferences, Thresholds()))) for preferences in ([], [BETTER]))
UNSCORED = next(iter(propose([replace(SCORE, confidence=None, problem="refused")], [], Thresholds())))
KEEP = replace(DROP, fate="keep")


def made(proposal: Proposal, choice: Choice, text: str = "") -> Decision:
    return decide(
        proposal, choice, uid="u", reviewer="Ada", at="2030-01-01T00:00:00Z", seen={}, given="Lyon", text=text
    )


@pytest.mark.parametrize(
    ("proposal", "choice", "fate", "response"),
    [
        (DROP, "accept", "drop", None),
        (DROP, "reject", "keep", None),
        (DROP, "unsure", None, None),
        (REPLACE, "accept", "replace", "Paris"),
        (REPLACE, "reject", "keep", None),
        (REPLACE, "drop", "drop", None),
        (UNSCORED, "keep", "keep", None),
        (KEEP, "accept", "keep", None),
    ],
)
def test_a_choice_gives_its_fate(proposal: Proposal, choice: Choice, fate: Fate | None, response: str | None) -> None:
    decision = made(proposal, choice)
    assert (decision.fate, decision.response, decision.action) == (fate, response, choice)
    if fate:
        outcome = outcome_of(proposal, decision)
        assert (outcome.fate, outcome.response, outcome.author) == (fate, response, "Ada")


@given(st.text(min_size=1).filter(lambda text: text.strip() and text != "Lyon"))
def test_an_edit_replaces_by_exactly_what_was_written(text: str) -> None:
    decision = made(REPLACE, "edit", text)
    assert (decision.fate, decision.response) == ("replace", text)


@pytest.mark.parametrize("text", ["", "  \n", "Lyon"])
def test_an_edit_that_changes_nothing_is_refused_in_words(text: str) -> None:
    with pytest.raises(StateError) as refused:
        made(DROP, "edit", text)
    assert refused.value.hint


def test_nothing_can_be_accepted_for_an_example_without_a_score() -> None:
    with pytest.raises(StateError):
        made(UNSCORED, "accept")


def test_what_was_shown_can_be_stored_and_names_scores_models_policy_and_texts() -> None:
    seen = shown(EXAMPLE, REPLACE, SCORE, BETTER, policy="strict v2", scope="low", edited="Paris!")
    assert json.loads(json.dumps(seen)) == seen
    expected = {
        "policy": "strict v2",
        "eta": 0.8,
        "proposal": "replace",
        "confidence": 0.2,
        "model": "base",
        "preference": 0.9,
        "judge": "judge",
        "candidate_model": "tuned",
    }
    assert {name: seen[name] for name in expected} == expected
    assert {name: seen["sha256"][name] for name in ("response", "candidate", "edited")} == {
        "response": digest("Lyon"),
        "candidate": digest("Paris"),
        "edited": digest("Paris!"),
    }


def test_the_same_words_of_another_speaker_are_another_prompt() -> None:
    other = replace(EXAMPLE, prompt=(Message("system", "Capital of France?"),))
    seen = [shown(example, DROP, SCORE, None, policy="", scope="low") for example in (EXAMPLE, other)]
    assert seen[0]["sha256"]["prompt"] != seen[1]["sha256"]["prompt"]
    assert "candidate" not in seen[0]["sha256"]
