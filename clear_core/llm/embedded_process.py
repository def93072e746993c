"""The process that serves the embedded model: started when asked, ended with its owner, restarted when it dies."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal

import aiohttp

from clear_core.errors import LLMError
from clear_core.llm.embedded_server import weights_path

START_SECONDS: Final = 120.0
CALL_SECONDS: Final = 900.0
STOP_SECONDS: Final = 5.0
ENDING_SECONDS: Final = 1.0
"""How long a process that hung up is given to be seen as ended."""
TRIES: Final = 3
"""A process that is gone (out of memory, killed) is started anew; after so many tries it is the machine that fails."""

Loading = Literal["loading", "ready"]


def is_installed() -> bool:
    """Whether the runtime and the weights are there."""
    return importlib.util.find_spec("xllamacpp") is not None and weights_path() is not None


def _unusable(why: str) -> LLMError:
    return LLMError(
        f"The embedded model can't be used: {why}.",
        "Run `make setup`, or install clear-review[embedded]; or give the base URL of another model.",
        problem="unreachable",
        fatal=True,
        may_be_billed=False,
    )


class EmbeddedProcess:
    """llama.cpp's server as a child process, asked over the loopback interface. It belongs to one event loop.

    Args:
        on_loading: called with "loading" when the model begins to load and with "ready" when it is.
        threads: processor threads.
        context: tokens of context.
        adapter: GGUF file of a trained adapter, laid over the weights; None for none.
    """

    def __init__(
        self, on_loading: Callable[[Loading], None], threads: int, context: int, adapter: Path | None = None
    ) -> None:
        self._on_loading = on_loading
        self._settings = {"threads": threads, "context": context, "adapter": str(adapter or "")}
        self._running: _Running | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process's id, while it runs."""
        return self._running.process.pid if self._running else None

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Ask the server, started first where it does not run.

        Returns:
            The answer's JSON.

        Raises:
            LLMError: "unreachable" (fatal) when it can't be started or keeps dying, "rejected" or "timeout".
        """
        for _ in range(TRIES):
            running = await self._started()
            try:
                async with running.session.post(running.url + path, json=body) as response:
                    status, answer = response.status, await response.json()
            except TimeoutError:
                raise LLMError("The embedded model took too long.", problem="timeout", retryable=True) from None
            except aiohttp.ClientError:
                if await _has_ended(running.process):
                    await self._drop(running)
                continue
            if status == HTTPStatus.OK:
                return answer
            told = answer.get("error", {}).get("message", "") if isinstance(answer, dict) else ""
            raise LLMError(f"The embedded model rejected a request: {told}", problem="rejected", may_be_billed=False)
        raise _unusable("its process ends or hangs up while it works")

    async def stop(self) -> None:
        """End the process; the next call would start it again."""
        if self._running is not None:
            await self._drop(self._running)

    async def _started(self) -> _Running:
        async with self._starting:
            if self._running is None:
                self._on_loading("loading")
                self._running = await _start(self._settings)
                self._on_loading("ready")
            return self._running

    async def _drop(self, running: _Running) -> None:
        if self._running is running:
            self._running = None
            await running.session.close()
            await _end(running.process)


class _Running:
    """A server that is up, and the session that talks to it."""

    def __init__(self, process: asyncio.subprocess.Process, api_key: str, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
            # The server drops a connection after some calls without a word; a new one for each costs nothing here.
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
        )


async def _start(settings: Mapping[str, Any]) -> _Running:
    if not is_installed():
        raise _unusable("it is not installed")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clear_core.llm.embedded_server",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    api_key = secrets.token_urlsafe(16)
    try:
        answer = await asyncio.wait_for(_greet(process, {**settings, "api_key": api_key}), START_SECONDS)
    except BaseException as error:
        await _end(process)
        if isinstance(error, (TimeoutError, OSError, ValueError)):
            raise _unusable("it did not start in time") from None
        raise
    if "port" not in answer:
        await _end(process)
        raise _unusable(str(answer["error"]))
    return _Running(process, api_key, int(answer["port"]))


async def _greet(process: asyncio.subprocess.Process, settings: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None  # noqa: S101 - both are pipes by the call that made the process
    assert process.stdout is not None  # noqa: S101
    # Over the pipe rather than as an argument, which every local user could read.
    process.stdin.write(json.dumps(settings).encode() + b"\n")
    line = await process.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line else {"error": "its process ended while it was loading"}
    return answer


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    try:
        await asyncio.wait_for(process.wait(), ENDING_SECONDS)
    except TimeoutError:
        return False
    return True


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
