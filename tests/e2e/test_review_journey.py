"""Review by keyboard in a real browser: only items that were seen are decided, and no text is lost."""

import re
import signal

import pytest
from browser_kit import start_server
from playwright.sync_api import expect
from reviewable import seed

from db.engine import open_engine, upgrade
from db.reviews import decisions, effective_fates

pytestmark = pytest.mark.browser

WATCH = """() => {
  window.seen = []
  const look = () => {
    const card = document.querySelector("[data-item]")
    if (card && window.seen.at(-1) !== card.dataset.item) window.seen.push(card.dataset.item)
    requestAnimationFrame(look)
  }
  look()
}"""


class Reviewing:
    """A reviewer at the keyboard, and the database behind the page."""

    def __init__(self, visit, server, rows=120):
        self.engine = open_engine(f"sqlite:///{server.data_dir / 'review.db'}")
        upgrade(self.engine)
        self.ids = seed(self.engine, server.data_dir, rows)
        self.visit, self.page, self.server = visit, visit.page, server

    def open(self, **query):
        words = "&".join(f"{name}={value}" for name, value in {"dataset": self.ids.dataset, **query}.items())
        self.visit.open(f"{self.server.url}/review?{words}")
        self.ready()

    def ready(self):
        """The page is there and its item has been seen."""
        self.page.locator("[data-item]").wait_for()
        self.rest()

    def rest(self):
        """Until the item on screen, if there is one, counts as seen."""
        self.visit.settle()
        for card in self.page.locator("[data-item]").all():
            self.page.locator(f"[data-guards='{card.get_attribute('data-item')}']").wait_for()
        self.page.wait_for_timeout(300)

    def press(self, key):
        self.page.keyboard.press(key)
        self.rest()

    def move(self, key):
        """Press a key that brings another item, and wait for it."""
        before = self.item
        self.page.keyboard.press(key)
        expect(self.page.locator(f"[data-item='{before}']")).to_have_count(0)
        self.rest()

    @property
    def item(self):
        return self.page.locator("[data-item]").get_attribute("data-item")

    @property
    def row(self):
        return int(self.item.split("-")[0])

    def log(self):
        return [(decision.action, decision.row) for decision in decisions(self.engine, self.ids.dataset)]

    def says(self, words):
        self.page.get_by_text(words).first.wait_for()

    def write(self, text):
        """Open the editor by key and replace what is in it, as typed."""
        self.press("e")
        self.field.wait_for()
        assert self.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    @property
    def field(self):
        return self.page.get_by_label("Response", exact=True)

    def stored(self, row):
        """What stands for a row, once it does."""
        for _ in range(50):
            if decision := effective_fates(self.engine, self.ids.dataset).get(row):
                return decision
            self.page.wait_for_timeout(100)
        return None


@pytest.fixture(scope="module")
def one_server(tmp_path_factory):
    """One server for all but the test that kills its own; each test reviews a dataset of its own."""
    running = start_server(tmp_path_factory.mktemp("review") / "data")
    yield running
    running.stop()


@pytest.fixture
def reviewing(visit, one_server):
    opened = Reviewing(visit, one_server)
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize("gap", [0, 30, 80, 300])
def test_keys_pressed_fast_decide_only_what_was_on_screen(reviewing, gap):
    reviewing.open()
    reviewing.page.evaluate(WATCH)
    for i in range(24):
        reviewing.page.keyboard.press("ax"[i % 2])
        reviewing.page.wait_for_timeout(gap)
    reviewing.rest()
    seen = {int(item.split("-")[0]) for item in reviewing.page.evaluate("window.seen")}
    decided = [row for _, row in reviewing.log()]
    assert decided, "nothing was decided at all"
    assert len(decided) == len(set(decided)), "an item was decided twice"
    assert set(decided) <= seen - {reviewing.row}
    if gap == 300:
        assert len(decided) >= 12


def test_a_key_held_down_decides_one_item(reviewing):
    reviewing.open()
    row = reviewing.row
    for _ in range(20):
        reviewing.page.keyboard.down("a")
        reviewing.page.wait_for_timeout(40)
    reviewing.page.keyboard.up("a")
    reviewing.rest()
    assert reviewing.log() == [("accept", row)]


