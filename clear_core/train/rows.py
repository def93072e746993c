"""Examples -> what is trained on: chat rows, and a fingerprint of them with how they are learned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from clear_core.train.settings import TrainSettings
from clear_core.types import Example

WITHOUT_EFFECT: Final = frozenset({"save_every"})
"""Settings that change nothing of the trained model."""


def chat_rows(examples: Iterable[Example]) -> list[dict[str, Any]]:
    """Each example as one conversation that ends with the response, the only turn that is learned.

    Returns:
        `{"messages": [{"role", "content"}, ...]}` for each example, in order; a tool's turn goes as a user's, since
        datasets rarely keep the call that it answers.
    """
    return [{"messages": [*map(_turn, e.prompt), {"role": "assistant", "content": e.response}]} for e in examples]


def _turn(message: Any) -> dict[str, str]:
    if message.role == "tool":
        return {"role": "user", "content": f"[tool]\n{message.content}"}
    return {"role": message.role, "content": message.content}


def fingerprint(settings: TrainSettings, rows: Sequence[Mapping[str, Any]]) -> str:
    """What tells one training from another: the rows and every setting that changes the model; 64 hex digits."""
    digest = hashlib.sha256()
    chosen = {name: value for name, value in asdict(settings).items() if name not in WITHOUT_EFFECT}
    digest.update(json.dumps(chosen, sort_keys=True).encode())
    for row in rows:
        digest.update(b"\n" + json.dumps(row, sort_keys=True).encode())
    return digest.hexdigest()
