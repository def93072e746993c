"""Fixtures of the browser tests; without a browser they are skipped, and say so."""

import os

import pytest
from browser_kit import CHROMIUM, FLAGS, Visit, start_server


def pytest_collection_modifyitems(items):
    if CHROMIUM is None and os.environ.get("CLEAR_REQUIRE_BROWSER"):
        raise pytest.UsageError("CLEAR_REQUIRE_BROWSER is set and there is no chromium on this machine")
    if CHROMIUM is None:
        skip = pytest.mark.skip(
            reason="no chromium on this machine: install Debian's chromium to run the browser tests"
        )
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(skip)


@pytest.fixture
def server(tmp_path):
    running = start_server(tmp_path / "data")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for the tests of a module that do not mind each other's datasets."""
    running = start_server(tmp_path_factory.mktemp("shared"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser():
    """One browser a module: an open one keeps an event loop in this thread, which other tests must not meet."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context)
    context.close()
