"""Tests of the extras: skipped where their packages are missing, failed where they must be there."""

from __future__ import annotations

import importlib.util
import os

import pytest


def needs(*packages: str) -> None:
    """Skip the test, or the module that calls it, when a package is missing; fail instead under CLEAR_REQUIRE_TRAIN."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if not missing:
        return
    told = f"{', '.join(missing)} not installed: run `make setup-train`"
    if os.environ.get("CLEAR_REQUIRE_TRAIN"):
        pytest.fail(told, pytrace=False)
    pytest.skip(told, allow_module_level=True)
