import pytest
from page_kit import said, scores

from clear_core.types import CandidateSource, ModelRef, Preference
from db.records import RunConfig
from db.runs import list_runs


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr("pages.parts.shell.start_worker", lambda run_id, **given: calls.append((run_id, given)))
    return calls


@pytest.fixture
def scored(app):
    """A dataset whose three rows are scored; its id and the run's."""
    dataset_id = app.dataset()
    return dataset_id, app.run(dataset_id, RunConfig("score"), results=scores(0.2, 0.5, 0.9))


def test_without_scores_the_page_says_what_comes_first(app):
    at = app.open("correct", dataset=app.dataset())
    assert not at.exception
    assert "Nothing is scored yet" in said(at)


def test_the_base_model_is_labelled_as_the_weaker_variant(app, scored, started):
    dataset_id, run_id = scored
    at = app.open("correct", dataset=dataset_id)
    assert not at.exception
    assert "**The weaker variant.**" in said(at)
    assert "1 row would get a candidate." in said(at)
    next(element for element in at.button if element.label == "Correct 1 row").click().run()
    config = list_runs(app.engine, dataset_id, "correct")[0].config
    assert config.weak_candidates
    assert (config.score_run_id, config.gamma, config.scope) == (run_id, "median", "low")
    assert at.query_params["correct"] == str(started[0][0])


def test_a_fine_tuned_model_is_named_with_its_endpoint_and_key(app, scored, started):
    at = app.open("correct", dataset=scored[0])
    at.segmented_control(key="writer").set_value("A fine-tuned model").run()
    assert "Fill in the endpoint" in said(at)
    at.text_input(key="candidate_url").set_value("http://127.0.0.1:9/v1").run()
    at.text_input(key="candidate_model").set_value("ours-tuned").run()
    at.text_input(key="candidate_key:http://127.0.0.1:9/v1").set_value("sk-tuned").run()
    cap = next(field for field in at.number_input if field.label == "Hard cap on paid calls")
    assert cap.value == 2 * 5  # a candidate, and the embedded judge's two gains of two calls
    next(element for element in at.button if element.label == "Correct 1 row").click().run()
    config = list_runs(app.engine, scored[0], "correct")[0].config
    assert config.max_calls == 10
    assert config.candidates == (CandidateSource(ModelRef("http://127.0.0.1:9/v1", "ours-tuned")),)
    assert not config.weak_candidates
    assert started[0][1]["keys"] == {"http://127.0.0.1:9/v1": "sk-tuned"}


def test_scope_and_gamma_decide_which_rows(app, scored):
    at = app.open("correct", dataset=scored[0])
    at.text_input(key="gamma").set_value("0.95").run()
    assert "3 rows would get a candidate." in said(at)
    at.text_input(key="gamma").set_value("a lot").run()
    assert "Give median, share:S or a number" in said(at)
    assert not any(element.label.startswith("Correct ") for element in at.button)
    at.segmented_control(key="scope").set_value("All scored rows").run()
    assert "3 rows would get a candidate." in said(at)


def test_a_finished_run_leads_on_and_names_its_writer(app, scored):
    dataset_id, run_id = scored
    config = RunConfig("correct", score_run_id=run_id, weak_candidates=True)
    preference = Preference("a", 0, "four", 0.9, "candidate", measure="likelihood comparison")
    app.run(dataset_id, config, results=[preference])
    at = app.open("correct", dataset=dataset_id)
    assert not at.exception
    assert "the base model, the weaker variant" in said(at)
    assert at.page_link[0].value == "Tune the thresholds"
