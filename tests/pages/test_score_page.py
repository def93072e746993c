import pytest
from page_kit import ROWS, said, scores

from db.records import RunConfig
from db.runs import get_run, list_runs

MANY = [{"id": f"r{n}", "prompt": f"What is {n} plus {n}?", "response": str(2 * n)} for n in range(40)]
ENDPOINT = RunConfig("score", base_url="https://api.example.com/v1", model="some-model")
KEY = "sk-canary-91b7"
CAP = "Hard cap on paid calls"


@pytest.fixture
def started(monkeypatch):
    """Workers that would have been started, with what they were given."""
    calls = []
    monkeypatch.setattr("pages.parts.shell.start_worker", lambda run_id, **given: calls.append((run_id, given)))
    return calls


def button(at, label):
    return next(button for button in at.button if button.label == label)


def test_without_a_dataset_the_page_says_what_comes_first(app):
    at = app.open("score")
    assert not at.exception
    assert "No dataset yet" in said(at)
    assert at.page_link[0].value == "Go to Datasets"


def test_the_embedded_model_is_the_default_and_its_limits_are_said(app):
    at = app.open("score", dataset=app.dataset())
    text = said(at)
    assert not at.exception
    assert "no key, no network" in text
    assert "don't let it decide alone" in text
    assert not at.text_input(key="reviewer").disabled
    assert not any(field.label == "Address" for field in at.text_input)


def test_a_small_dataset_is_scored_without_a_trial(app, started):
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    button(at, "Score 3 rows").click().run()
    run = list_runs(app.engine, dataset_id)[0]
    assert not at.exception
    assert (run.config.base_url, run.config.samples, run.config.trial) == ("", 5, False)
    assert [run_id for run_id, _ in started] == [run.id]
    assert at.query_params["run"] == str(run.id)


def field(at, label):
    return next(field for field in at.number_input if field.label == label)


def choose_endpoint(at, model="some-model", url=ENDPOINT.base_url):
    at.segmented_control(key="score_kind").set_value("An endpoint").run()
    at.text_input(key="score_url").set_value(url).run()
    at.text_input(key="score_model").set_value(model).run()


def test_what_costs_nothing_starts_with_one_click(app, started):
    dataset_id = app.dataset(MANY)
    at = app.open("score", dataset=dataset_id)
    assert "Nothing is paid" in said(at)
    assert not any(each.label == CAP for each in at.number_input)
    button(at, "Score 40 rows").click().run()
    assert list_runs(app.engine, dataset_id)[0].config == RunConfig("score")
    assert len(started) == 1


def test_what_costs_nothing_can_be_tried_first(app, started):
    dataset_id = app.dataset(MANY)
    at = app.open("score", dataset=dataset_id)
    button(at, "Try 20 rows").click().run()
    assert list_runs(app.engine, dataset_id)[0].config == RunConfig("score", limit=20, trial=True)


def test_a_paid_trial_has_a_cap_that_can_be_changed(app, started):
    dataset_id = app.dataset(MANY)
    at = app.open("score", dataset=dataset_id)
    choose_endpoint(at)
    assert not any(element.label.startswith("Score ") for element in at.button)
    assert "20 rows take 60 to 140 calls: the fewest where the endpoint gives all samples in one request." in said(at)
    assert field(at, CAP).value == 280
    at.number_input(key="samples_False").set_value(3).run()
    assert field(at, CAP).value == 200
    field(at, CAP).set_value(150).run()
    button(at, "Try 20 rows").click().run()
    config = list_runs(app.engine, dataset_id)[0].config
    assert (config.max_calls, config.limit, config.trial) == (150, 20, True)


def test_a_few_paid_rows_have_a_cap_too(app, started):
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    choose_endpoint(at)
    button(at, "Score 3 rows").click().run()
    config = list_runs(app.engine, dataset_id)[0].config
    assert (config.max_calls, config.limit, config.trial) == (3 * 7 * 2, None, False)


def test_a_trial_comes_first_then_the_estimate_and_the_cap(app, started):
    other = app.dataset(MANY, name="other")
    trial = RunConfig("score", base_url=ENDPOINT.base_url, model=ENDPOINT.model, limit=20, trial=True)
    app.run(other, trial, results=scores(0.5, 0.6), calls_paid=16, tokens_in=800, tokens_out=160)
    at = app.open("score", dataset=other)
    assert "What it will take, judging by 2 rows" in said(at)
    assert "give prices to see" in said(at)
    at.number_input(key="price_in").set_value(1000.0).run()
    at.number_input(key="price_out").set_value(10_000.0).run()
    assert "$" in said(at)
    cap = field(at, CAP)
    assert cap.value >= 38 * 8
    cap.set_value(111).run()
    button(at, "Score 40 rows").click().run()
    run = list_runs(app.engine, other)[0]
    assert (run.config.max_calls, run.config.limit, run.config.trial) == (111, None, False)


