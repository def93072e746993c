"""The drop zone for a file of any size, as a component around the upload route."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit import config

from clear_core.settings import Settings
from pages.parts.text import size
from pages.parts.tickets import LIFETIME
from pages.parts.upload_route import PATH, upload_ticket, uploaded

_PARTS: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived.

    Attributes:
        sha256: hash of its bytes, in hex; its name on disk.
        name: its name where it came from, untrusted.
    """

    sha256: str
    name: str


def drop_zone(settings: Settings) -> Upload | None:
    """Show the drop zone; returns a file in the run right after it arrived, else None."""
    arrived = _zone(
        key="uploader",
        data={
            "url": f"/{config.get_option('server.baseUrlPath')}".rstrip("/") + PATH,
            "ticket": upload_ticket(settings.uploads_dir, settings.max_upload_bytes),
            "most": settings.max_upload_bytes,
            "hint": f"JSONL, JSON, CSV or Parquet, also .gz and .zst, up to {size(settings.max_upload_bytes)}",
        },
        on_uploaded_change=lambda: None,
    ).uploaded
    if not isinstance(arrived, dict):
        return None
    sha256, name = str(arrived.get("sha256")), Path(str(arrived.get("name"))).name[:200]
    return Upload(sha256, name or "upload") if uploaded(settings.uploads_dir, sha256) else None


RENEWED_EVERY: Final = LIFETIME // 3
"""Seconds after which a page that stays open asks for a new ticket."""

_zone = st.components.v2.component(
    "uploader",
    html=(_PARTS / "uploader.html").read_text("utf-8"),
    css=(_PARTS / "uploader.css").read_text("utf-8"),
    js=(_PARTS / "uploader.js").read_text("utf-8"),
)
