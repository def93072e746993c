"""How many rows meet which fate, as tiles."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from clear_core.types import FATES, Fate
from pages.parts.fates import LOOKS
from pages.parts.text import icon_html


def show_counts(counts: Mapping[Fate, int], decided: int) -> None:
    """A tile for each fate with its count and share, and one for the rows that people decided.

    Args:
        counts: rows by fate, decisions counted in.
        decided: how many of them a person decided.
    """
    total = sum(counts.values())
    tiles = [
        _tile(f"cr-{fate}", LOOKS[fate].icon, LOOKS[fate].done.capitalize(), counts[fate], total) for fate in FATES
    ]
    tiles.append(_tile("cr-quiet", "person", "Decided by people", decided, total))
    st.html(f'<div class="cr-tiles">{"".join(tiles)}</div>')


def _tile(tone: str, icon: str, word: str, number: int, total: int) -> str:
    share = f"{number / total:.1%}" if total else "–"
    return (
        f'<div class="cr-tile"><div class="{tone} cr-tile-word">{icon_html(icon)}{word}</div>'
        f'<div class="cr-tile-number cr-num">{number:,}<span class="cr-quiet">{share}</span></div></div>'
    )
