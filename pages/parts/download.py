"""Links to streamed downloads: each carries a ticket for exactly what it downloads."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import streamlit as st
from streamlit import config

from pages.parts import tickets
from pages.parts.text import escaped, icon_html


def download_link(label: str, path: str, purpose: tickets.Purpose, **grant: Any) -> None:
    """Show a link that looks like a button and downloads from a streamed route of this app.

    Args:
        label: words of ours.
        path: the route's path, such as "/api/problems".
        purpose: what the ticket is for.
        **grant: what it grants (JSON-ready), read by the route.
    """
    base = f"/{config.get_option('server.baseUrlPath')}".rstrip("/")
    address = f"{base}{path}?ticket={quote(tickets.issue(purpose, **grant))}"
    st.html(f'<a class="cr-button" href="{escaped(address)}" download>{icon_html("download")}{escaped(label)}</a>')
