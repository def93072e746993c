"""Which addresses a model may be asked at."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Final
from urllib.parse import urlsplit

from clear_core.errors import InputError, LLMError

METADATA_HOSTS: Final = frozenset({"metadata.google.internal", "metadata"})
METADATA_ADDRESSES: Final = frozenset({"100.100.100.200", "fd00:ec2::254", "192.0.0.192"})


def check_base_url(base_url: str) -> str:
    """The base URL without a trailing slash.

    Raises:
        InputError: when it is not http(s), names a user or password, or leads to a machine's own metadata service.
    """
    parts = urlsplit(base_url.strip())
    hint = "Give an address such as https://api.example.com/v1."
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InputError("The base URL is not an http or https address.", hint)
    if parts.username is not None or parts.password is not None:
        raise InputError("The base URL holds a user name or password.", "Give the key in the field for the key.")
    if parts.query or parts.fragment:
        raise InputError("The base URL has a query or a fragment.", hint)
    if parts.hostname.rstrip(".").lower() in METADATA_HOSTS or leads_to_metadata(parts.hostname):
        raise InputError("The base URL leads to a metadata or link-local address.", hint)
    return parts.geturl().rstrip("/")


async def refuse_metadata(base_url: str) -> None:
    """Refuse a name that resolves to a metadata or link-local address.

    Raises:
        LLMError: "rejected", fatal.
    """
    parts = urlsplit(base_url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443)
    except OSError:
        found = []  # the call itself will fail, with its own words and its own tries
    if any(leads_to_metadata(str(address[4][0])) for address in found):
        raise LLMError(
            "The base URL leads to a metadata or link-local address.",
            "Give the address of a model's endpoint.",
            problem="rejected",
            fatal=True,
            may_be_billed=False,
        )


def leads_to_metadata(address: str) -> bool:
    """Whether an IP address is link-local or known to serve a machine's own metadata; False for a name."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return ip.is_link_local or ip.is_multicast or str(ip) in METADATA_ADDRESSES
