import pytest
from page_kit import said, scores

from clear_core.types import CandidateSource, ConfidenceScore, ModelRef, Preference
from db.policies import save_policy
from db.records import RunConfig
from db.rounds import create_round, register_model
from db.runs import list_runs, request_cancel


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


def choose_writers(at, *kinds):
    at.pills(key="writers").set_value(list(kinds)).run()


def test_a_fine_tuned_model_is_named_with_its_endpoint_and_key(app, scored, started):
    at = app.open("correct", dataset=scored[0])
    choose_writers(at, "An endpoint")
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


def test_several_sources_write_and_another_model_judges(app, scored, started):
    at = app.open("correct", dataset=scored[0])
    choose_writers(at, "The embedded model", "An endpoint", "The file itself")
    at.text_input(key="candidate_url").set_value("http://127.0.0.1:9/v1").run()
    at.text_input(key="candidate_model").set_value("first, second").run()
    next(element for element in at.button if element.label == "Another endpoint").click().run()
    at.text_input(key="candidate1_url").set_value("http://127.0.0.1:8/v1").run()
    at.text_input(key="candidate1_model").set_value("third").run()
    at.multiselect(key="candidate_columns").set_value(["topic"]).run()
    at.segmented_control(key="judge_kind").set_value("An endpoint").run()
    at.text_input(key="judge_url").set_value("http://127.0.0.1:7/v1").run()
    at.text_input(key="judge_model").set_value("wise").run()
    at.number_input(key="judge_samples").set_value(3).run()
    assert "the one with the best verdict is proposed" in said(at)
    next(element for element in at.button if element.label == "Correct 1 row").click().run()
    assert not at.exception
    config = list_runs(app.engine, scored[0], "correct")[0].config
    assert config.candidates == (
        CandidateSource(ModelRef()),
        CandidateSource(ModelRef("http://127.0.0.1:9/v1", "first")),
        CandidateSource(ModelRef("http://127.0.0.1:9/v1", "second")),
        CandidateSource(ModelRef("http://127.0.0.1:8/v1", "third")),
        CandidateSource(column="topic"),
    )
    assert (config.base_url, config.model, config.samples) == ("http://127.0.0.1:7/v1", "wise", 3)
    # Four models write, five candidates are judged in two orders: a verdict, 3 samples and the reflections.
    assert config.max_calls == 2 * (4 + 5 * 2 * (1 + 3 + 2))
    request_cancel(app.engine, started[0][0])
    at = app.open("correct", dataset=scored[0])
    assert at.pills(key="writers").value == ["The embedded model", "An endpoint", "The file itself"]
    assert at.text_input(key="candidate_model").value == "first, second"
    assert at.text_input(key="candidate1_model").value == "third"


STORED = [
    {"prompt": f"Name a town, number {n}.", "response": "Lyon", "better": "Paris", "how_sure": n / 4, "who": "1 2"}
    for n in range(4)
]


def test_stored_preferences_judge_stored_candidates_and_no_model_is_asked(app, started):
    dataset_id = app.dataset(STORED, name="stored")
    results = [ConfidenceScore(f"row-{n}", n, n / 4) for n in range(4)]
    app.run(dataset_id, RunConfig("score"), results=results)
    at = app.open("correct", dataset=dataset_id)
    at.segmented_control(key="judge_kind").set_value("The file itself").run()
    assert "choose the one column that holds them" in said(at)
    choose_writers(at, "The file itself")
    at.multiselect(key="candidate_columns").set_value(["better"]).run()
    at.text_input(key="candidate_label").set_value("a person").run()
    at.selectbox(key="verdict_column_Preferences").set_value("how_sure").run()
    assert "4 with a number, from 0 to 0.75 (0, 0.25, 0.5, 0.75)" in said(at)
    next(element for element in at.button if element.label == "Correct 2 rows").click().run()
    config = list_runs(app.engine, dataset_id, "correct")[0].config
    assert config.candidates == (CandidateSource(column="better", label="a person"),)
    assert (config.preference_field, config.asked, config.max_calls) == ("how_sure", None, None)
    assert not config.weak_candidates


def test_a_trained_model_is_offered_first(app, scored, started):
    dataset_id, run_id = scored
    round_ = create_round(app.engine, dataset_id, score_run_id=run_id, name="first <b>")
    tuned = ModelRef("http://127.0.0.1:9/v1", "ours-tuned")
    register_model(app.engine, round_.id, tuned)
    at = app.open("correct", dataset=dataset_id)
    assert at.pills(key="writers").value == ["A trained model"]
    at.text_input(key="trained_key:http://127.0.0.1:9/v1").set_value("sk-tuned").run()
    next(element for element in at.button if element.label == "Correct 1 row").click().run()
    assert not at.exception
    assert list_runs(app.engine, dataset_id, "correct")[0].config.candidates == (CandidateSource(tuned),)
    assert started[0][1]["keys"] == {tuned.base_url: "sk-tuned"}


def test_scope_and_gamma_decide_which_rows(app, scored):
    at = app.open("correct", dataset=scored[0])
    at.text_input(key="gamma").set_value("0.95").run()
    assert "3 rows would get a candidate." in said(at)
    at.text_input(key="gamma").set_value("a lot").run()
    assert "Give median, share:S or a number" in said(at)
    assert not any(element.label.startswith("Correct ") for element in at.button)
    at.segmented_control(key="scope").set_value("All scored rows").run()
    assert "3 rows would get a candidate." in said(at)


def test_the_policy_at_hand_says_which_rows_are_low(app, scored):
    dataset_id, run_id = scored
    app.run(dataset_id, RunConfig("score"), results=scores(0.1, 0.1, 0.1))
    policy = save_policy(
        app.engine,
        dataset_id=dataset_id,
        name="strict",
        score_run_id=run_id,
        correct_run_id=None,
        gamma="0.6",
        gamma_value=0.6,
        eta=0.8,
        scope="low",
        created_by="tester",
    )
    at = app.open("correct", dataset=dataset_id, policy=policy.id)
    assert at.text_input(key=f"gamma_{policy.id}").value == "0.6"
    assert next(field for field in at.selectbox if field.label == "Scores").value == run_id
    assert "2 rows would get a candidate." in said(at)


def test_a_finished_run_leads_on_and_names_its_writer(app, scored):
    dataset_id, run_id = scored
    config = RunConfig("correct", score_run_id=run_id, weak_candidates=True)
    preference = Preference("a", 0, "four", 0.9, "candidate", measure="likelihood comparison")
    app.run(dataset_id, config, results=[preference])
    at = app.open("correct", dataset=dataset_id)
    assert not at.exception
    assert "the base model, the weaker variant" in said(at)
    assert at.page_link[0].value == "Tune the thresholds"
