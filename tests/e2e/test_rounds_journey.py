"""Columns instead of models, a policy, a training, a round and the next: through the screen, with real workers."""

import json
import re

import pytest
from playwright.sync_api import expect
from serving import serving

from clear_core.io import Source, detect, write_records
from clear_core.llm.stub import StubEndpoint
from clear_core.llm.stub_tuning import StubTuning
from clear_core.types import ConfidenceScore, ModelRef
from db.datasets import create_dataset, import_examples
from db.engine import open_engine, upgrade
from db.policies import save_policy
from db.records import RunConfig
from db.rounds import create_round, list_rounds
from db.runs import list_runs
from db.scores import import_scores
from db.uploads import store_file

pytestmark = pytest.mark.browser


def row(n):
    """Even rows are right and rated well; odd ones are wrong, rated badly, and have a better candidate."""
    right = n % 2 == 0
    return {
        "id": f"sum-{n}",
        "prompt": f"What is {n} plus {n}?",
        "response": str(2 * n) if right else "seven",
        "rating": 4.5 if right else 1.5,
        "drawn": [str(2 * n)] * 3 + ["none"],
        "better": str(2 * n),
        "how_sure": 0.2 if right else 0.95,
    }


@pytest.fixture
def dataset(server, tmp_path):
    engine = open_engine(f"sqlite:///{server.data_dir / 'review.db'}")
    upgrade(engine)
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(1, 41)))
    stored = store_file(server.data_dir / "uploads", path)
    source = Source(stored.path, path.name)
    found = detect(source)
    dataset_id = create_dataset(
        engine,
        name="sums",
        source=source,
        sha256=stored.sha256,
        detection=found,
        field_map=found.field_map,
        created_by="tester",
    )
    import_examples(engine, dataset_id)
    yield engine, dataset_id
    engine.dispose()


def done(page):
    expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=90_000)


def choose(visit, *radios):
    for name in radios:
        visit.page.get_by_role("radio", name=name, exact=True).first.click()
        visit.settle()


def type_in(visit, label, text):
    visit.page.get_by_label(label, exact=True).fill(text)
    visit.page.keyboard.press("Enter")
    visit.settle()


def score_by_rating(visit):
    """A rating becomes the confidence, on the scale that is given; the median of it is saved as a policy."""
    page = visit.page
    choose(visit, "The file itself", "A quality score")
    page.get_by_text("40 with a number").wait_for()
    type_in(visit, "Lowest possible", "1")
    type_in(visit, "Highest possible", "5")
    page.get_by_role("button", name="Score 40 rows").click()
    done(page)
    page.get_by_role("link", name="Tune the thresholds").click()
    visit.settle()
    expect(page.locator(".cr-tile-number").first).to_contain_text("20")
    page.get_by_role("button", name="Save as policy").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Review what it proposes").wait_for()


def register_what_was_trained_elsewhere(visit):
    """What the policy keeps is downloaded, and the model that learnt from it is named."""
    page = visit.page
    page.get_by_role("link", name="Train", exact=True).click()
    page.get_by_text("Learns from 20 rows: 20 kept, 0 replaced.").wait_for()
    choose(visit, "Elsewhere")
    with page.expect_download() as download:
        page.get_by_role("link", name="As OpenAI chat JSONL").click()
    assert len(download.value.path().read_text().splitlines()) == 20
    type_in(visit, "Address", "https://tuned.example.com/v1")
    type_in(visit, "Model name", "ours-1")
    page.get_by_role("button", name="Register this model").click()
    page.get_by_text("ours-1 at tuned.example.com").wait_for()
    assert "/rounds" in page.url


def correct_by_columns(visit):
    """Candidates and preferences are there already; the trained model, which is offered first, is left out."""
    page = visit.page
    for name in ("A trained model", "The file itself"):
        page.get_by_role("button", name=name).first.click()
        visit.settle()
    choose(visit, "The file itself")
    page.get_by_role("combobox", name=re.compile("Columns with candidates")).click()
    page.get_by_role("option", name="better").click()
    page.keyboard.press("Escape")
    visit.settle()
    page.get_by_role("button", name="Correct 20 rows").click()
    done(page)


