"""OpenAI's fine-tuning API as the stub endpoint speaks it: files and jobs that go on a little each time one looks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

LEAST_EXAMPLES: Final = 10
"""As few as the real one takes."""


class StubTuning:
    """Files and jobs, kept in memory.

    Args:
        steps: how many steps a job takes; each look at a running one does one.
        failing: the message by which every job fails while it runs; "" for none.
        lost: how many uploads or creations are done and then answered by hanging up.

    Attributes:
        files: id -> what is told of a file; `content` holds its text.
        jobs: id -> what is told of a job.
    """

    def __init__(self, steps: int = 3, failing: str = "", lost: int = 0) -> None:
        self._steps = steps
        self._failing = failing
        self._lost = lost
        self.files: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._done: dict[str, int] = {}

    def mount(self, app: web.Application) -> None:
        """Add the API's routes to an application."""
        app.router.add_post("/v1/files", self._upload)
        app.router.add_get("/v1/files", self._list_files)
        app.router.add_post("/v1/fine_tuning/jobs", self._create)
        app.router.add_get("/v1/fine_tuning/jobs", self._list_jobs)
        app.router.add_get("/v1/fine_tuning/jobs/{job}", self._look)
        app.router.add_get("/v1/fine_tuning/jobs/{job}/events", self._list_events)
        app.router.add_post("/v1/fine_tuning/jobs/{job}/cancel", self._cancel)

    async def _upload(self, request: web.Request) -> web.Response:
        fields = await request.post()
        file = fields.get("file")
        if not isinstance(file, web.FileField) or fields.get("purpose") != "fine-tune":
            return _error(400, "invalid_request_error", "'file' and 'purpose' are required.")
        content = file.file.read().decode()
        name = f"file-{len(self.files) + 1}"
        self.files[name] = {
            "id": name, "object": "file", "bytes": len(content), "created_at": len(self.files),
            "filename": file.filename, "purpose": "fine-tune", "status": "processed", "content": content,
        }  # fmt: skip
        return self._answer(request, _public(self.files[name]))

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("training_file") not in self.files:
            return _error(400, "invalid_training_file", f"invalid training_file: {asked.get('training_file')}")
        method = asked.get("method", {"type": "supervised", "supervised": {}})
        name = f"ftjob-{len(self.jobs) + 1}"
        self.jobs[name] = {
            "id": name, "object": "fine_tuning.job", "created_at": len(self.jobs), "model": asked["model"],
            "training_file": asked["training_file"], "status": "validating_files", "fine_tuned_model": None,
            "finished_at": None, "trained_tokens": None, "error": None, "organization_id": "org-stub",
            "hyperparameters": method["supervised"].get("hyperparameters", {}), "method": method, "result_files": [],
            "seed": asked.get("seed", 0), "validation_file": None, "metadata": asked.get("metadata"),
            "user_provided_suffix": asked.get("suffix"),
        }  # fmt: skip
        self._events[name], self._done[name] = [], 0
        self._note(name, f"Created fine-tuning job: {name}")
        return self._answer(request, self.jobs[name])

    async def _look(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["job"])
        if job is None:
            return _error(404, "fine_tune_not_found", "Could not find fine tune.")
        self._go_on(job)
        return web.json_response(job)

    async def _cancel(self, request: web.Request) -> web.Response:
        job = self.jobs[request.match_info["job"]]
        if job["status"] in {"succeeded", "failed", "cancelled"}:
            return _error(400, "invalid_request_error", f"Job has already {job['status']}.")
        job["status"] = "cancelled"
        self._note(job["id"], "The job was cancelled.")
        return web.json_response(job)

    async def _list_files(self, request: web.Request) -> web.Response:
        return _page(request, [_public(file) for file in self.files.values()])

    async def _list_jobs(self, request: web.Request) -> web.Response:
        return _page(request, list(self.jobs.values()))

    async def _list_events(self, request: web.Request) -> web.Response:
        return _page(request, self._events[request.match_info["job"]])

    def _go_on(self, job: dict[str, Any]) -> None:
        """What happens to a job between two looks."""
        content = self.files[job["training_file"]]["content"]
        rows = [json.loads(line) for line in content.splitlines()]
        if job["status"] == "validating_files":
            if len(rows) < LEAST_EXAMPLES:
                few = f"Training file has {len(rows)} example(s), but must have at least {LEAST_EXAMPLES} examples"
                self._fail(job, "invalid_n_examples", few, "training_file")
                return
            job["status"] = "queued"
            self._note(job["id"], "Files validated, moving job to queued state")
        elif job["status"] == "queued":
            job["status"] = "running"
            self._note(job["id"], "Fine-tuning job started")
        elif job["status"] == "running" and self._failing:
            self._fail(job, "server_error", self._failing, None)
        elif job["status"] == "running" and self._done[job["id"]] < self._steps:
            self._step(job)
        elif job["status"] == "running":
            name = f"ft:{job['model']}:stub:{job['user_provided_suffix'] or ''}:{job['id'][-1]}"
            job.update(status="succeeded", fine_tuned_model=name, finished_at=1, trained_tokens=len(content) // 4)
            self._note(job["id"], f"New fine-tuned model created: {name}")

    def _step(self, job: Mapping[str, Any]) -> None:
        self._done[job["id"]] += 1
        step = self._done[job["id"]]
        data = {"step": step, "total_steps": self._steps, "train_loss": round(2.0 / step, 2)}
        said = f"Step {step}/{self._steps}: training loss={data['train_loss']}"
        self._note(job["id"], said, {"type": "metrics", "data": data})

    def _fail(self, job: dict[str, Any], code: str, message: str, param: str | None) -> None:
        job.update(status="failed", error={"code": code, "message": message, "param": param})
        self._note(job["id"], message, {"level": "error"})

    def _note(self, job: str, message: str, more: Mapping[str, Any] | None = None) -> None:
        number = len(self._events[job])
        event = {"object": "fine_tuning.job.event", "id": f"ftevent-{job}-{number}", "created_at": number}
        self._events[job].append({**event, "level": "info", "message": message, "type": "message", **(more or {})})

    def _answer(self, request: web.Request, told: Mapping[str, Any]) -> web.Response:
        self._lost -= 1
        if self._lost >= 0 and request.transport is not None:
            request.transport.close()
        return web.json_response(told)


def _public(file: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in file.items() if name != "content"}


def _page(request: web.Request, told: list[dict[str, Any]]) -> web.Response:
    """A list as the API gives it: the newest first, from behind the id `after`."""
    newest = told[::-1]
    after = request.query.get("after")
    start = next((place + 1 for place, item in enumerate(newest) if item["id"] == after), 0)
    end = start + int(request.query.get("limit", "20"))
    return web.json_response({"object": "list", "data": newest[start:end], "has_more": end < len(newest)})


def _error(status: int, code: str, message: str) -> web.Response:
    told = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return web.json_response({"error": told}, status=status)
