"""A worker's surroundings in one process: scripted endpoints, a ledger, and a record of which key went where."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from clear_core.llm.fake import FakeLLM
from clear_core.llm.port import ChatRequest, Reply
from clear_core.types import ModelRef
from db.clients import Models, OnLoading
from db.records import RunRecord
from db.runs import get_run
from db.worker import work

KEYS = {"http://judge/v1": "sk-judge", "http://tuned/v1": "sk-candidate"}


class Endpoint(FakeLLM):
    """A scripted endpoint with a switch for what goes wrong.

    Attributes:
        fault: raised by every call while it is set.
        asked: how many calls arrived.
        fails_after: from which call on `fault` is raised.
    """

    def __init__(self, answers: dict[str, str], latency: float = 0.0) -> None:
        super().__init__(answers, latency=latency)
        self.fault: Exception | None = None
        self.fails_after = 0
        self.asked = 0

    async def complete(self, request: ChatRequest) -> Reply:
        self.asked += 1
        if self.fault is not None and self.asked > self.fails_after:
            raise self.fault
        return await super().complete(request)


class Bench:
    """A worker's surroundings: endpoints by base URL, a ledger, and a record of which key went where."""

    def __init__(self, engine: Engine, data_dir: Path, endpoint: Endpoint, **more: Any) -> None:
        self.engine = engine
        self.endpoint = endpoint
        self.ledger_path = data_dir / "ledger.db"
        self.connected: list[tuple[str, str, str]] = []
        self.terminated = threading.Event()
        self.more = more

    def connect(self, model: ModelRef, api_key: str, on_loading: OnLoading) -> Endpoint:
        self.connected.append((model.base_url, model.model, api_key))
        on_loading("loading")
        on_loading("ready")
        return self.endpoint

    def work(self, run_id: int) -> RunRecord:
        models = Models(self.connect, self.ledger_path, keys=KEYS, **self.more)
        work(self.engine, run_id, models, self.terminated)
        return get_run(self.engine, run_id)

    @contextmanager
    def at_work(self, run_id: int) -> Iterator[None]:
        thread = threading.Thread(target=self.work, args=(run_id,))
        thread.start()
        try:
            yield
        finally:
            thread.join(60)
            assert not thread.is_alive()

    def until_done(self, run_id: int, rows: int) -> None:
        deadline = time.monotonic() + 30
        while get_run(self.engine, run_id).done < rows:
            assert time.monotonic() < deadline
            time.sleep(0.02)
