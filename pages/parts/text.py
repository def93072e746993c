"""Untrusted text made safe to show, and numbers and times in the words people read."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from typing import Final

_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&])")
_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB")


def escaped(text: str) -> str:
    """Text for inside an HTML element or a quoted attribute: no markup survives."""
    return html.escape(text, quote=True)


def plain(text: str) -> str:
    """Text for a place that Streamlit reads as Markdown (a label, a caption, an alert): every mark is escaped."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def beginning(text: str, most: int) -> str:
    """A text as it is, or its first characters with the words that say so."""
    return text if len(text) <= most else f"{text[:most]} … cut"


def icon_html(name: str) -> str:
    """A Material Symbol for an HTML block; what it shows is said by a word beside it, so it is not read aloud."""
    return f'<span class="cr-icon" aria-hidden="true">{name}</span>'


def count(number: int, singular: str, plural: str = "") -> str:
    """A count with its noun and thousands separators: "1 row", "12,400 rows"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(number: int) -> str:
    """A number of bytes in decimal units: "616.2 MB"."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{number:,} bytes" if unit == 0 else f"{value:,.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """A span of time with the two units that matter: "45 s", "12 min 5 s", "3 h 10 min", "2 d 4 h"."""
    whole = max(0, round(seconds))
    for big, small, length, part in (("d", "h", 86_400, 3_600), ("h", "min", 3_600, 60), ("min", "s", 60, 1)):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {big} {rest} {small}" if rest else f"{whole // length} {big}"
    return f"{whole} s"


def ago(at: datetime, now: datetime | None = None) -> str:
    """How long ago something happened: "just now", "5 min ago"; a date once it is more than a week."""
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds > 7 * 86_400:
        return f"{at:%d %b %Y}"
    return f"{duration(seconds).split(' ', 2)[0]} {duration(seconds).split(' ', 2)[1]} ago"