def test_from_columns_to_a_policy_a_model_and_the_next_round(server, visit, dataset):
    engine, dataset_id = dataset
    page = visit.page
    visit.open(f"{server.url}/score?dataset={dataset_id}")
    score_by_rating(visit)
    register_what_was_trained_elsewhere(visit)
    (first,) = list_rounds(engine, dataset_id)
    assert first.registered == ModelRef("https://tuned.example.com/v1", "ours-1")
    visit.open(f"{server.url}/correct?dataset={dataset_id}")
    correct_by_columns(visit)
    visit.open(f"{server.url}/tune?dataset={dataset_id}")
    expect(page.locator(".cr-tile-number").nth(2)).to_contain_text("20")

    # The second round stands beside the first, and scores by samples beside those by the rating.
    visit.open(f"{server.url}/score?dataset={dataset_id}")
    choose(visit, "The file itself", "Its samples")
    page.get_by_role("button", name="Score 40 rows").click()
    page.get_by_text(re.compile("Run 3")).first.wait_for()
    done(page)
    visit.open(f"{server.url}/rounds?dataset={dataset_id}")
    page.get_by_role("button", name="Begin round 2").click()
    page.get_by_role("button", name="Begin it").click()
    expect(page.locator(".cr-rounds thead th")).to_have_count(3)
    expect(page.get_by_text("Rank correlation (Spearman)")).to_be_visible()
    assert [run.status for run in list_runs(engine, dataset_id)] == ["done"] * 3
    assert (visit.foreign, visit.dialogs) == ([], [])


@pytest.fixture
def policy(dataset, tmp_path):
    """A round whose policy keeps the well rated rows."""
    engine, dataset_id = dataset
    rated = [
        ConfidenceScore(f"sum-{n}", n - 1, 0.9 if n % 2 == 0 else 0.1, measure="column/rating") for n in range(1, 41)
    ]
    write_records(tmp_path / "scores.jsonl", rated)
    score = import_scores(engine, dataset_id, tmp_path / "scores.jsonl", RunConfig("score"), "tester")
    saved = save_policy(
        engine,
        dataset_id=dataset_id,
        name="ours",
        score_run_id=score,
        correct_run_id=None,
        gamma="median",
        gamma_value=0.9,
        eta=0.8,
        scope="low",
        created_by="tester",
    )
    create_round(engine, dataset_id, score_run_id=score, policy_id=saved.id)
    return saved


def test_a_model_tuned_at_an_endpoint_writes_the_next_candidates(server, visit, dataset, policy):
    engine, dataset_id = dataset
    page = visit.page
    stub = StubEndpoint({row(n)["prompt"]: str(2 * n) for n in range(1, 41)}, tuning=StubTuning(steps=4))
    with serving(stub) as base_url:
        visit.open(f"{server.url}/train?dataset={dataset_id}")
        page.get_by_text("Learns from 20 rows: 20 kept, 0 replaced.").wait_for()
        choose(visit, "OpenAI fine-tuning")
        type_in(visit, "Address", base_url)
        type_in(visit, "Model name", "small")
        choose(visit, "No key")
        page.get_by_role("button", name="Train on 20 rows").click()
        done(page)
        (uploaded,) = stub.tuning.files.values()
        assert len(uploaded["content"].splitlines()) == 20
        (round_,) = list_rounds(engine, dataset_id)
        assert round_.train_run_id == list_runs(engine, dataset_id, "train")[0].id

        page.get_by_role("link", name="Have it write candidates").click()
        page.get_by_text("Trained models").wait_for()
        choose(visit, "An endpoint")
        type_in(visit, "Address", base_url)
        type_in(visit, "Model name", "stub")
        choose(visit, "No key")
        page.get_by_role("button", name=re.compile("Correct 20 rows")).click()
        done(page)
    (run,) = list_runs(engine, dataset_id, "correct")
    (source,) = run.config.candidates
    assert source.model == list_runs(engine, dataset_id, "train")[0].trained
    assert (run.config.model, run.config.weak_candidates, run.done) == ("stub", False, 20)
