"""Scores as arrays, shared by all sessions: read once for each version of a run, kept beside what people decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from sqlalchemy.engine import Engine

from clear_core.tuning import NOBODY, Board, make_board, places
from clear_core.types import FATES
from db.records import ROW_STATES, Intervals, RunRecord
from db.reviews import standing_table
from db.scores import intervals, score_table

OPEN: Final = np.int8(ROW_STATES.index("open"))
UNSURE: Final = np.int8(ROW_STATES.index("unsure"))

_FATE_OF_STATE: Final = np.array(
    [FATES.index(state) if state in FATES else NOBODY for state in ROW_STATES], dtype=np.int8
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What people have said about the rows of a board.

    Attributes:
        seq: number of the newest decision that is counted in.
        state: index into ROW_STATES for each row of the board, int8[n].
    """

    seq: int
    state: NDArray[np.int8]

    @property
    def fates(self) -> NDArray[np.int8]:
        """The fate people gave each row as an index into FATES, NOBODY where it is open or unsure; int8[n]."""
        return _FATE_OF_STATE[self.state]


class _Held:
    """The newest Standing of a board, replaced as a whole: sessions never see half of one."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.standing = Standing(0, np.full(len(board.table), OPEN))


def load(engine: Engine, dataset_id: int, score: RunRecord, correct: RunRecord | None) -> tuple[Board, Standing]:
    """The board of a score run and a correct run, and what people have said by now.

    Args:
        engine: the database.
        dataset_id: the dataset of the runs.
        score: the scores.
        correct: the preferences, or None.
    """
    versions = tuple((run.id, run.version) for run in (score, correct) if run)
    held = _held(engine, (str(engine.url), dataset_id, versions), score.id, correct.id if correct else None)
    before = held.standing
    fresh = standing_table(engine, dataset_id, after_seq=before.seq)
    if fresh.seq > before.seq:
        at, known = places(held.board.table, fresh.row)
        state = before.state.copy()
        state[at[known]] = fresh.state[known]
        held.standing = Standing(fresh.seq, state)
    return held.board, held.standing


def stopped_early(engine: Engine, score: RunRecord) -> Intervals:
    """The rows of a run whose sampling stopped early, with what their confidence lies between."""
    return _stopped(engine, (str(engine.url), score.id, score.version), score.id)


@st.cache_resource(max_entries=6, show_spinner=False)
def _stopped(_engine: Engine, key: tuple[object, ...], score: int) -> Intervals:
    del key  # what the arrays depend on, for the cache
    return intervals(_engine, score)


@st.cache_resource(max_entries=6, show_spinner="Reading the scores…")
def _held(_engine: Engine, key: tuple[object, ...], score: int, correct: int | None) -> _Held:
    del key  # what the arrays depend on, for the cache
    return _Held(make_board(score_table(_engine, score, correct)))
