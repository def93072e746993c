"""Serve the stub endpoint over real HTTP from a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clear_core.llm.stub import StubEndpoint, served


@contextmanager
def serving(endpoint: StubEndpoint) -> Iterator[str]:
    """Serve until the context ends; gives the base URL."""
    ready = threading.Event()
    at: dict[str, Any] = {}

    async def serve() -> None:
        async with served(endpoint) as base_url:
            at.update(url=base_url, loop=asyncio.get_running_loop(), ended=asyncio.Event())
            ready.set()
            await at["ended"].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield at["url"]
    finally:
        at["loop"].call_soon_threadsafe(at["ended"].set)
        thread.join(30)
