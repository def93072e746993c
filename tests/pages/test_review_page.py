"""Review: what is shown, what each button stores, and where one stands afterwards."""

import pytest
from page_kit import said
from reviewable import candidate_of, row_of, seed

from clear_core.types import Decision
from db.policies import save_policy
from db.reviews import append_decision, decisions, effective_fates
from pages.parts.review_actions import ACTS

# Rows 3, 6, 9 and 12 are proposed replacements; 1, 2, 4, 5, 7, 8, 10, 11, 13 and 14 proposed drops; 0 is unscored.
NEAREST_DROP = 14


@pytest.fixture
def ids(app):
    return seed(app.engine, app.data_dir)


def shown(at):
    """Row number of the item on screen, None when there is none."""
    cards = [e.value for e in at.get("html") if "data-item=" in e.value]
    return int(cards[0].split('data-item="')[1].split("-")[0]) if cards else None


def press(at, role):
    """Press the button with this role and nothing else of its kind: there must be exactly one."""
    (button,) = [button for button in at.button if (button.key or "").startswith(f"act-{role}-")]
    button.click().run()
    assert not at.exception
    return at


def log(app, ids):
    return [(decision.action, decision.row, decision.fate) for decision in decisions(app.engine, ids.dataset)]


def test_an_item_shows_its_text_its_reason_and_what_is_behind_the_score(app, ids):
    at = app.open("review", dataset=ids.dataset)
    assert shown(at) == NEAREST_DROP
    words = said(at)
    for expected in (
        "Proposed: drop",
        "below gamma 0.500",
        "Consistency",
        "Self-reflection",
        "0.25",
        "incorrect",
        "no answer could be read from the reply",
        "the candidate is better with only 0.600 confidence",
        "Given first",
        "Candidate first",
        "4 candidate, 1 tie",
        "1 of 10",
    ):
        assert expected in words, expected
    assert "&lt;b&gt;which&lt;/b&gt;" in words
    assert "<b>which" not in words
    assert "<i>" not in words.replace('<i style="left', "")


def test_a_replacement_shows_the_diff_in_either_form(app, ids):
    at = app.open("review", dataset=ids.dataset, view="replacements")
    assert 'class="cr-sides cr-of-2"' in said(at)
    assert '<ins><span class="cr-sign">+</span>Paris</ins>' in said(at)
    press(at, "view")
    assert 'class="cr-sides cr-of-1"' in said(at)


@pytest.mark.parametrize(
    ("view", "role", "action", "fate"),
    [
        ("drops", "accept", "accept", "drop"),
        ("drops", "reject", "reject", "keep"),
        ("drops", "unsure", "unsure", None),
        ("replacements", "accept", "accept", "replace"),
        ("replacements", "reject", "reject", "keep"),
        ("replacements", "drop", "drop", "drop"),
        ("unscored", "keep", "keep", "keep"),
        ("unscored", "drop", "drop", "drop"),
    ],
)
def test_each_button_stores_its_decision_and_goes_on(app, ids, view, role, action, fate):
    at = app.open("review", dataset=ids.dataset, view=view)
    row = shown(at)
    press(at, role)
    assert log(app, ids) == [(action, row, fate)]
    assert shown(at) != row
    assert f"mail-{row:03}" in said(at)


def test_a_decision_says_who_what_was_shown_scores_policy_and_model(app, ids):
    policy = save_policy(
        app.engine,
        dataset_id=ids.dataset,
        name="strict",
        score_run_id=ids.score,
        correct_run_id=ids.correct,
        gamma="median",
        gamma_value=0.5,
        eta=0.8,
        scope="low",
        created_by="tester",
    )
    at = app.open("review", dataset=ids.dataset, policy=policy.id, view="replacements")
    row = shown(at)
    press(at, "accept")
    (decision,) = decisions(app.engine, ids.dataset)
    assert (decision.reviewer, decision.response) == ("tester", candidate_of(row))
    expected = {"policy": "strict v1", "gamma": 15 / 30, "proposal": "replace", "model": "base", "preference": 0.95}
    assert {name: decision.shown[name] for name in expected} == expected
    assert decision.shown["candidate_model"] == "tuned"
    assert len(decision.shown["sha256"]["candidate"]) == 64


def test_every_act_names_its_item_in_its_key(app, ids):
    at = app.open("review", dataset=ids.dataset, view="replacements")
    keys = {button.key for button in at.button if (button.key or "").startswith("act-")}
    row = shown(at)
    assert {f"act-{act.role}-{row}-0" for act in ACTS["replace"]} <= keys


