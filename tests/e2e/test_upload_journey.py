import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert('stored')><script>alert('stored')</script> [go](javascript:alert(1)) ![i](http://foreign.example/i.png)"

GOOD = [
    {"id": "r0", "instruction": "What is 2+2?", "input": "", "output": "4", "source": "made"},
    {"id": HOSTILE, "instruction": HOSTILE, "input": HOSTILE, "output": HOSTILE, "source": HOSTILE},
    {"id": "r4", "instruction": "Capital of France?", "output": "Paris"},
]


@pytest.fixture
def mixed(tmp_path):
    """Good rows and bad ones, under a name that is markup."""
    lines = [
        json.dumps(GOOD[0]),
        json.dumps(GOOD[1]),
        '{"instruction": "No output"}',
        "<b>no JSON</b>",
        json.dumps(GOOD[2]),
    ]
    path = tmp_path / "rows <img src=x onerror=alert('name')>.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def downloaded(page):
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download 2 bad rows").click()
    return [json.loads(line) for line in caught.value.path().read_text().splitlines()]


def test_upload_import_rows_and_problems(shared_server, visit, mixed):
    page = visit.page
    visit.open(shared_server.url)
    visit.upload(mixed)
    page.get_by_text("Alpaca (instruction, input, output)").first.wait_for()
    page.get_by_text("Capital of France?").wait_for()
    page.get_by_text("5 rows read, 2 rows can't be used.").wait_for()
    before_import = downloaded(page)

    page.get_by_role("button", name="Import 3 rows").click()
    page.get_by_role("heading", name="2 rows that can't be used").wait_for()
    page.get_by_role("heading", name="3 rows", exact=True).wait_for()
    bad = page.get_by_role("table").locator("tbody tr")
    assert [row.split("\t")[:2] for row in bad.all_inner_texts()] == [["2", "output"], ["3", "–"]]
    assert downloaded(page) == before_import
    assert [record["row"] for record in before_import] == [2, 3]
    assert before_import[1]["raw"].strip() == "<b>no JSON</b>"

    # All of it again from the address alone, in a new session.
    address = page.url
    assert re.search(r"dataset=\d+", address)
    visit.open(address)
    page.get_by_text("Capital of France?").wait_for()
    for name in ("score", "correct", "tune", "review", "export"):
        visit.open(f"{shared_server.url}/{name}?{address.partition('?')[2]}")
    assert visit.dialogs == []
    assert visit.foreign == []
    assert page.locator("[onerror], script:not([src]):text('stored')").count() == 0


def test_a_deep_link_on_a_fresh_server_opens_its_page(server, visit):
    visit.open(f"{server.url}/score?dataset=1")
    visit.page.get_by_role("heading", name="Score", exact=True).wait_for()
    visit.page.get_by_role("link", name="Export").wait_for()
    visit.page.get_by_text("No dataset yet").wait_for()


def test_the_upload_route_takes_nothing_from_strangers(shared_server, visit, mixed):
    assert shared_server.ask("PUT", "/api/upload", b"x").status == 403
    assert shared_server.ask("PUT", "/api/upload?ticket=forged", b"x", Origin=shared_server.url).status == 403
    used = []
    visit.page.on("request", lambda request: used.append(request.url) if "/api/upload" in request.url else None)
    visit.open(shared_server.url)
    visit.upload(mixed)
    path = used[0].removeprefix(shared_server.url)
    assert shared_server.ask("PUT", path, b"x", Origin="http://foreign.example").status == 403
    assert shared_server.ask("PUT", path, b"x", Host="foreign.example", Origin="http://foreign.example").status == 403
    assert shared_server.ask("PUT", path, b"x", Origin=shared_server.url).status == 200


def test_an_upload_that_fails_says_why_and_the_next_one_works(shared_server, visit, tmp_path, mixed):
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    page = visit.page
    visit.open(shared_server.url)
    page.locator("[data-part=input]").set_input_files(empty)
    page.get_by_text("empty.jsonl is empty.").wait_for()
    visit.upload(mixed)
    page.get_by_text("Capital of France?").wait_for()


def test_the_drop_zone_is_reached_and_opened_by_keyboard(shared_server, visit):
    page = visit.page
    visit.open(shared_server.url)
    page.wait_for_timeout(500)  # the drop zone is drawn once more when its ticket arrives
    button = page.get_by_role("button", name="Choose a file")
    button.focus()
    expect(button).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    assert not chooser.value.is_multiple()


def test_every_answer_tells_the_browser_to_stay_here(shared_server):
    for path in ("/", "/review", "/api/upload", "/_stcore/health"):
        headers = shared_server.ask("GET", path).headers
        assert "connect-src 'self'" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_reviewers_name_is_remembered_by_the_browser(shared_server, visit):
    page = visit.page
    visit.open(shared_server.url)
    page.get_by_role("button", name="tester").click()
    page.get_by_label("Your name").fill("Ada **L**")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ada **L**").wait_for()
    visit.settle()
    visit.open(f"{shared_server.url}/tune")
    page.get_by_role("button", name="Ada **L**").wait_for()
