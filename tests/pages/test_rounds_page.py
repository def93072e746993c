"""Rounds: what each came to, how one begins and is changed, where it leads, and two sets of scores compared."""

import re

import pytest
from page_kit import said
from reviewable import seed

from clear_core.types import ConfidenceScore, ModelRef
from db.policies import save_policy
from db.records import RunConfig
from db.rounds import create_round, list_rounds, register_model


@pytest.fixture
def ids(app):
    return seed(app.engine, app.data_dir)


@pytest.fixture
def policy(app, ids):
    return save_policy(
        app.engine,
        dataset_id=ids.dataset,
        name="strict",
        score_run_id=ids.score,
        correct_run_id=ids.correct,
        gamma="0.7",
        gamma_value=0.7,
        eta=0.8,
        scope="low",
        created_by="tester",
    )


def begin(app, ids, **given):
    return create_round(app.engine, ids.dataset, **{"score_run_id": ids.score, "created_by": "tester"} | given)


def line(at, word):
    """The cells of the line of the table of rounds that ends in this word."""
    html = next(element.value for element in at.get("html") if "cr-rounds" in element.value)
    lines = (each.split("</th>") for each in html.split('<th scope="row">')[1:])
    return next(cells for head, cells in lines if re.sub("<[^>]*>", "", head).endswith(word))


def test_without_scores_the_page_says_what_comes_first(app):
    at = app.open("rounds", dataset=app.dataset())
    assert "score the dataset first" in said(at)
    assert not at.exception


def test_the_first_round_begins_on_the_newest_scores_candidates_and_policy(app, ids, policy):
    at = app.open("rounds", dataset=ids.dataset)
    assert "A round is one pass of the method" in said(at)
    next(button for button in at.button if button.label == "Begin it").click().run()
    assert not at.exception
    (begun,) = list_rounds(app.engine, ids.dataset)
    assert (begun.number, begun.name, begun.created_by) == (1, "Round 1", "tester")
    assert (begun.score_run_id, begun.correct_run_id, begun.policy_id) == (ids.score, ids.correct, policy.id)
    assert (at.query_params["round"], at.query_params["policy"]) == (str(begun.id), str(policy.id))
    assert "train a model on what it keeps" in said(at)


def test_rounds_stand_side_by_side(app, ids, policy):
    first = begin(app, ids, name="filter <b>only</b>", note="as the paper begins")
    begin(app, ids, correct_run_id=ids.correct, policy_id=policy.id)
    register_model(app.engine, first.id, ModelRef("https://tuned.example.com/v1", "ours<1>"))
    at = app.open("rounds", dataset=ids.dataset)
    assert not at.exception
    assert "<b>15</b>" in line(at, "Kept")  # the median of 29 scored rows
    assert "<b>9</b>" in line(at, "Kept")  # 0.7 and more of 30
    assert "strict v1" in line(at, "Policy")
    assert "defaults, not saved" in line(at, "Policy")
    assert "ours&lt;1&gt; at tuned.example.com" in line(at, "Trained model")
    assert "as the paper begins" in line(at, "Note")
    assert "filter &lt;b&gt;only&lt;/b&gt;" in said(at)
    assert "<b>only" not in said(at)


def test_a_round_is_changed_and_leads_to_the_pages_that_show_it(app, ids, policy):
    first = begin(app, ids)
    begin(app, ids)
    at = app.open("rounds", dataset=ids.dataset, round=first.id)
    assert at.selectbox(key="round_choice").value == first.id
    assert "tune it and save the thresholds" in said(at)
    next(field for field in at.text_input if field.label == "Note").set_value("mine")
    next(field for field in at.selectbox if field.label == "Policy").set_value(policy.id)
    next(button for button in at.button if button.label == "Save").click().run()
    changed = list_rounds(app.engine, ids.dataset)[0]
    assert (changed.note, changed.policy_id, changed.correct_run_id) == ("mine", policy.id, ids.correct)
    at.button(key="to_tune").click().run()
    assert not at.exception
    assert at.title[0].value == "Tune"
    assert "strict v1" in said(at)


def test_another_round_is_chosen_without_leaving_what_is_tuned(app, ids, policy):
    first, second = begin(app, ids), begin(app, ids)
    at = app.open("rounds", dataset=ids.dataset, policy=policy.id)
    assert at.selectbox(key="round_choice").value == second.id
    at.selectbox(key="round_choice").set_value(first.id).run()
    assert (at.query_params["round"], at.query_params["policy"]) == (str(first.id), str(policy.id))


def other_scores(app, ids, turned):
    """A second score run: the first one's confidences, upside down if turned; row 0 is scored here alone."""
    values = [1 - i / ids.rows if turned else i / ids.rows for i in range(ids.rows)]
    results = [ConfidenceScore(f"mail-{i:03}", i, value) for i, value in enumerate(values)]
    return app.run(ids.dataset, RunConfig("score", score_field="rating", scorer="a peer"), results=results)


def test_one_set_of_scores_can_t_be_compared(app, ids):
    at = app.open("rounds", dataset=ids.dataset)
    assert "There is one set of scores so far" in said(at)


def test_two_sets_of_scores_are_compared_with_what_is_missing_in_either(app, ids):
    other_scores(app, ids, turned=True)
    at = app.open("rounds", dataset=ids.dataset)
    text = said(at)
    assert not at.exception
    assert "<dd>-1.000</dd>" in text
    assert "1 unscored in Run" in text
    assert "Kept by one and dropped by the other" in text
    assert "a peer, column rating" in str(at.selectbox(key="compare_0").options)
    assert len(at.get("plotly_chart")) == 1


def test_sets_that_agree_have_no_rows_to_disagree_about(app, ids):
    other_scores(app, ids, turned=False)
    at = app.open("rounds", dataset=ids.dataset)
    at.text_input(key="compare_gamma_0").set_value("0.5").run()
    at.text_input(key="compare_gamma_1").set_value("0.5").run()
    assert "<dd>1.000</dd>" in said(at)
    assert "Kept by one" not in said(at)


def test_a_gamma_that_is_none_and_the_same_run_twice_are_told(app, ids):
    other_scores(app, ids, turned=False)
    at = app.open("rounds", dataset=ids.dataset)
    at.text_input(key="compare_gamma_0").set_value("a lot").run()
    assert "Give median, share:S or a number" in said(at)
    at.text_input(key="compare_gamma_0").set_value("median").run()
    at.selectbox(key="compare_1").set_value(ids.score).run()
    at.selectbox(key="compare_0").set_value(ids.score).run()
    assert "Choose two different runs." in said(at)