def test_undo_goes_back_to_the_item_and_appends(app, ids):
    at = app.open("review", dataset=ids.dataset)
    row = shown(at)
    press(at, "reject")
    at.segmented_control(key="review_view").set_value("replacements").run()
    press(at, "undo")
    assert [entry[0] for entry in log(app, ids)] == ["reject", "undo"]
    assert shown(at) == row
    assert at.segmented_control(key="review_view").value == "drops"
    assert effective_fates(app.engine, ids.dataset) == {}
    press(at, "undo")
    assert "Nothing left to undo" in said(at)


def test_an_edit_is_stored_as_written_and_an_unchanged_one_is_refused(app, ids):
    at = app.open("review", dataset=ids.dataset)
    row = shown(at)
    press(at, "edit")
    assert at.text_area[0].value == row_of(row)["response"]
    press(at, "save")
    assert "The response is unchanged" in said(at)
    assert log(app, ids) == []
    at.text_area[0].set_value("The town is Paris.\n")
    press(at, "save")
    (decision,) = decisions(app.engine, ids.dataset)
    assert (decision.action, decision.row, decision.response) == ("edit", row, "The town is Paris.\n")
    assert shown(at) != row
    assert not at.text_area


def test_an_edit_of_a_replacement_starts_from_the_candidate_and_can_start_over(app, ids):
    at = app.open("review", dataset=ids.dataset, view="replacements")
    row = shown(at)
    press(at, "edit")
    at.text_area[0].set_value("Something else")
    press(at, "again")
    assert at.text_area[0].value == candidate_of(row)
    press(at, "leave")
    assert not at.text_area
    assert log(app, ids) == []


def test_a_text_left_alone_is_still_there_later(app, ids):
    at = app.open("review", dataset=ids.dataset)
    press(at, "edit")
    at.text_area[0].set_value("half a thought")
    press(at, "leave")
    press(at, "next")
    press(at, "previous")
    press(at, "edit")
    assert at.text_area[0].value == "half a thought"


def test_the_end_of_a_queue_says_what_is_left_and_the_last_end_leads_to_export(app, ids):
    at = app.open("review", dataset=ids.dataset, view="replacements")
    for _ in range(4):
        press(at, "accept")
    assert shown(at) is None
    assert "All 4 items of this queue are decided or unsure" in said(at)
    assert any(button.label == "Drops: 10 left" for button in at.button)
    press(at, "previous")
    assert shown(at) is not None
    assert "Replaced</span></span> by tester" in said(at)


def test_unsure_leaves_a_row_open_in_a_queue_of_its_own(app, ids):
    at = app.open("review", dataset=ids.dataset)
    row = shown(at)
    press(at, "unsure")
    at.segmented_control(key="review_view").set_value("unsure").run()
    assert shown(at) == row
    press(at, "accept")
    assert "No item is unsure" in said(at)
    assert [entry[0] for entry in log(app, ids)] == ["unsure", "accept"]


def test_a_decided_item_can_be_decided_anew(app, ids):
    append_decision(
        app.engine,
        ids.dataset,
        Decision("u1", "mail-014", 14, "accept", "drop", "ada", "2030-01-01T00:00:00Z"),
        policy_id=None,
    )
    at = app.open("review", dataset=ids.dataset, view="decided")
    assert shown(at) == 14
    assert "Dropped</span></span> by ada" in said(at)
    press(at, "reject")
    assert effective_fates(app.engine, ids.dataset)[14].reviewer == "tester"


def test_the_address_holds_queue_order_and_row(app, ids):
    at = app.open("review", dataset=ids.dataset, view="drops", order="far", row=5)
    assert shown(at) == 5
    press(at, "next")
    assert shown(at) == 7
    press(at, "previous")
    press(at, "previous")
    assert shown(at) == 4
    at.segmented_control(key="review_order").set_value("row").run()
    assert shown(at) == 1


@pytest.mark.parametrize("query", [{"view": "<script>"}, {"row": "-1"}, {"row": "99999"}, {"order": "x", "view": "y"}])
def test_a_wrong_address_is_no_error(app, ids, query):
    at = app.open("review", dataset=ids.dataset, **query)
    assert not at.exception
    assert shown(at) == NEAREST_DROP


def test_there_is_no_slider_to_swallow_keys(app, ids):
    assert not app.open("review", dataset=ids.dataset).slider


def test_a_dataset_without_scores_says_what_to_do(app):
    at = app.open("review", dataset=app.dataset())
    assert "No scores yet" in said(at)
    assert not at.exception
