"""An outage holds rows back; a difficult row is a failure of its own."""

from __future__ import annotations

from db_kit import score
from hypothesis import given
from hypothesis import strategies as st

from db.outage import OutageGuard


def test_one_failure_among_successes_is_stored_as_such() -> None:
    guard = OutageGuard(2)
    assert guard.admit(score(0)) == [score(0)]
    assert guard.admit(score(1, None)) == []
    assert guard.admit(score(2)) == [score(2)]
    assert guard.admit(score(3)) == [score(3), score(1, None)]
    assert not guard.is_out


def test_failures_in_a_row_are_an_outage_even_with_late_successes() -> None:
    guard = OutageGuard(2)
    for row in range(3):
        guard.admit(score(row, None))
    guard.admit(score(3))
    guard.admit(score(4, None, evidence={"error": "Connection refused."}))
    assert guard.is_out
    assert "for 4 of the last 5 rows" in guard.message
    assert "Connection refused." in guard.message


def test_what_a_model_said_is_no_outage() -> None:
    guard = OutageGuard(1)
    for row in range(9):
        assert guard.admit(score(row, None, problem="refused"))
    assert not guard.is_out


@given(st.lists(st.booleans()), st.integers(1, 4))
def test_nothing_is_lost_or_doubled(well: list[bool], under_way: int) -> None:
    guard = OutageGuard(under_way)
    results = [score(row, 0.5 if good else None) for row, good in enumerate(well)]
    stored = [admitted for result in results for admitted in guard.admit(result)] + guard.release()
    assert sorted(stored, key=lambda each: each.row) == results
    assert guard.release() == []