def test_a_trial_with_other_settings_does_not_count(app):
    dataset_id = app.dataset(MANY)
    app.run(dataset_id, RunConfig("score", samples=2, limit=20, trial=True), results=scores(0.5), calls_paid=4)
    at = app.open("score", dataset=dataset_id)
    assert any(element.label == "Score 40 rows" for element in at.button)
    assert "What it will take" in said(at)
    at.number_input(key="samples_True").set_value(7).run()
    assert "What it will take" not in said(at)
    assert any(element.label == "Try 20 rows" for element in at.button)


def test_a_typed_key_reaches_the_worker_and_nothing_else(app, started):
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    at.segmented_control(key="score_kind").set_value("An endpoint").run()
    assert "Fill in the endpoint" in said(at)
    at.text_input(key="score_url").set_value("https://api.example.com/v1").run()
    at.text_input(key="score_model").set_value("some-model").run()
    at.text_input(key="score_key:https://api.example.com/v1").set_value(KEY).run()
    button(at, "Score 3 rows").click().run()
    assert not at.exception
    assert started[0][1]["keys"] == {ENDPOINT.base_url: KEY}
    app.engine.dispose()
    stored = b"".join(path.read_bytes() for path in app.data_dir.rglob("*") if path.is_file())
    assert KEY.encode() not in stored
    assert KEY not in str(dict(at.query_params))


def test_the_key_of_the_environment_goes_only_where_the_environment_says(app, started, monkeypatch):
    monkeypatch.setenv("CLEAR_API_KEY", KEY)
    monkeypatch.setenv("CLEAR_BASE_URL", "https://ours.example.com/v1")
    monkeypatch.setenv("CLEAR_MODEL", "ours")
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    button(at, "Score 3 rows").click().run()
    assert started[-1][1]["keys"] == {"https://ours.example.com/v1": KEY}
    at = app.open("score", dataset=app.dataset(ROWS[:2], name="second"))
    at.text_input(key="score_url").set_value("https://elsewhere.example.com/v1").run()
    button(at, "Score 2 rows").click().run()
    assert started[-1][1]["keys"] == {"https://elsewhere.example.com/v1": ""}


def test_a_slash_at_the_end_makes_no_other_endpoint(app, started, monkeypatch):
    monkeypatch.setenv("CLEAR_API_KEY", KEY)
    monkeypatch.setenv("CLEAR_BASE_URL", "https://ours.example.com/v1/")
    monkeypatch.setenv("CLEAR_MODEL", "ours")
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    at.text_input(key="score_url").set_value("https://ours.example.com/v1").run()
    button(at, "Score 3 rows").click().run()
    assert started[-1][1]["keys"] == {"https://ours.example.com/v1": KEY}
    assert list_runs(app.engine, dataset_id)[0].config.base_url == "https://ours.example.com/v1"


def test_a_typed_key_is_found_again_where_an_older_run_wrote_the_address_with_a_slash(app, started):
    dataset_id = app.dataset()
    config = RunConfig("score", base_url=f"{ENDPOINT.base_url}/", model="some-model")
    run_id = app.run(dataset_id, config, "paused", results=scores(0.4))
    at = app.open("score", dataset=dataset_id, run=run_id)
    at.text_input(key=f"resume_{run_id}_key:{ENDPOINT.base_url}").set_value(KEY).run()
    button(at, "Resume").click().run()
    assert started[-1][1]["keys"] == {config.base_url: KEY}


def test_an_address_with_a_key_in_it_is_refused_without_repeating_it(app, started):
    at = app.open("score", dataset=app.dataset())
    at.segmented_control(key="score_kind").set_value("An endpoint").run()
    at.text_input(key="score_url").set_value(f"https://user:{KEY}@api.example.com/v1").run()
    at.text_input(key="score_model").set_value("some-model").run()
    button(at, "Score 3 rows").click().run()
    assert "user name or password" in said(at)
    assert KEY not in said(at)
    assert started == []


