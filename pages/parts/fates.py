"""One word, one icon and one colour for each fate, everywhere on screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clear_core.types import Fate
from pages.parts.text import icon_html


@dataclass(frozen=True, slots=True)
class FateLook:
    """How a fate looks; state is always told by icon and word beside the colour.

    Attributes:
        word: the proposal in the imperative, as on a button: "Keep".
        done: the participle that follows a count: "kept".
        icon: Material Symbols name, without the colons.
        light: the colour on a light page, as hex.
        dark: the colour on a dark page, as hex.
    """

    word: str
    done: str
    icon: str
    light: str
    dark: str


LOOKS: Final[Mapping[Fate, FateLook]] = {
    "keep": FateLook("Keep", "kept", "check_circle", "#1f8f5f", "#4cc38a"),
    "drop": FateLook("Drop", "dropped", "do_not_disturb_on", "#c8414f", "#ff7b86"),
    "replace": FateLook("Replace", "replaced", "swap_horiz", "#3462d6", "#84a9ff"),
    "unscored": FateLook("Unscored", "unscored", "help", "#6e7681", "#9aa4b2"),
}


def fate_html(fate: Fate, text: str = "") -> str:
    """A small mark for HTML blocks: icon and word in the fate's colour.

    Args:
        fate: the fate.
        text: words of ours in place of the fate's own; never dataset text.
    """
    look = LOOKS[fate]
    return f'<span class="cr-fate cr-{fate}">{icon_html(look.icon)}<span>{text or look.word}</span></span>'
