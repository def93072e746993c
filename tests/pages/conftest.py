"""Fixtures of the pages' tests."""

import pytest
import streamlit as st
from page_kit import App

from pages.parts import shell


@pytest.fixture
def app(tmp_path, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CLEAR_API_KEY", "CLEAR_BASE_URL", "CLEAR_MODEL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLEAR_REVIEWER", "tester")
    (tmp_path / "uploads").mkdir()
    st.cache_resource.clear()
    st.cache_data.clear()
    opened = App(tmp_path)
    yield opened
    opened.engine.dispose()
    shell.engine().dispose()
    st.cache_resource.clear()
