"""The environment as it is read: what is no number is told in words, never a crash."""

import pytest

from clear_core.errors import SettingsError
from clear_core.settings import read_settings


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize("text", ["²", "1.5", "-1", "1e3", " ", "many"])
def test_a_limit_that_is_no_whole_number_is_told(monkeypatch, text):
    monkeypatch.setenv("CLEAR_MAX_UPLOAD_MIB", text)
    with pytest.raises(SettingsError, match="CLEAR_MAX_UPLOAD_MIB"):
        read_settings()


def test_the_limit_is_in_mib(monkeypatch):
    monkeypatch.setenv("CLEAR_MAX_UPLOAD_MIB", "3")
    assert read_settings().max_upload_bytes == 3 * 2**20
