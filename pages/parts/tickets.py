"""Who may use the streamed routes: Streamlit's own checks do not reach them, so each request brings a signed ticket.

A page hands out the ticket, a route takes it. The key lives in this process's memory alone, so a ticket ends with it.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from streamlit import config

Purpose = Literal["upload", "problems", "export"]

LIFETIME: Final = 900
"""Seconds for which a ticket is good; pages that stay open renew it."""

_SIGNER: Final = URLSafeTimedSerializer(secrets.token_bytes(32))


def issue(purpose: Purpose, **grant: Any) -> str:
    """A signed ticket for one purpose, with what it grants (JSON-ready), good for LIFETIME seconds."""
    return _SIGNER.dumps(grant, salt=purpose)


def read(ticket: str, purpose: Purpose) -> dict[str, Any] | None:
    """What a ticket grants; None when it is forged, for another purpose, or too old."""
    try:
        grant = _SIGNER.loads(ticket, max_age=LIFETIME, salt=purpose)
    except BadSignature:
        return None
    return grant if isinstance(grant, dict) else None


def from_this_app(request: Request) -> bool:
    """Whether a request comes from a page of this app: a known Host, and no foreign Origin.

    A plain link sends no Origin; the browser's Sec-Fetch-Site then tells whether another site asked.
    """
    host = request.headers.get("host", "")
    if not _known(urlsplit(f"//{host}").hostname or ""):
        return False
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == host
    return request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}


def _known(hostname: str) -> bool:
    allowed: list[str] = config.get_option("server.allowedHosts")
    return not allowed or any(
        name in {"*", hostname} or (name.startswith("*.") and hostname.endswith(name[1:])) for name in allowed
    )
