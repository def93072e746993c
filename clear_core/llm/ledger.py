"""The ledger of finished calls: written before a reply is used, so that a killed run pays for nothing twice.

Failures are never stored. The key holds the sample number, or k samples would collapse into one and read as agreement.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from clear_core.errors import StateError
from clear_core.llm.port import ChatRequest, LikelihoodRequest, Reply, Token

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS reply (
    key TEXT PRIMARY KEY,
    text TEXT NOT NULL,
    logprobs TEXT NOT NULL,
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    cut INTEGER NOT NULL,
    at TEXT NOT NULL,
    tail TEXT
) WITHOUT ROWID
"""

INSERT: Final = """
INSERT OR IGNORE INTO reply (key, text, logprobs, tokens_in, tokens_out, cut, at, tail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def call_key(host: str, model: str, request: ChatRequest | LikelihoodRequest) -> str:
    """The sha256 of a call's canonical JSON: host, model and everything in the request, the sample number included."""
    asked = asdict(request)
    if not asked.get("top_logprobs"):
        asked.pop("top_logprobs", None)  # the key of a call that asks for none is the one it had before it could
    canonical = {"host": host, "model": model, "type": type(request).__name__, "request": asked}
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class CallLedger(Protocol):
    """Where finished calls are kept."""

    def get(self, key: str) -> Reply | None:
        """The stored reply of a call, or None."""

    async def put(self, key: str, reply: Reply) -> None:
        """Store a finished call; it is durable when this returns. A key stored before keeps its first reply."""

    def close(self) -> None:
        """Release the file."""


class MemoryLedger:
    """A ledger that lives as long as the process."""

    def __init__(self) -> None:
        self._replies: dict[str, Reply] = {}

    def get(self, key: str) -> Reply | None:
        """The stored reply of a call, or None."""
        return self._replies.get(key)

    async def put(self, key: str, reply: Reply) -> None:
        """Store a finished call."""
        self._replies.setdefault(key, replace(reply, replayed=False))

    def close(self) -> None:
        """Nothing to release."""


class Ledger:
    """A ledger in one SQLite file, shared by every run and process of a data folder.

    Replies that finish together are committed together: one fsync for all, off the event loop.

    Args:
        path: the file; made when missing.

    Raises:
        StateError: when the file can't be opened, read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[str, Reply, asyncio.Future[None]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        try:
            self._reading = self._connect()
            self._writing = self._connect()
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(SCHEMA)
            _give_tail(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _unusable(self, error: Exception) -> StateError:
        return StateError(
            f"The ledger of calls {self._path} can't be used: {error}.",
            "Free some disk space or move the file away; without it finished calls are paid again.",
        )

    def get(self, key: str) -> Reply | None:
        """The stored reply of a call, or None."""
        query = "SELECT text, logprobs, tokens_in, tokens_out, cut, tail FROM reply WHERE key = ?"
        try:
            row = self._reading.execute(query, (key,)).fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        if row is None:
            return None
        text, logprobs, tokens_in, tokens_out, cut, tail = row
        return Reply(
            text, tuple(json.loads(logprobs)), tokens_in, tokens_out, bool(cut), tail=_tail(json.loads(tail or "[]"))
        )

    async def put(self, key: str, reply: Reply) -> None:
        """Store a finished call; it is durable when this returns, and stored even if the caller is cancelled."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, reply, done))
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._write_waiting())
        await done

    async def _write_waiting(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            failure: StateError | None = None
            try:
                await loop.run_in_executor(self._writer, self._commit, [(key, reply) for key, reply, _ in batch])
            except (sqlite3.Error, ValueError, OverflowError) as error:
                # Also what SQLite can't hold: those who wait must hear of it.
                failure = self._unusable(error)
            for _, _, done in batch:
                if done.cancelled():
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)

    def _commit(self, batch: list[tuple[str, Reply]]) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        rows = [
            (
                key,
                reply.text,
                json.dumps(reply.logprobs),
                reply.tokens_in,
                reply.tokens_out,
                reply.cut,
                at,
                json.dumps([astuple(token) for token in reply.tail]) if reply.tail else None,
            )
            for key, reply in batch
        ]
        with closing(self._writing.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                cursor.executemany(INSERT, rows)
                cursor.execute("COMMIT")
            except BaseException:
                cursor.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Write what still waits to be written, for it is paid, and release the file.

        Raises:
            StateError: when it can't be written.
        """
        self._writer.shutdown(wait=True)
        waiting, self._waiting = self._waiting, []
        try:
            if waiting:
                self._commit([(key, reply) for key, reply, _ in waiting])
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        finally:
            self._reading.close()
            self._writing.close()


def _give_tail(connection: sqlite3.Connection) -> None:
    """Give a file that was made before replies had tails its column."""
    if _has_tail(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    if not _has_tail(connection):  # another process may have come first
        connection.execute("ALTER TABLE reply ADD COLUMN tail TEXT")
    connection.execute("COMMIT")


def _has_tail(connection: sqlite3.Connection) -> bool:
    return any(name == "tail" for _, name, *_ in connection.execute("PRAGMA table_info(reply)"))


def _tail(stored: list[Any]) -> tuple[Token, ...]:
    return tuple(Token(text, tuple((other, logprob) for other, logprob in others)) for text, others in stored)
