"""Starting workers as processes of their own, so that a closed tab or a dead server ends no run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from clear_core.settings import read_settings

ROOT: Final = Path(__file__).resolve().parent.parent
KEY_VARIABLES: Final = frozenset({"CLEAR_API_KEY", "CLEAR_API_KEYS", "CLEAR_CANDIDATE_API_KEY", "OPENAI_API_KEY"})

_children: list[subprocess.Popen[bytes]] = []


def start_worker(run_id: int, *, url: str, keys: Mapping[str, str] | None = None) -> int:
    """Start `python -m db worker RUN_ID` in its own session, at low priority.

    Keys and the database's URL travel through the worker's stdin, never through arguments or the environment.

    Args:
        run_id: a queued run.
        url: the database.
        keys: the keys of the endpoints that the run enters (`RunConfig.endpoints`), by base URL; each goes to its own
            endpoint and nowhere else.

    Returns:
        The worker's process id.

    Raises:
        SettingsError: when the data folder can't be made.
    """
    _reap()
    logs = read_settings().data_dir / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / f"run-{run_id}.log").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, this package and a number
            [sys.executable, "-m", "db", "worker", str(run_id)],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in KEY_VARIABLES},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children.append(child)
    secrets = {"url": url, "keys": dict(keys or {})}
    # A worker that died already can't be told anything; its run shows as interrupted.
    if child.stdin:
        with suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(json.dumps(secrets).encode())
    return child.pid


def _reap() -> None:
    """Collect workers that ended, so that none stays behind as a zombie that looks alive."""
    _children[:] = [child for child in _children if child.poll() is None]
