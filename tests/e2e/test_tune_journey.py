"""Tune in a real browser: arrow keys move a threshold, the policy leads to review, and pages fit narrow windows."""

import pytest
from browser_kit import start_server
from playwright.sync_api import expect
from reviewable import seed

from db.engine import open_engine, upgrade
from db.policies import list_policies

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def one_server(tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("tune") / "data")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def seeded(one_server):
    engine = open_engine(f"sqlite:///{one_server.data_dir / 'review.db'}")
    upgrade(engine)
    yield engine, seed(engine, one_server.data_dir, rows=100)
    engine.dispose()


def kept(page):
    return page.locator(".cr-tile-number").first


def test_arrow_keys_move_gamma_and_the_saved_policy_leads_to_its_review(visit, one_server, seeded):
    engine, ids = seeded
    page = visit.page
    visit.open(f"{one_server.url}/tune?dataset={ids.dataset}")
    expect(kept(page)).to_contain_text("50")
    page.get_by_role("slider", name="Gamma").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("Gamma, as a number")).to_have_value("0.501")
    expect(kept(page)).to_contain_text("49")
    page.keyboard.press("ArrowLeft")
    expect(kept(page)).to_contain_text("50")
    page.get_by_label("Eta, as a number").fill("0.55")
    page.keyboard.press("Enter")
    expect(page.locator(".cr-tile-number").nth(2)).to_contain_text("32")
    page.get_by_role("button", name="Save as policy").click()
    page.get_by_label("Name").fill("both kinds")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Review what it proposes").click()
    visit.settle()
    expect(page.get_by_text("both kinds v1: gamma 0.500, eta 0.550")).to_be_visible()
    (policy,) = list_policies(engine, ids.dataset)
    assert f"policy={policy.id}" in page.url
    assert (policy.gamma, policy.eta) == ("0.5", 0.55)


@pytest.mark.parametrize(
    ("path", "words", "scheme"),
    [
        ("tune", "gamma 0.500", "light"),
        ("review", "gamma 0.500", "dark"),
        ("export", "gamma 0.500", "light"),
        ("score", "Scored by", "dark"),
        ("correct", "Candidates come from", "light"),
        ("train", "Learns from", "dark"),
        ("rounds", "There is one set of scores so far", "light"),
    ],
)
def test_pages_fit_a_window_of_800_pixels(browser, one_server, seeded, path, words, scheme):
    _, ids = seeded
    context = browser.new_context(viewport={"width": 800, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(f"{one_server.url}/{path}?dataset={ids.dataset}&view=replacements")
    page.get_by_text(words).first.wait_for()
    too_wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth")
    assert too_wide <= 0
    context.close()
