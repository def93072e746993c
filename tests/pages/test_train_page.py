"""Train: what is learnt, the three ways to train, and a training as it goes."""

import json

import pytest
from page_kit import said
from reviewable import seed
from sqlalchemy import text

from clear_core.train.settings import TrainSettings
from clear_core.types import Decision, ModelRef
from db.policies import save_policy
from db.records import RunConfig
from db.reviews import append_decision
from db.rounds import create_round, list_rounds
from db.runs import get_run, list_runs


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr("pages.parts.shell.start_worker", lambda run_id, **given: calls.append((run_id, given)))
    return calls


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr("pages.parts.training.find_spec", str)


@pytest.fixture
def ids(app):
    return seed(app.engine, app.data_dir)


@pytest.fixture
def policy(app, ids):
    """At its gamma 15 of 30 rows are kept, 4 replaced, 10 dropped, and one is unscored."""
    return save_policy(
        app.engine,
        dataset_id=ids.dataset,
        name="ours",
        score_run_id=ids.score,
        correct_run_id=ids.correct,
        gamma="median",
        gamma_value=0.5,
        eta=0.8,
        scope="low",
        created_by="tester",
    )


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception


def told(app, run_id, **recipe):
    """What a worker has written down of a training."""
    with app.engine.begin() as connection:
        connection.execute(
            text("update run set recipe = :told, done = 30, total = 120 where id = :id"),
            {"told": json.dumps(recipe), "id": run_id},
        )


def test_without_a_policy_every_row_is_learnt_and_that_is_said(app, started):
    dataset_id = app.dataset()
    at = app.open("train", dataset=dataset_id)
    assert "No thresholds are saved as a policy yet" in said(at)
    assert "Learns from all 3 rows, as they came." in said(at)
    press(at, "Train on 3 rows")
    (run,) = list_runs(app.engine, dataset_id, "train")
    assert run.config == RunConfig("train", train=TrainSettings())
    assert started[0] == (run.id, started[0][1])
    assert at.query_params["training"] == str(run.id)


def test_what_a_policy_keeps_is_learnt_with_what_people_decided(app, ids, policy, started):
    decision = Decision("u1", "mail-001", 1, "reject", "keep", "ada", "2030-01-01T00:00:00Z")
    append_decision(app.engine, ids.dataset, decision, policy_id=policy.id)
    at = app.open("train", dataset=ids.dataset)
    assert "Learns from 20 rows: 16 kept, 4 replaced. 9 dropped and 1 unscored are left out." in said(at)
    at.number_input(key="lora_epochs").set_value(2).run()
    at.number_input(key="lora_longest").set_value(256).run()
    at.number_input(key="train_rows_20").set_value(10).run()
    press(at, "Train on 10 rows")
    config = list_runs(app.engine, ids.dataset, "train")[0].config
    assert (config.policy_id, config.limit) == (policy.id, 10)
    assert config.train == TrainSettings(epochs=2, max_tokens=256)


def test_the_round_with_this_policy_gets_the_training(app, ids, policy, started):
    create_round(app.engine, ids.dataset, score_run_id=ids.score)
    create_round(app.engine, ids.dataset, score_run_id=ids.score, policy_id=policy.id)
    at = app.open("train", dataset=ids.dataset)
    press(at, "Train on 19 rows")
    first, second = list_rounds(app.engine, ids.dataset)
    assert (first.train_run_id, second.train_run_id) == (None, started[0][0])


def test_another_checkpoint_is_named_before_it_is_trained(app, started):
    dataset_id = app.dataset()
    at = app.open("train", dataset=dataset_id)
    at.segmented_control(key="lora_start").set_value("Another checkpoint").run()
    assert "Name the checkpoint to start from." in said(at)
    at.text_input(key="lora_base").set_value("some/model").run()
    press(at, "Train on 3 rows")
    assert list_runs(app.engine, dataset_id, "train")[0].config.train == TrainSettings(base="some/model")


def test_without_its_extra_nothing_is_trained_here(app, monkeypatch):
    monkeypatch.setattr("pages.parts.training.find_spec", lambda _: None)
    at = app.open("train", dataset=app.dataset())
    assert "needs the extra [train]" in said(at)
    assert not any(button.label.startswith("Train on") for button in at.button)


