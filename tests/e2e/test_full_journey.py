"""The main job as a newcomer does it in a real browser: upload, score (embedded), tune, review by keys, export."""

import json
import re

import pytest
from browser_kit import PATIENCE_MS
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.embedded]

PASSAGES = [
    (
        "The lighthouse on Gull Island was built in 1874 by masons from the mainland.",
        "When was the lighthouse built?",
        "1874",
    ),
    (
        "Tomato seeds sprout best when the soil is about 25 degrees warm.",
        "How warm should the soil be?",
        "about 25 degrees",
    ),
    (
        "The night train to Lisbon leaves from platform nine at ten in the evening.",
        "Which platform is it?",
        "platform nine",
    ),
    (
        "Marta keeps seven goats and two donkeys on the farm behind the mill.",
        "How many goats are there?",
        "seven goats",
    ),
    ("The library opens at noon on Sundays and closes at six.", "When does it open on Sundays?", "at noon"),
    ("A violin has four strings, tuned in perfect fifths.", "How many strings has a violin?", "four strings"),
    ("The recipe wants three eggs, a cup of flour and some milk.", "How many eggs are needed?", "three eggs"),
    (
        "The museum's oldest painting shows a red ship in a storm.",
        "What does the painting show?",
        "a red ship in a storm",
    ),
    (
        "Our office moved to Harbour Street in the spring of last year.",
        "Where did the office move?",
        "to Harbour Street",
    ),
    (
        "The bridge is closed because the river rose two metres overnight.",
        "Why is the bridge closed?",
        "the river rose two metres",
    ),
]
WRONG = {2: "three eggs", 7: "at noon"}


@pytest.fixture
def dataset(tmp_path):
    rows = [
        {"id": f"p{n}", "instruction": question, "input": passage, "output": WRONG.get(n, answer), "origin": "made"}
        for n, (passage, question, answer) in enumerate(PASSAGES)
    ]
    path = tmp_path / "reading.jsonl"
    # Escapes and spacing of its own, to see that untouched rows come back as they were written.
    path.write_text(
        "".join(json.dumps(row, separators=(" ,", " : "), ensure_ascii=True) + "\r\n" for row in rows), newline=""
    )
    return path


def seen(visit):
    """Row number of the item on screen, once its keys decide it."""
    visit.settle()
    item = visit.page.locator("[data-item]").get_attribute("data-item")
    visit.page.locator(f"[data-guards='{item}']").wait_for()
    visit.page.wait_for_timeout(300)
    return int(item.split("-")[0])


def test_from_a_file_to_a_curated_file(server, visit, dataset):
    page = visit.page
    visit.open(server.url)
    visit.upload(dataset)
    page.get_by_role("button", name="Import 10 rows").click()
    page.get_by_role("heading", name="10 rows", exact=True).wait_for()

    page.get_by_role("link", name="Score", exact=True).click()
    visit.settle()
    page.get_by_role("button", name="Score 10 rows").click()
    expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=240_000)

    page.get_by_role("link", name="Tune the thresholds").click()
    visit.settle()
    page.get_by_text("Auto-Filter: gamma").wait_for()
    share = page.get_by_role("radio", name="Keep a share")
    share.click()
    visit.settle()
    page.get_by_role("button", name="Save as policy").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("policy v1").first.wait_for()

    page.get_by_role("link", name="Review what it proposes").click()
    visit.settle()
    first = seen(visit)
    page.keyboard.press("x")  # keep this one against the proposal
    expect(page.locator(f"[data-item^='{first}-']")).to_have_count(0, timeout=PATIENCE_MS)
    second = seen(visit)
    page.keyboard.press("a")  # drop this one
    expect(page.locator(f"[data-item^='{second}-']")).to_have_count(0, timeout=PATIENCE_MS)

    page.get_by_role("link", name="Export", exact=True).click()
    visit.settle()
    with page.expect_download() as caught:
        page.get_by_role("link", name=re.compile("Curated dataset", re.IGNORECASE)).first.click()
    written = caught.value.path().read_bytes().splitlines(keepends=True)
    original = dataset.read_bytes().splitlines(keepends=True)
    assert set(written) < set(original)
    ids = {json.loads(line)["id"] for line in written}
    assert f"p{first}" in ids
    assert f"p{second}" not in ids
    assert visit.dialogs == []
    assert visit.foreign == []
