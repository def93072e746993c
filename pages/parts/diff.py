"""What a replacement changes: a diff by words, as escaped HTML that also works without colours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

from pages.parts.conversation import LONGEST_SHOWN
from pages.parts.text import escaped

Kind = Literal["same", "old", "new"]

_TOKEN: Final = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_MOST_PAIRS: Final = 4_000_000
"""Above this product of lengths the matcher would keep a reviewer waiting, so that coarser tokens are compared."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that both sides share, or that only the old or only the new one has."""

    kind: Kind
    text: str


def diff(old: str, new: str) -> list[Piece]:
    """Compare two texts by words, punctuation marks and white space.

    Very long texts are compared by lines, and if need be as a whole. Changes that are parted by nothing but blanks
    are told as one: "red apple" to "green pear" reads better than two changes around an unchanged space.

    Returns:
        Pieces in reading order: the same and old ones together are `old`, the same and new ones are `new`.
    """
    for pattern in (_TOKEN, _LINE):
        left, right = pattern.findall(old), pattern.findall(new)
        if len(left) * len(right) <= _MOST_PAIRS:
            return list(_tidy(_match(left, right)))
    return [piece for piece in (Piece("old", old), Piece("new", new)) if piece.text]


def _match(left: Sequence[str], right: Sequence[str]) -> Iterator[Piece]:
    """The pieces as the matcher finds them."""
    for tag, i, i_end, j, j_end in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(left[i:i_end]))
        else:
            yield Piece("old", "".join(left[i:i_end]))
            yield Piece("new", "".join(right[j:j_end]))


def _tidy(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Join neighbouring changes, the blanks between them included; empty pieces vanish."""
    old, new, blank = "", "", ""
    for piece in pieces:
        if piece.kind == "same":
            if (old or new) and not blank and piece.text.isspace() and "\n" not in piece.text:
                blank = piece.text
                continue
            yield from _change(old, new, blank)
            old = new = blank = ""
            yield piece
        elif piece.text:
            old, new, blank = old + blank, new + blank, ""
            old, new = (old + piece.text, new) if piece.kind == "old" else (old, new + piece.text)
    yield from _change(old, new, blank)


def _change(old: str, new: str, blank: str) -> Iterator[Piece]:
    """A change with the unchanged blank that follows it."""
    for piece in (Piece("old", old), Piece("new", new), Piece("same", blank)):
        if piece.text:
            yield piece


def _mark(piece: Piece) -> str:
    """A piece as HTML; a sign tells old from new, and an arrow shows a line break that changed, without colours."""
    if piece.kind == "same":
        return escaped(piece.text)
    tag, sign = ("del", "−") if piece.kind == "old" else ("ins", "+")
    broken = escaped(piece.text).replace("\n", '<span class="cr-sign">↵</span>\n')
    return f'<{tag}><span class="cr-sign">{sign}</span>{broken}</{tag}>'


def _side(pieces: Sequence[Piece], without: Kind | None) -> str:
    return "".join(_mark(piece) for piece in pieces if piece.kind != without)


def _rest(text: str) -> str:
    more = len(text) - LONGEST_SHOWN
    return f'<span class="cr-more">… {more:,} more characters are not shown here</span>' if more > 0 else ""


def diff_html(old: str, new: str, *, sides: bool, old_title: str, new_title: str) -> str:
    """The diff of two untrusted texts as HTML.

    Args:
        old: the given response.
        new: what would stand in its place.
        sides: side by side, instead of one text with both.
        old_title: heading of the old text; words of ours.
        new_title: heading of the new text; words of ours.
    """
    pieces = diff(old[:LONGEST_SHOWN], new[:LONGEST_SHOWN])
    columns = (
        [(old_title, _side(pieces, "new") + _rest(old)), (new_title, _side(pieces, "old") + _rest(new))]
        if sides
        else [(f"{old_title} → {new_title}", _side(pieces, None) + (_rest(new) or _rest(old)))]
    )
    cells = "".join(
        f'<div class="cr-side"><div class="cr-speaker">{title}</div>'
        f'<div class="cr-text cr-diff" dir="auto" tabindex="0">{body or "(empty)"}</div></div>'
        for title, body in columns
    )
    return f'<div class="cr-sides cr-of-{len(columns)}">{cells}</div>'
