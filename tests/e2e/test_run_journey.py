"""Scoring through the screen with an endpoint: the trial, the estimate, the cap, pause and resume, and the key."""

import json
import re
import signal

import pytest
from browser_kit import start_server
from playwright.sync_api import expect
from serving import serving

from clear_core.io import Source, detect
from clear_core.llm.stub import StubEndpoint
from db.datasets import create_dataset, import_examples
from db.engine import open_engine, upgrade
from db.runs import list_runs
from db.uploads import store_file

pytestmark = pytest.mark.browser

KEY = "sk-canary-5f2e71c0"
ROWS = [{"prompt": f"What is {n} plus {n}?", "response": str(2 * n if n % 5 else 7)} for n in range(1, 61)]


QUICK = 0.05


@pytest.fixture
def stub():
    """The scripted model as an endpoint; a test sets how many seconds a call takes, to watch a run or to be done."""
    return StubEndpoint({f"What is {n} plus {n}?": str(2 * n) for n in range(1, 61)}, latency=QUICK)


@pytest.fixture
def endpoint(stub):
    with serving(stub) as base_url:
        yield base_url


@pytest.fixture
def dataset(server, tmp_path):
    engine = open_engine(f"sqlite:///{server.data_dir / 'review.db'}")
    upgrade(engine)
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
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


def files_with(needle, folder):
    return [str(path) for path in folder.rglob("*") if path.is_file() and needle.encode() in path.read_bytes()]


def test_from_the_trial_to_the_whole_run(server, visit, dataset, stub, endpoint):
    engine, dataset_id = dataset
    page = visit.page
    visit.open(f"{server.url}/score?dataset={dataset_id}")
    page.get_by_role("radio", name="An endpoint").click()
    visit.settle()
    for label, text in (("Address", endpoint), ("Model name", "stub"), ("The key", KEY)):
        page.get_by_label(label, exact=True).fill(text)
        page.keyboard.press("Enter")
        visit.settle()
    page.get_by_role("button", name="Try 20 rows").click()

    page.get_by_text("What it will take, judging by 20 rows").wait_for()
    page.get_by_text("give prices to see").wait_for()
    page.get_by_role("spinbutton", name="Price per 1M tokens in").fill("2")
    page.keyboard.press("Enter")
    visit.settle()
    page.get_by_role("spinbutton", name="Price per 1M tokens out").fill("8")
    page.keyboard.press("Enter")
    page.get_by_text(re.compile(r"^\$\d")).wait_for()
    page.get_by_role("spinbutton", name="Hard cap on paid calls").fill("90")
    page.keyboard.press("Enter")
    visit.settle()
    # Slow from here: a run that reaches its cap before a busy browser gets to the button can't be paused.
    stub.latency = 2.0
    page.get_by_role("button", name="Score 60 rows").click()
    page.get_by_text("Running").first.wait_for()

    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused", exact=True).first.wait_for()
    stub.latency = QUICK
    paused = list_runs(engine, dataset_id)[0]
    assert 0 < paused.done < 60

    # A new session knows the run by its address, and has to be given the key again.
    visit.open(page.url)
    page.get_by_text("The key of this endpoint was not stored.").wait_for()
    page.get_by_label("The key", exact=True).first.fill(KEY)
    page.keyboard.press("Enter")
    visit.settle()
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("Stopped at its cap").first.wait_for(timeout=60_000)
    assert list_runs(engine, dataset_id)[0].calls_paid <= 90

    page.get_by_role("spinbutton", name="New cap on paid calls").fill("5000")
    page.keyboard.press("Enter")
    visit.settle()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=90_000)
    done = list_runs(engine, dataset_id)[0]
    assert (done.status, done.done) == ("done", 60)
    page.get_by_role("link", name="Tune the thresholds").wait_for()

    assert KEY not in page.url
    assert files_with(KEY, server.data_dir) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_server_pauses_its_run_and_a_killed_one_leaves_it_running(
    server, visit, dataset, stub, endpoint, how
):
    stub.latency = 2.0
    engine, dataset_id = dataset
    page = visit.page
    visit.open(f"{server.url}/score?dataset={dataset_id}")
    page.get_by_role("radio", name="An endpoint").click()
    visit.settle()
    for label, text in (("Address", endpoint), ("Model name", "stub")):
        page.get_by_label(label, exact=True).fill(text)
        page.keyboard.press("Enter")
        visit.settle()
    page.get_by_role("radio", name="No key").click()
    visit.settle()
    page.get_by_role("button", name="Try 20 rows").click()
    page.get_by_text("Running").first.wait_for()
    server.stop(how)
    again = start_server(server.data_dir, int(server.url.rpartition(":")[2]))
    try:
        visit.open(f"{server.url}/score?dataset={dataset_id}")
        if how == signal.SIGTERM:
            page.get_by_text("Paused", exact=True).first.wait_for()
            page.get_by_role("radio", name="No key").first.click()
            visit.settle()
            page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=90_000)
        assert list_runs(engine, dataset_id)[0].done == 20
    finally:
        again.stop()
