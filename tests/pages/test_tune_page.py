"""Tune: thresholds move counts and nothing else; saving makes a version."""

import pytest
from page_kit import said
from reviewable import seed

from clear_core.types import ConfidenceScore, Decision
from db.policies import list_policies
from db.records import ROW_STATES, RunConfig
from db.reviews import append_decision, standing_table


@pytest.fixture
def ids(app):
    return seed(app.engine, app.data_dir)


def tiles(at):
    """The counts shown, by word."""
    words = ("Kept", "Dropped", "Replaced", "Unscored", "Decided by people")
    html = next(element.value for element in at.get("html") if "cr-tiles" in element.value)
    counts = [part.split("<")[0].replace(",", "") for part in html.split('cr-num">')[1:]]
    return dict(zip(words, map(int, counts), strict=True))


def save(at):
    next(button for button in at.button if button.label == "Save").click().run()


def everything(app):
    """All that is stored, as bytes: what a page that only looks must leave alone."""
    with app.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        return "\n".join(raw.iterdump())


def test_the_defaults_are_the_median_and_eta_08(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    assert tiles(at) == {"Kept": 15, "Dropped": 10, "Replaced": 4, "Unscored": 1, "Decided by people": 0}
    assert at.slider(key="tune_eta").value == 0.8
    assert "not saved as a policy" in said(at)
    assert not at.exception


def test_a_moved_threshold_changes_the_counts_and_nothing_in_the_database(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    before = everything(app)
    at.slider(key="tune_value").set_value(0.9).run()
    assert tiles(at)["Kept"] == 3
    assert at.number_input(key="tune_value_box").value == 0.9
    at.number_input(key="tune_eta_box").set_value(0.96).run()
    assert at.slider(key="tune_eta").value == 0.96
    assert tiles(at)["Replaced"] == 0
    assert everything(app) == before
    assert not at.exception


def test_equal_to_gamma_is_kept_and_equal_to_eta_is_not_replaced(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    at.slider(key="tune_value").set_value(0.8).run()
    assert tiles(at)["Kept"] == 6
    at.slider(key="tune_eta").set_value(0.95).run()
    assert tiles(at)["Replaced"] == 0
    at.slider(key="tune_eta").set_value(0.949).run()
    assert tiles(at)["Replaced"] == 4


def test_a_share_keeps_exactly_that_share_and_otsu_is_a_hint_that_can_be_taken(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    at.segmented_control(key="tune_kind").set_value("share").run()
    at.slider(key="tune_share").set_value(0.1).run()
    assert tiles(at)["Kept"] == 3
    at.button(key="otsu").click().run()
    assert at.segmented_control(key="tune_kind").value == "value"
    assert tiles(at)["Kept"] not in {0, 3}


def test_all_rows_as_scope_drops_no_kept_row(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    at.slider(key="tune_value").set_value(0.05).run()
    low = tiles(at)
    at.segmented_control(key="tune_scope").set_value("all").run()
    assert tiles(at)["Dropped"] == low["Dropped"]
    assert tiles(at)["Replaced"] > low["Replaced"]


def test_the_rows_at_the_line_are_shown_as_text_on_both_sides(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    near = [element.value for element in at.get("html") if "separator" in element.value]
    assert len(near) == 2
    above, below = near[0].split('role="separator"')
    assert "mail-015" in above
    assert "mail-014" in below
    assert "&lt;b&gt;which" in near[0]
    assert "<b>which" not in said(at)


def test_a_person_beats_the_threshold_in_the_counts(app, ids):
    decision = Decision("u1", "mail-003", 3, "reject", "keep", "ada", "2030-01-01T00:00:00Z")
    append_decision(app.engine, ids.dataset, decision, policy_id=None)
    at = app.open("tune", dataset=ids.dataset)
    assert tiles(at) == {"Kept": 16, "Dropped": 10, "Replaced": 3, "Unscored": 1, "Decided by people": 1}
    assert ROW_STATES[standing_table(app.engine, ids.dataset).state[0]] == "keep"


def test_saving_makes_the_next_version_and_opening_brings_its_thresholds_back(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    at.slider(key="tune_value").set_value(0.7).run()
    at.text_input(key="policy_name_policy").set_value("strict")
    save(at)
    at.slider(key="tune_value").set_value(0.4).run()
    assert "changed, not saved" in said(at)
    save(at)
    newest, first = list_policies(app.engine, ids.dataset)
    assert [(p.name, p.version, p.gamma, p.eta) for p in (first, newest)] == [
        ("strict", 1, "0.7", 0.8),
        ("strict", 2, "0.4", 0.8),
    ]
    at.button(key=f"policy_{first.id}").click().run()
    assert at.slider(key="tune_value").value == 0.7
    assert "strict v1" in said(at)
    assert not at.exception


def test_moved_thresholds_that_are_not_saved_do_not_count_elsewhere_and_that_is_said(app, ids):
    at = app.open("tune", dataset=ids.dataset)
    at.slider(key="tune_value").set_value(0.9).run()
    at.switch_page("../review.py").run()
    assert "gamma 0.500" in said(at)
    assert "is not saved and does not count here" in said(at)
    at.switch_page("../tune.py").run()
    assert at.slider(key="tune_value").value == 0.9


def test_without_candidates_the_eta_panel_says_what_to_do(app):
    ids = seed(app.engine, app.data_dir, corrected=False)
    at = app.open("tune", dataset=ids.dataset)
    assert "No candidates yet" in said(at)
    assert tiles(at)["Replaced"] == 0
    assert not at.exception


def test_without_scores_the_page_says_what_to_do(app):
    at = app.open("tune", dataset=app.dataset())
    assert "No scores yet" in said(at)
    assert not at.exception


def test_a_policy_of_another_dataset_is_refused_in_words(app, ids):
    at = app.open("tune", dataset=ids.dataset, policy=999)
    assert "no policy 999" in said(at)
    assert tiles(at)["Kept"] == 15


def test_rows_that_stopped_early_and_that_another_gamma_leaves_undecided_are_told(app):
    dataset_id = app.dataset()
    known = [("a", 0, 0.2, 0.1, 0.45), ("b", 1, 0.7, 0.55, 0.9), ("d", 3, 0.6, None, None)]
    results = [ConfidenceScore(key, row, at, lower=low, upper=high) for key, row, at, low, high in known]
    app.run(dataset_id, RunConfig("score", stop_early=True, gamma="0.5"), results=results)
    at = app.open("tune", dataset=dataset_id)
    at.slider(key="tune_value").set_value(0.5).run()
    assert "stopped early" not in said(at)
    at.slider(key="tune_value").set_value(0.6).run()
    assert not at.exception
    assert "Of 2 rows whose sampling stopped early, 1 might lie on the other side of this gamma" in said(at)
