"""Fine-tuning at an endpoint that speaks OpenAI's API: uploaded once, created once, watched from wherever one is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from clear_core.errors import InputError, LLMError, TrainingError
from clear_core.train.port import Progress, Trained, TrainPhase
from clear_core.train.rows import chat_rows, fingerprint
from clear_core.train.settings import TrainSettings
from clear_core.train.tuning_api import Event, Job, TuningAPI
from clear_core.types import Example, ModelRef

POLL_SECONDS: Final = 10.0
FIRST_WAIT: Final = 0.2
"""Between two looks at a job that has just told something new; it doubles while there is nothing new."""
PATIENCE: Final = 20
"""How many looks at a job may fail in a row, by a fault that may pass, before the watching ends."""
LONGEST_WAIT: Final = 300.0


class OpenAITuner:
    """Trains by OpenAI's fine-tuning API.

    The file's name is the training's fingerprint, so that file and job are found again even where nothing of them was
    noted before a crash: nothing is paid twice.

    Args:
        settings: how to train, and where.
        api_key: the endpoint's key; empty for one that wants none.
        poll_seconds: at most, between two looks at a job under way.

    Raises:
        InputError: when the base URL can't be used.
    """

    def __init__(self, settings: TrainSettings, api_key: str = "", *, poll_seconds: float = POLL_SECONDS) -> None:
        self._settings = settings
        self._key = api_key
        self._poll = poll_seconds
        TuningAPI(settings.base_url)  # an address that can't be used is refused now

    async def train(
        self, examples: Sequence[Example], state: Mapping[str, Any]
    ) -> AsyncGenerator[Progress | Trained, None]:
        """Upload, create, watch; or watch on, where that was done.

        Raises:
            InputError: when no example can be learned, or `state` is that of another training.
            LLMError: when the endpoint refuses or can't be reached; going on later is possible.
            TrainingError: when the job failed or was cancelled.
        """
        # An example without a response has nothing to learn.
        usable = [example for example in examples if example.response.strip()]
        if not usable:
            raise InputError("There is no example to learn.", "Check the file.")
        rows = [_last_turn_only(row) for row in chat_rows(usable)]
        mark = fingerprint(self._settings, rows)
        if state and state.get("mark") != mark:
            raise InputError(
                "The examples or settings are not those that this training began with.", "Start a new training."
            )
        kept: dict[str, Any] = {"mark": mark, **state}
        api = TuningAPI(self._settings.base_url, self._key)
        try:
            if not kept.get("job"):
                async for progress in self._begin(api, rows, kept):
                    yield progress
            async for told in self._watched(api, kept):
                if isinstance(told, Progress):
                    yield told
                else:
                    yield self._trained(told, len(usable), len(examples) - len(usable))
        finally:
            await api.close()

    async def cancel(self, state: Mapping[str, Any]) -> None:
        """Cancel the job; one that has ended stays as it is.

        Raises:
            LLMError: when the endpoint can't be asked.
        """
        if not state.get("file"):
            return
        api = TuningAPI(self._settings.base_url, self._key)
        try:
            # Whoever stopped while the job was being created has no note of it.
            job = await api.job(state["job"]) if state.get("job") else await api.job_on(state["file"])
            if job and job.status not in {"succeeded", "failed", "cancelled"}:
                await api.cancel(job.id)
        finally:
            await api.close()

    async def _begin(
        self, api: TuningAPI, rows: Sequence[Mapping[str, Any]], kept: dict[str, Any]
    ) -> AsyncGenerator[Progress, None]:
        """Upload and create what is not there yet; what came of it is put into `kept`."""
        name = f"clear-review-{kept['mark'][:24]}.jsonl"
        yield Progress("uploading", state=dict(kept), told=f"{len(rows):,} examples.")
        if not kept.get("file"):
            content = b"".join(json.dumps(row, ensure_ascii=False).encode(errors="replace") + b"\n" for row in rows)
            kept["file"] = await api.file_named(name) or await api.upload(name, content)
            yield Progress("uploading", state=dict(kept), told=f"The file is {kept['file']}.")
        found = await api.job_on(kept["file"])
        job = found or await api.create(**self._asked(kept["file"], kept["mark"]))
        kept["job"] = job.id
        yield Progress("queued", state=dict(kept), told=f"The job is {job.id}{', found again' if found else ''}.")

    def _asked(self, file: str, mark: str) -> dict[str, Any]:
        chosen = self._settings
        how: dict[str, Any] = {"n_epochs": chosen.epochs}
        if chosen.batch_size is not None:
            how["batch_size"] = chosen.batch_size
        if chosen.learning_rate is not None:
            how["learning_rate_multiplier"] = chosen.learning_rate
        asked: dict[str, Any] = {
            "model": chosen.base,
            "training_file": file,
            "method": {"type": "supervised", "supervised": {"hyperparameters": how}},
            "seed": chosen.seed,
            "metadata": {"clear_review": mark},
        }
        return asked | ({"suffix": chosen.suffix} if chosen.suffix else {})

    async def _watched(self, api: TuningAPI, kept: dict[str, Any]) -> AsyncGenerator[Progress | Job, None]:
        """Tell what happens to the job; the last thing given is the job that succeeded."""
        step, total, failures = int(kept.get("step", 0)), int(kept.get("total", 0)), 0
        quiet = 0
        while True:
            try:
                job = await api.job(kept["job"])
                events = await api.events_since(kept["job"], kept.get("event", ""))
            except LLMError as error:
                failures += 1
                if error.fatal or not error.retryable or failures > PATIENCE:
                    raise
                await asyncio.sleep(min(LONGEST_WAIT, self._poll * 2**failures))
                continue
            failures = 0
            phase: TrainPhase = "training" if job.status == "running" else "queued"
            for event in events:
                step, total = _whole(event, "step", step), _whole(event, "total_steps", total)
                kept.update(event=event.id, step=step, total=total)
                yield Progress(phase, step, total, _loss(event), dict(kept), event.message)
            if job.status == "succeeded":
                yield job
                return
            if job.status in {"failed", "cancelled"}:
                raise TrainingError(*_ended(job))
            yield Progress(phase, step, total, state=dict(kept))
            quiet = 0 if events else quiet + 1
            await asyncio.sleep(min(self._poll, FIRST_WAIT * 2 ** min(quiet, 9)))

    def _trained(self, job: Job, examples: int, blank: int) -> Trained:
        if not job.model:
            raise LLMError("The endpoint says that the job is done, but names no model.", problem="malformed")
        told = {name: job.told.get(name) for name in ("model", "trained_tokens", "seed", "result_files", "finished_at")}
        facts = {
            "trainer": "openai",
            "base": self._settings.base,
            "examples": examples,
            "left_out": {"blank": blank} if blank else {},
            "job": job.id,
            "file": job.file,
            "hyperparameters": _hyperparameters(job),
            **{name: value for name, value in told.items() if value is not None},
        }
        return Trained(ModelRef(self._settings.base_url.rstrip("/"), job.model), facts)


def _last_turn_only(row: dict[str, Any]) -> dict[str, Any]:
    """Earlier assistant turns get the weight 0: the API would learn them too."""
    *before, response = row["messages"]
    return {"messages": [*({**t, "weight": 0} if t["role"] == "assistant" else t for t in before), response]}


def _ended(job: Job) -> tuple[str, str]:
    if job.status == "cancelled":
        return f"The job {job.id} was cancelled.", "Start a new training if that was not meant."
    return f"The job {job.id} failed: {job.error or 'the endpoint does not say why'}.".replace("..", "."), ""


def _hyperparameters(job: Job) -> Any:
    method = job.told.get("method")
    supervised = method.get("supervised") if isinstance(method, dict) else None
    told = supervised.get("hyperparameters") if isinstance(supervised, dict) else None
    return told or job.told.get("hyperparameters")


def _whole(event: Event, name: str, otherwise: int) -> int:
    value = event.data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise


def _loss(event: Event) -> float | None:
    value = event.data.get("train_loss")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