def test_a_running_run_is_shown_live_and_can_be_paused_and_cancelled(app):
    dataset_id = app.dataset()
    config = RunConfig("score", base_url="https://api.example.com/v1", model="some-model", max_calls=50)
    run_id = app.run(dataset_id, config, "running", results=scores(0.4, None), calls_paid=9, rate_per_s=0.5)
    at = app.open("score", dataset=dataset_id)
    text = said(at)
    assert not at.exception
    assert "Running" in text
    assert at.progress[0].text == "2 of 3 rows · one in 2 s"
    assert "9 of 50" in text
    assert "the endpoint did not answer in time" in text
    assert "New run" not in text
    at.button(key=f"pause_{run_id}").click().run()
    assert get_run(app.engine, run_id).pending_request == "pause"
    at.button(key=f"cancel_{run_id}").click().run()
    assert get_run(app.engine, run_id).pending_request == "cancel"


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        ("paused", "", "This run is paused."),
        ("paused", "The endpoint is out of reach.", "The endpoint is out of reach."),
        ("interrupted", "", "worker is gone"),
        ("failed", "The endpoint refused the key.", "The endpoint refused the key."),
    ],
)
def test_a_stopped_run_says_why_and_resumes_with_the_key_given_again(app, started, status, message, words):
    dataset_id = app.dataset()
    run_id = app.run(dataset_id, ENDPOINT, status, results=scores(0.4), message=message)
    at = app.open("score", dataset=dataset_id, run=run_id)
    assert words in said(at)
    assert "was not stored" in said(at)
    at.text_input(key=f"resume_{run_id}_key:{ENDPOINT.base_url}").set_value(KEY).run()
    button(at, "Resume").click().run()
    assert not at.exception
    assert started == [(run_id, {"url": started[0][1]["url"], "keys": {ENDPOINT.base_url: KEY}})]
    assert get_run(app.engine, run_id).status == "queued"


def test_a_capped_run_goes_on_under_a_larger_cap(app, started):
    dataset_id = app.dataset()
    config = RunConfig("score", base_url=ENDPOINT.base_url, model="m", max_calls=12)
    run_id = app.run(dataset_id, config, "capped", results=scores(0.4), calls_paid=12)
    at = app.open("score", dataset=dataset_id)
    next(field for field in at.number_input if field.label == "New cap on paid calls").set_value(99).run()
    button(at, "Resume").click().run()
    assert get_run(app.engine, run_id).config.max_calls == 99


def test_failed_rows_are_listed_and_tried_again(app, started):
    dataset_id = app.dataset()
    run_id = app.run(dataset_id, RunConfig("score"), results=scores(0.4, None, None))
    at = app.open("score", dataset=dataset_id)
    assert at.page_link[0].value == "Tune the thresholds"
    at.toggle(key=f"failed_{run_id}").set_value(True).run()
    text = said(at)
    assert "Rows of rows with a problem" in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    button(at, "Try the 2 rows with a problem again").click().run()
    assert [called for called, _ in started] == [run_id]


def test_a_run_of_another_dataset_in_the_address_is_not_shown(app):
    other = app.run(app.dataset(name="one"), RunConfig("score"), results=scores(0.4))
    at = app.open("score", dataset=app.dataset(name="two"), run=other)
    assert not at.exception
    assert f"Run {other}" not in said(at)


RATED = [
    {"prompt": f"What is {n}?", "response": str(n), "rating": rating, "drawn": [str(n), "x"], "sure": "A", "note": "n"}
    for n, rating in enumerate([1, 5, 3.5, 4])
]


def choose_file(app, dataset_id, what):
    at = app.open("score", dataset=dataset_id)
    at.segmented_control(key="score_kind").set_value("The file itself").run()
    at.segmented_control(key="stored_kind").set_value(what).run()
    return at


def test_a_file_without_further_columns_says_so(app):
    rows = [{"prompt": f"What is {n}?", "response": str(n)} for n in range(3)]
    at = app.open("score", dataset=app.dataset(rows, name="plain"))
    at.segmented_control(key="score_kind").set_value("The file itself").run()
    assert "no columns beside prompt and response" in said(at)
    assert not any(element.label.startswith("Score ") for element in at.button)


def test_stored_samples_are_scored_without_a_model_or_a_trial(app, started):
    dataset_id = app.dataset(RATED, name="rated")
    at = choose_file(app, dataset_id, "Its samples")
    assert at.selectbox(key="samples_field").value == "drawn"
    assert "Of the first 4 rows, 4 with a list of 2 texts." in said(at)
    at.selectbox(key="reflection_field").set_value("sure").run()
    at.selectbox(key="stored_similarity").set_value("token_f1").run()
    button(at, "Score 4 rows").click().run()
    assert not at.exception
    config = list_runs(app.engine, dataset_id)[0].config
    assert config == RunConfig(
        "score", samples_field="drawn", reflection_field="sure", samples=0, similarity="token_f1"
    )
    assert (config.asked, started[0][1]["keys"]) == (None, {})


def test_a_column_without_lists_is_no_column_of_samples(app):
    at = choose_file(app, app.dataset(RATED, name="rated"), "Its samples")
    at.selectbox(key="samples_field").set_value("note").run()
    assert "That column holds no list of texts." in said(at)
    assert not any(element.label.startswith("Score ") for element in at.button)


