"""Our confidence beside that of another implementation, where that one is installed."""

import pytest

from benchmarks.crosscheck import is_installed, largest_difference


@pytest.mark.skipif(not is_installed(), reason="uqlm is not installed")
def test_random_cases_have_the_confidence_that_uqlm_gives_them():
    assert largest_difference(20) < 1e-12
