"""The columns that a dataset stores beside prompt and response, and what their first values are like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st
from sqlalchemy.engine import Engine

from clear_core.cells import number, unpacked
from db.datasets import examples_by_row
from db.records import DatasetRecord
from pages.parts.text import beginning, count, plain

_LOOKED: Final = 500
"""Records that a preview looks at; the run itself reads every one."""
_SHORT: Final = 120


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the first rows have it.

    Attributes:
        name: its name in the file; untrusted.
        looked: how many rows were looked at.
        filled: how many of them hold something.
        texts: how many hold a text that is neither a number nor a list.
        lists: lengths of the lists of texts found.
        numbers: the numbers found.
        first: the first value found, as a short text; untrusted.
    """

    name: str
    looked: int
    filled: int
    texts: int
    lists: tuple[int, ...]
    numbers: tuple[float, ...]
    first: str

    @property
    def low(self) -> float:
        """The smallest number found; only where there are numbers."""
        return min(self.numbers)

    @property
    def high(self) -> float:
        """The largest number found; only where there are numbers."""
        return max(self.numbers)

    @property
    def is_numeric(self) -> bool:
        """Whether it mostly holds numbers."""
        return len(self.numbers) > self.filled / 2

    @property
    def is_share(self) -> bool:
        """Whether every number found lies from 0 to 1."""
        return self.is_numeric and self.low >= 0 and self.high <= 1

    @property
    def is_lists(self) -> bool:
        """Whether it mostly holds lists of texts."""
        return len(self.lists) > self.filled / 2


def stored_columns(engine: Engine, dataset: DatasetRecord) -> tuple[Column, ...]:
    """The columns of a dataset outside prompt and response, in the file's order."""
    return _columns(engine, str(engine.url), dataset.id, dataset.examples)


@st.cache_data(max_entries=8, show_spinner=False)
def _columns(_engine: Engine, url: str, dataset_id: int, examples: int) -> tuple[Column, ...]:
    del url, examples  # parts of the cache's key
    rows = [example.meta for example in examples_by_row(_engine, dataset_id, range(_LOOKED))]
    names = list(dict.fromkeys(name for meta in rows for name in meta))
    return tuple(_column(name, [meta.get(name) for meta in rows]) for name in names)


def _column(name: str, values: Sequence[Any]) -> Column:
    filled = [value for value in map(unpacked, values) if value not in (None, "", [])]
    lists = [len(value) for value in filled if isinstance(value, list) and all(isinstance(one, str) for one in value)]
    numbers = [read for read in map(number, filled) if read is not None]
    texts = sum(isinstance(value, str) and number(value) is None for value in filled)
    first = beginning(str(filled[0]), _SHORT) if filled else ""
    return Column(name, len(values), len(filled), texts, tuple(lists), tuple(numbers), first)


def choose_column(label: str, columns: Iterable[Column], key: str, *, default: str = "", optional: bool = False) -> str:
    """Show the choice of a column.

    Args:
        label: what the column is for; words of ours.
        columns: the ones to choose from.
        key: the widget's key.
        default: what to start with, if it is among them.
        optional: whether none may be chosen.

    Returns:
        The column's name; empty where none is chosen, or there is none.
    """
    names = [""] if optional else []
    names += [column.name for column in columns]
    return (
        st.selectbox(
            label,
            names,
            index=names.index(default) if default in names else 0 if names else None,
            format_func=lambda name: name or "none",
            key=key,
            persist_state="session",
            width=280,
            placeholder="no such column",
        )
        or ""
    )


def number_text(value: float) -> str:
    """A number as short as it goes: "5", "0.25", "-12.4"."""
    return f"{value:.4g}"


def lists_words(column: Column) -> str:
    """What a column holds, as lists of texts."""
    low, high = min(column.lists, default=0), max(column.lists, default=0)
    sizes = count(low, "text") if low == high else f"{low:,} to {count(high, 'text')}"
    words = f"{len(column.lists):,} with a list of {sizes}" if column.lists else "none with a list of texts"
    return _of_the_first(column, words, len(column.lists))


def numbers_words(column: Column) -> str:
    """What a column holds, as numbers."""
    if not column.numbers:
        return _of_the_first(column, "none with a number", 0)
    span = f"{number_text(column.low)} to {number_text(column.high)}"
    shown = ", ".join(map(number_text, column.numbers[:6])) + (", …" if len(column.numbers) > 6 else "")
    return _of_the_first(column, f"{len(column.numbers):,} with a number, from {span} ({shown})", len(column.numbers))


def texts_words(column: Column) -> str:
    """What a column holds, as texts or lists of them."""
    fitting = column.texts + len(column.numbers) + len(column.lists)
    words = f"{column.texts + len(column.numbers):,} with a text"
    if column.lists:
        words += f", {len(column.lists):,} with a list of texts"
    return _of_the_first(column, words, fitting)


def first_words(column: Column) -> str:
    """What a column holds, by its first value; Markdown, the value escaped."""
    words = f"{column.filled:,} with a value" + (f", the first: {plain(column.first)}" if column.first else "")
    return _of_the_first(column, words, column.filled)


def _of_the_first(column: Column, words: str, fitting: int) -> str:
    rest = column.looked - fitting
    return f"Of the first {count(column.looked, 'row')}, {words}{f'; {rest:,} without' if rest and fitting else ''}."
