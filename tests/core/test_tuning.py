"""A board answers a moving threshold with the same numbers as `propose`, and queues hold what is proposed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.propose import MEDIAN, Gamma, ScoreTable, Thresholds, cut, fates, ranking, tie_hash
from clear_core.tuning import NOBODY, Board, Order, Queue, make_board, picture, places, queue
from clear_core.types import FATES

unit = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]), st.floats(0, 1))
maybe = st.one_of(st.none(), unit)


def table_of(rows: list[tuple[float | None, float | None]]) -> ScoreTable:
    return ScoreTable(
        row=np.arange(len(rows), dtype=np.int64) * 3,
        confidence=np.array([np.nan if c is None else c for c, _ in rows], dtype=np.float64),
        consistency=np.full(len(rows), np.nan),
        tie=np.array([tie_hash(str(i)) for i in range(len(rows))], dtype=np.uint64),
        preference=np.array([np.nan if p is None else p for _, p in rows], dtype=np.float64),
    )


def undecided(table: ScoreTable) -> np.ndarray:
    return np.full(len(table), NOBODY)


tables = st.lists(st.tuples(maybe, maybe), max_size=40).map(table_of)
gammas = st.one_of(st.just(MEDIAN), unit.map(lambda v: Gamma("value", v)), unit.map(lambda v: Gamma("share", v)))
settings = st.builds(Thresholds, gamma=gammas, eta=unit, scope=st.sampled_from(["low", "all"]))
SMALL = table_of([(0.9, None), (0.2, 0.95), (None, None), (0.4, 0.7), (0.6, None), (0.1, None), (0.3, 0.85)])


@given(tables, settings)
def test_the_picture_agrees_with_the_proposals(table: ScoreTable, thresholds: Thresholds) -> None:
    seen = picture(make_board(table), thresholds, undecided(table))
    codes = fates(table, thresholds)
    assert np.array_equal(seen.codes, codes)
    assert seen.counts == {fate: int(np.count_nonzero(codes == i)) for i, fate in enumerate(FATES)}
    assert sum(seen.counts.values()) == len(table)
    assert sum(int(counts.sum()) for counts in seen.confidence.counts.values()) == seen.cut.scored


@given(tables, gammas)
def test_a_kept_ranking_cuts_as_a_fresh_one(table: ScoreTable, gamma: Gamma) -> None:
    assert np.array_equal(cut(table, gamma, ranking(table)).kept, cut(table, gamma).kept)


@given(tables, settings, st.data())
def test_a_person_beats_the_threshold_in_counts_and_bars(
    table: ScoreTable, thresholds: Thresholds, data: st.DataObject
) -> None:
    own = np.array(data.draw(st.lists(st.sampled_from([-1, 0, 1, 2]), min_size=len(table), max_size=len(table))), "i1")
    seen = picture(make_board(table), thresholds, own)
    final = [int(person) if person != NOBODY else int(code) for person, code in zip(own, seen.codes, strict=True)]
    assert seen.counts == {fate: final.count(i) for i, fate in enumerate(FATES)}
    assert seen.decided == int(np.count_nonzero(own != NOBODY))


@given(tables, settings)
def test_the_rows_at_the_lines_stand_on_their_sides(table: ScoreTable, thresholds: Thresholds) -> None:
    seen = picture(make_board(table), thresholds, undecided(table), near=3)
    assert seen.cut.kept[seen.at_gamma.above].all()
    assert not seen.cut.kept[seen.at_gamma.below].any()
    assert (table.preference[seen.at_eta.above] > thresholds.eta).all()
    assert (table.preference[seen.at_eta.below] <= thresholds.eta).all()
    if len(seen.at_gamma.above) and len(seen.at_gamma.below):
        assert table.confidence[seen.at_gamma.above].min() >= table.confidence[seen.at_gamma.below].max()


@given(tables, settings, st.sampled_from(["near", "far", "row"]))
def test_the_queues_hold_every_row_that_is_not_kept_once(
    table: ScoreTable, thresholds: Thresholds, order: Order
) -> None:
    board = make_board(table)
    codes = picture(board, thresholds, undecided(table)).codes
    names: tuple[Queue, ...] = ("drops", "replacements", "unscored")
    found = np.concatenate([queue(board, codes, which, order) for which in names])
    assert sorted(found.tolist()) == np.flatnonzero(codes != FATES.index("keep")).tolist()


@pytest.mark.parametrize(
    ("which", "order", "rows"),
    [
        ("drops", "near", [9, 15]),
        ("drops", "far", [15, 9]),
        ("drops", "row", [9, 15]),
        ("replacements", "near", [18, 3]),
        ("replacements", "far", [3, 18]),
        ("unscored", "near", [6]),
    ],
)
def test_a_queue_starts_where_asked(which: Queue, order: Order, rows: list[int]) -> None:
    board: Board = make_board(SMALL)
    codes = picture(board, Thresholds(Gamma("value", 0.5)), undecided(SMALL)).codes
    assert SMALL.row[queue(board, codes, which, order)].tolist() == rows


def test_equality_keeps_at_gamma_and_does_not_replace_at_eta() -> None:
    table = table_of([(0.5, None), (0.4, 0.8)])
    seen = picture(make_board(table), Thresholds(Gamma("value", 0.5), eta=0.8), undecided(table))
    assert seen.counts == {"keep": 1, "drop": 1, "replace": 0, "unscored": 0}
    assert seen.at_eta.below.tolist() == [1]


def test_places_tells_rows_that_the_table_does_not_have() -> None:
    at, known = places(SMALL, np.array([0, 4, 18, 99]))
    assert known.tolist() == [True, False, True, False]
    assert at[known].tolist() == [0, 6]
    assert places(table_of([]), np.array([1]))[1].tolist() == [False]
