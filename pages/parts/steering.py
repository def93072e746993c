"""Widgets that show what stands elsewhere, such as in the address or in a twin beside them."""

from __future__ import annotations

from typing import Any

import streamlit as st


def steer(key: str, value: Any) -> None:
    """Set a widget from outside only where it differs: an echo would fight the hand that moves it."""
    if st.session_state.get(key) != value:
        st.session_state[key] = value