def test_a_double_click_decides_one_item(reviewing):
    reviewing.open()
    row = reviewing.row
    reviewing.page.get_by_role("button", name="Drop it").dblclick()
    reviewing.rest()
    assert reviewing.log() == [("accept", row)]


def test_a_whole_queue_by_keyboard_with_undo_and_the_way_back(reviewing):
    reviewing.open(view="replacements", order="far")
    first = reviewing.row
    reviewing.move("a")
    reviewing.says(f"Replaced mail-{first:03}")
    second = reviewing.row
    reviewing.move("x")
    third = reviewing.row
    reviewing.move("u")
    reviewing.move("d")
    assert len({first, second, third, reviewing.row}) == 4
    reviewing.move("z")
    assert reviewing.log()[-1][0] == "undo"
    undone = reviewing.row
    assert undone == reviewing.log()[-2][1]
    reviewing.move("k")
    assert reviewing.row == third
    reviewing.move("j")
    assert reviewing.row == undone
    fates = {row: decision.fate for row, decision in effective_fates(reviewing.engine, reviewing.ids.dataset).items()}
    assert fates == {first: "replace", second: "keep", third: None}
    while reviewing.page.locator("[data-item]").count():
        reviewing.move("a")
    reviewing.says("of this queue are decided or unsure")
    reviewing.page.keyboard.press("z")
    reviewing.page.locator("[data-item]").wait_for()
    assert not reviewing.visit.dialogs
    assert not reviewing.visit.foreign


def test_the_place_in_the_queue_survives_a_reload(reviewing):
    reviewing.open()
    reviewing.move("j")
    reviewing.move("j")
    row = reviewing.row
    assert f"row={row}" in reviewing.page.url
    reviewing.page.reload()
    reviewing.ready()
    assert reviewing.row == row


def test_the_keys_are_listed_and_rest_while_they_are(reviewing):
    reviewing.open()
    reviewing.page.keyboard.press("?")
    reviewing.says("accept the proposal")
    reviewing.press("a")
    assert reviewing.log() == []
    reviewing.press("Escape")
    reviewing.move("a")
    assert len(reviewing.log()) == 1


@pytest.mark.parametrize("how", ["key", "button"])
def test_an_edit_is_saved_as_it_was_typed_and_letters_decide_nothing_meanwhile(reviewing, how):
    reviewing.open(view="replacements")
    row = reviewing.row
    reviewing.write("a xylophone, and\nzebras: <b>Żółć</b> 日本 ")
    if how == "key":
        reviewing.page.keyboard.press("Control+Enter")
    else:
        reviewing.page.get_by_role("button", name="Save and replace").click()
    decision = reviewing.stored(row)
    assert (decision.action, decision.response) == ("edit", "a xylophone, and\nzebras: <b>Żółć</b> 日本 ")
    reviewing.rest()
    assert reviewing.row != row
    assert len(reviewing.log()) == 1


def test_text_that_was_not_saved_is_back_after_leaving_going_on_and_reloading(reviewing):
    reviewing.open()
    row = reviewing.row
    reviewing.write("half a thought")
    reviewing.press("Escape")
    expect(reviewing.field).to_have_count(0)
    reviewing.move("j")
    reviewing.move("k")
    reviewing.press("e")
    expect(reviewing.field).to_have_value("half a thought")
    reviewing.page.keyboard.type(" and more")
    reviewing.page.reload()
    reviewing.ready()
    reviewing.press("e")
    expect(reviewing.field).to_have_value("half a thought and more")
    reviewing.page.keyboard.press("Control+Enter")
    assert reviewing.stored(row).response == "half a thought and more"
    reviewing.rest()
    reviewing.move("z")
    reviewing.press("e")
    expect(reviewing.field).to_have_value(re.compile("Lyon"))


def test_text_survives_the_death_of_the_server(visit, server):
    reviewing = Reviewing(visit, server)
    reviewing.open()
    row = reviewing.row
    reviewing.write("written before the crash")
    server = reviewing.server
    server.stop(signal.SIGKILL)
    again = start_server(server.data_dir, port=int(server.url.rsplit(":", 1)[1]))
    try:
        reviewing.page.reload()
        reviewing.ready()
        assert reviewing.row == row
        reviewing.press("e")
        expect(reviewing.field).to_have_value("written before the crash")
        reviewing.page.keyboard.press("Control+Enter")
        assert reviewing.stored(row).response == "written before the crash"
    finally:
        again.stop()
