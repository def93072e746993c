"""The colours of figures, for the theme that the browser shows."""

from __future__ import annotations

import streamlit as st

from clear_core.plots import Palette
from clear_core.types import FATES
from pages.parts.fates import LOOKS

_FONT = '"Source Sans", sans-serif'


def palette() -> Palette:
    """The colours of a figure on the page as it is now, light or dark."""
    dark = st.context.theme.type == "dark"
    fates = {fate: LOOKS[fate].dark if dark else LOOKS[fate].light for fate in FATES}
    if dark:
        return Palette(fates, text="#a6aeb9", grid="#2b2f35", line="#e4e5e7", card="#1f2226", font=_FONT)
    return Palette(fates, text="#5b636d", grid="#e6e3dd", line="#24272c", card="#ffffff", font=_FONT)
