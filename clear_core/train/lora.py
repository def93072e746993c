"""A LoRA trained on this machine, in a child process: it can be paused, killed and gone on with."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from clear_core.errors import InputError, TrainingError
from clear_core.io import atomic_writer
from clear_core.llm.embedded_server import SYSTEM
from clear_core.train.lora_job import FACTS
from clear_core.train.port import Progress, Trained
from clear_core.train.rows import chat_rows, fingerprint
from clear_core.train.settings import LORA_BATCH_SIZE, LORA_LEARNING_RATE, TrainSettings
from clear_core.types import Example, ModelRef

NEEDED: Final = ("torch", "transformers", "peft", "accelerate", "gguf")
STOP_SECONDS: Final = 60.0
"""How long a step may take to end before its process is killed; the last checkpoint is kept anyway."""
LOG: Final = "training.log"


def missing_parts() -> list[str]:
    """Packages of the extra `train` that are not installed."""
    return [name for name in NEEDED if importlib.util.find_spec(name) is None]


class LoraTrainer:
    """Trains a LoRA with transformers and peft on this machine's GPU if torch sees one, else on its processors.

    The folder holds everything: the rows, the last checkpoint while it trains, and at the end the adapter as peft
    saves it and, for the embedded model, as GGUF. A finished folder is not trained again.

    Args:
        settings: how to train.
        folder: where; made if it is not there.
    """

    def __init__(self, settings: TrainSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder.absolute()

    async def train(
        self, examples: Sequence[Example], state: Mapping[str, Any]
    ) -> AsyncGenerator[Progress | Trained, None]:
        """Train, from the folder's last checkpoint where these examples and settings left one.

        Raises:
            InputError: when packages are missing, or `state` is that of another training.
            TrainingError: when the base model can't be loaded or the training's process fails.
        """
        if missing := missing_parts():
            raise InputError(
                f"Local training needs {', '.join(missing)}.",
                "Run `make setup-train`, or install clear-review[train].",
            )
        rows = self._rows(examples)
        mark = fingerprint(self._settings, rows)
        if state and state.get("mark") != mark:
            raise InputError(
                "The examples or settings are not those that this training began with.",
                "Start a new training.",
            )
        kept: dict[str, Any] = {"mark": mark, "folder": str(self._folder)}
        if (trained := self._trained(mark)) is None:
            await asyncio.to_thread(self._prepare, rows)
            yield Progress("preparing", state=kept)
            job = {"folder": str(self._folder), "settings": asdict(self._settings), "mark": mark}
            async for told in _lines(job, self._folder / LOG):
                if "error" in told:
                    raise TrainingError(f"The training failed: {told['error']}", str(told.get("hint", "")))
                if "phase" in told:
                    yield Progress(**told, state={**kept, "step": told.get("step", 0)})
            trained = self._trained(mark)
        if trained is None:
            raise TrainingError(
                "The training's process ended before it was done.",
                f"Go on from its last checkpoint, or read {self._folder / LOG}. A killed process may want more memory.",
            )
        yield trained

    async def cancel(self, state: Mapping[str, Any]) -> None:
        """Nothing is under way elsewhere."""

    def _rows(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        rows = chat_rows(examples)
        for example, row in zip(examples, rows, strict=True):
            row["id"] = example.id
            # The embedded model is asked with this turn too; without it the chat template would add another.
            if not self._settings.base and row["messages"][0]["role"] != "system":
                row["messages"].insert(0, {"role": "system", "content": SYSTEM})
        return rows

    def _prepare(self, rows: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / FACTS).unlink(missing_ok=True)
        except OSError as error:
            raise InputError(f"{self._folder} can't be written: {error.strerror}.", "Choose another folder.") from error
        with atomic_writer(self._folder / "rows.jsonl") as out:
            for row in rows:
                out.write(json.dumps(row).encode() + b"\n")

    def _trained(self, mark: str) -> Trained | None:
        """What the folder holds, if it is finished and of this very training."""
        try:
            facts = json.loads((self._folder / FACTS).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if facts.pop("mark", None) != mark:
            return None
        chosen = asdict(self._settings) | {
            "learning_rate": self._settings.learning_rate or LORA_LEARNING_RATE,
            "batch_size": self._settings.batch_size or LORA_BATCH_SIZE,
        }
        model = None if self._settings.base else ModelRef(adapter=str(self._folder))
        return Trained(model, {**chosen, **facts, "folder": str(self._folder)})


async def _lines(job: Mapping[str, Any], log: Path) -> AsyncIterator[dict[str, Any]]:
    """Run the child process and give what it tells; it is ended with this iterator, after its step under way."""
    with log.open("ab") as told:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "clear_core.train.lora_job",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=told,
        )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - both are pipes by the call that made the process
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(job).encode() + b"\n")
        async for line in process.stdout:
            yield json.loads(line)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