def test_an_endpoint_trains_with_its_key_and_that_it_is_billed_is_said(app, ids, policy, started):
    at = app.open("train", dataset=ids.dataset)
    at.segmented_control(key="train_way").set_value("OpenAI fine-tuning").run()
    assert "uploaded to this endpoint and its training is billed there" in said(at)
    at.text_input(key="tuning_url").set_value("http://127.0.0.1:9/v1/").run()
    assert "Fill in the endpoint" in said(at)
    at.text_input(key="tuning_model").set_value("small").run()
    at.text_input(key="tuning_key:http://127.0.0.1:9/v1").set_value("sk-tune").run()
    at.text_input(key="tuning_suffix").set_value("clear").run()
    press(at, "Train on 19 rows")
    config = list_runs(app.engine, ids.dataset, "train")[0].config
    assert config.train == TrainSettings("openai", "small", "http://127.0.0.1:9/v1", suffix="clear")
    assert started[0][1]["keys"] == {"http://127.0.0.1:9/v1": "sk-tune"}


def test_a_model_trained_elsewhere_is_registered_and_begins_a_round(app, ids, policy):
    at = app.open("train", dataset=ids.dataset)
    at.segmented_control(key="train_way").set_value("Elsewhere").run()
    assert "As OpenAI chat JSONL" in said(at)
    assert "An export also holds the 1 row that nobody scored" in said(at)
    assert "This begins a round with this policy." not in said(at)
    at.text_input(key="registered_url").set_value("https://tuned.example.com/v1").run()
    at.text_input(key="registered_model").set_value("ours-1").run()
    assert "This begins a round with this policy." in said(at)
    press(at, "Register this model")
    (begun,) = list_rounds(app.engine, ids.dataset)
    assert (begun.policy_id, begun.score_run_id) == (policy.id, ids.score)
    assert begun.registered == ModelRef("https://tuned.example.com/v1", "ours-1")
    assert at.title[0].value == "Rounds"
    assert "ours-1 at tuned.example.com" in said(at)


def test_a_training_shows_its_loss_and_is_paused_and_cancelled(app, ids, policy):
    run_id = app.run(ids.dataset, RunConfig("train", train=TrainSettings(), policy_id=policy.id), "running")
    losses = [[1, 2.5], [30, 0.75], "no point"]
    told(app, run_id, losses=losses, examples=20, fates={"keep": 15, "replace": 4, "drop": 10, "unscored": 1})
    at = app.open("train", dataset=ids.dataset)
    words = said(at)
    assert not at.exception
    assert at.progress[0].text == "30 of 120 steps"
    assert "2.500 → 0.750" in words
    assert "15 kept, 10 dropped, 4 replaced, 1 unscored" in words
    assert len(at.get("plotly_chart")) == 1
    assert not any(button.label.startswith("Train on") for button in at.button)
    at.button(key=f"pause_{run_id}").click().run()
    assert get_run(app.engine, run_id).pending_request == "pause"
    at.button(key=f"cancel_{run_id}").click().run()
    assert get_run(app.engine, run_id).pending_request == "cancel"


def test_a_stopped_training_goes_on_and_what_its_endpoint_says_is_only_text(app, ids, started):
    tuning = TrainSettings("openai", "small", "http://127.0.0.1:9/v1")
    run_id = app.run(
        ids.dataset, RunConfig("train", train=tuning), "failed", message="The job failed: <b>bad</b> file."
    )
    told(app, run_id, told="<script>step</script> 3")
    at = app.open("train", dataset=ids.dataset)
    assert "&lt;script&gt;step" in said(at)
    assert "The job failed: &lt;b&gt;bad" in said(at)
    at.segmented_control(key=f"resume_{run_id}_how:{tuning.base_url}").set_value("No key").run()
    press(at, "Resume")
    assert started[0][0] == run_id


def test_a_finished_training_leads_to_candidates(app, ids, policy):
    run_id = app.run(ids.dataset, RunConfig("train", train=TrainSettings(), policy_id=policy.id))
    told(app, run_id, trained={"base_url": "", "model": "", "adapter": "/models/run-7"}, examples=20, losses=[])
    at = app.open("train", dataset=ids.dataset)
    assert "embedded model, trained (run-7)" in said(at)
    assert [link.value for link in at.page_link] == ["Have it write candidates", "See the rounds"]
    at = app.open("correct", dataset=ids.dataset)
    assert "A trained model" in at.pills(key="writers").options