def test_a_rating_needs_its_scale_and_shows_what_was_found(app, started):
    dataset_id = app.dataset(RATED, name="rated")
    at = choose_file(app, dataset_id, "A quality score")
    assert at.selectbox(key="score_field").value == "rating"
    assert "4 with a number, from 1 to 5 (1, 5, 3.5, 4)" in said(at)
    assert at.segmented_control(key="scale_rating").value == "A scale"
    at.segmented_control(key="scale_rating").set_value("0 to 1, as it is").run()
    assert "The numbers go from 1 to 5: give their scale, or take their rank." in said(at)
    at.segmented_control(key="scale_rating").set_value("A scale").run()
    at.number_input(key="scale_high_rating").set_value(10.0).run()
    assert "1 becomes confidence 0, 10 becomes 1" in said(at)
    at.text_input(key="scorer_Given by").set_value("AlpaGasus").run()
    button(at, "Score 4 rows").click().run()
    assert not at.exception
    assert list_runs(app.engine, dataset_id)[0].config == RunConfig(
        "score", score_field="rating", scale="1:10", scorer="AlpaGasus"
    )


def test_a_score_can_be_taken_by_rank_with_the_lowest_best(app, started):
    dataset_id = app.dataset(RATED, name="rated")
    at = choose_file(app, dataset_id, "A quality score")
    at.segmented_control(key="scale_rating").set_value("By rank").run()
    at.toggle(key="lower_is_better_rating").set_value(True).run()
    assert "the share of rows with a higher number" in said(at)
    button(at, "Score 4 rows").click().run()
    config = list_runs(app.engine, dataset_id)[0].config
    assert (config.scale, config.lower_is_better) == ("rank", True)


def test_an_endpoint_can_stop_early_at_a_gamma_that_a_pilot_fixes(app, started):
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    choose_endpoint(at)
    at.toggle(key="stop_early").set_value(True).run()
    assert "A pilot of 150 rows, drawn by chance, is scored in full" in said(at)
    at.number_input(key="pilot").set_value(100).run()
    at.text_input(key="early_gamma").set_value("a lot").run()
    assert "Give median, share:S or a number" in said(at)
    at.text_input(key="early_gamma").set_value("share:0.6").run()
    at.checkbox(key="letter_probabilities").set_value(False).run()
    at.checkbox(key="together").set_value(False).run()
    button(at, "Score 3 rows").click().run()
    config = list_runs(app.engine, dataset_id)[0].config
    assert (config.stop_early, config.gamma, config.pilot) == (True, "share:0.6", 100)
    assert (config.letter_probabilities, config.together) == (False, False)


def test_a_trial_counts_for_a_run_that_stops_early(app, started):
    dataset_id = app.dataset(MANY)
    trial = RunConfig("score", base_url=ENDPOINT.base_url, model=ENDPOINT.model, limit=20, trial=True)
    app.run(dataset_id, trial, results=scores(0.5, 0.6), calls_paid=16, tokens_in=800, tokens_out=160)
    at = app.open("score", dataset=dataset_id)
    full = field(at, CAP).value
    at.toggle(key="stop_early").set_value(True).run()
    assert "What it will take, judging by 2 rows" in said(at)
    assert "Stopping early saves tokens that are not counted here" in said(at)
    assert field(at, CAP).value >= max(full, 38 * 7)  # in waves, each sample by itself at worst


def test_the_embedded_model_has_no_early_stop_and_can_t_compare_by_itself(app):
    at = app.open("score", dataset=app.dataset())
    assert not any(toggle.key == "stop_early" for toggle in at.toggle)
    assert "the model itself (yes or no)" not in at.selectbox(key="similarity").options


def test_an_nli_model_is_named_before_it_can_compare(app, started, monkeypatch):
    monkeypatch.setattr("pages.parts.agreement.has_nli", lambda: True)
    dataset_id = app.dataset()
    at = app.open("score", dataset=dataset_id)
    at.selectbox(key="similarity").set_value("nli").run()
    assert "Name the NLI model." in said(at)
    assert not any(element.label.startswith("Score ") for element in at.button)
    at.text_input(key="nli").set_value("some/mnli-model").run()
    at.checkbox(key="with_question").set_value(True).run()
    at.selectbox(key="labels").set_value("These labels").run()
    at.text_input(key="label_list").set_value("yes, no , yes").run()
    button(at, "Score 3 rows").click().run()
    config = list_runs(app.engine, dataset_id)[0].config
    assert (config.similarity, config.nli, config.with_question) == ("nli", "some/mnli-model", True)
    assert config.labels == ("yes", "no")


def test_without_its_extra_an_nli_model_is_not_offered_to_run(app, monkeypatch):
    monkeypatch.setattr("pages.parts.agreement.has_nli", lambda: False)
    at = app.open("score", dataset=app.dataset())
    at.selectbox(key="similarity").set_value("nli").run()
    assert "needs the extra [nli]" in said(at)
    assert not any(element.label.startswith("Score ") for element in at.button)
