"""Evidence behind a number, as HTML: lines that open to the untrusted text behind them.

Evidence may come from elsewhere (imported records), so nothing about its shape is taken for granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clear_core.types import PROBLEMS
from pages.parts.text import escaped

_LONGEST: Final = 2_000
_LARGEST: Final = 1e9
LETTERS: Final = {"A": "correct", "B": "incorrect", "C": "not sure"}


def meter(name: str, value: float | None, line: float | None = None, span: tuple[float, float] | None = None) -> str:
    """A number in [0, 1] as a bar.

    Args:
        name: what it is; words of ours.
        value: the number; None where there is none.
        line: a threshold, marked on the bar.
        span: between what the number surely lies, shown as a band.
    """
    if value is None:
        return f'<div class="cr-meter"><span>{name}</span><span class="cr-quiet">none</span></div>'
    mark = f'<i style="left:{min(max(line, 0.0), 1.0):.2%}"></i>' if line is not None else ""
    band = f'<u style="left:{span[0]:.2%};width:{max(0.0, span[1] - span[0]):.2%}"></u>' if span else ""
    track = f'<span class="cr-track">{band}<b style="width:{value:.2%}"></b>{mark}</span>'
    return f'<div class="cr-meter"><span>{name}</span>{track}<span class="cr-num">{value:.3f}</span></div>'


def fold(summary: str, text: Any) -> str:
    """A line of HTML that opens to the untrusted text behind it."""
    if not isinstance(text, str) or not text.strip():
        return f'<span dir="auto">{summary}</span>'
    more = " …" if len(text) > _LONGEST else ""
    return (
        f'<details><summary dir="auto">{summary}</summary>'
        f'<div class="cr-reply" dir="auto">{escaped(text[:_LONGEST])}{more}</div></details>'
    )


def problem_of(part: Mapping[str, Any]) -> str:
    """Why a part of the evidence has no value, escaped."""
    problem = str(part.get("problem") or "no answer")
    return escaped(PROBLEMS.get(problem, problem)[:200])


def one_line(value: Any, most: int = 240) -> str:
    """A value in one line, escaped, its end cut with a mark."""
    text = " ".join(str(value).split())
    return escaped(text[:most]) + ("…" if len(text) > most else "")


def listed(rows: Sequence[str], extra: str = "") -> str:
    """Rows of HTML as a list."""
    return f'<ul class="cr-evidence {extra}">{"".join(rows)}</ul>'


def maps(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list; anything else is left out."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def number_of(value: Any) -> float | None:
    """A number that can be shown; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return float(value)


def small(words: str) -> str:
    """A quiet line; escaped already."""
    return f'<p class="cr-quiet cr-small">{words}</p>'
