"""OpenAI's fine-tuning API over HTTP: files, jobs, their events. Every answer is checked, no message holds the key."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal, get_args

import aiohttp

from clear_core.errors import LLMError
from clear_core.llm.answers import failure, scrubbed
from clear_core.llm.base_url import check_base_url, refuse_metadata

JobStatus = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]

CALL_SECONDS: Final = 60.0
UPLOAD_SECONDS: Final = 1800.0
PAGE: Final = 100
MOST_PAGES: Final = 50
"""How far back a list is read."""


@dataclass(frozen=True, slots=True)
class Job:
    """A fine-tuning job as the endpoint tells it.

    Attributes:
        id: the job's id.
        status: how it stands.
        file: id of the file that it trains on.
        model: name of the fine-tuned model; empty until there is one.
        error: why it failed, in the endpoint's words; empty unless it did.
        told: the whole answer.
    """

    id: str
    status: JobStatus
    file: str
    model: str
    error: str
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job.

    Attributes:
        id: the event's id.
        message: in the endpoint's words.
        data: of a step: `step`, `total_steps`, `train_loss`, each where the endpoint tells it.
    """

    id: str
    message: str
    data: Mapping[str, Any]


class TuningAPI:
    """A client of the API. It belongs to one event loop.

    Args:
        base_url: the endpoint, up to and with its version.
        api_key: the key; empty for an endpoint that wants none.

    Raises:
        InputError: when the base URL can't be used.
    """

    def __init__(self, base_url: str, api_key: str = "") -> None:
        self.base_url = check_base_url(base_url)
        self._key = api_key
        self._session: aiohttp.ClientSession | None = None

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a training file; gives its id.

        Raises:
            LLMError: when the endpoint does not take it.
        """
        form = aiohttp.FormData({"purpose": "fine-tune"})
        form.add_field("file", content, filename=name, content_type="application/jsonl")
        return _text(await self._ask("POST", "/files", data=form, seconds=UPLOAD_SECONDS), "id")

    async def file_named(self, name: str) -> str | None:
        """The id of the newest training file of that name that the endpoint holds."""
        async for told in self._listed("/files", {"purpose": "fine-tune"}):
            if told.get("filename") == name and told.get("status") != "error":
                return _text(told, "id")
        return None

    async def create(self, **asked: Any) -> Job:
        """Create a job with the fields of the API's own body."""
        return self._job(await self._ask("POST", "/fine_tuning/jobs", json=asked))

    async def job(self, job_id: str) -> Job:
        """How a job stands."""
        return self._job(await self._ask("GET", f"/fine_tuning/jobs/{job_id}"))

    async def job_on(self, file: str) -> Job | None:
        """The newest job on a file that neither failed nor was cancelled."""
        async for told in self._listed("/fine_tuning/jobs", {}):
            # Others' jobs may stand in ways that ours never do.
            if told.get("training_file") == file and told.get("status") not in {"failed", "cancelled"}:
                return self._job(told)
        return None

    async def events_since(self, job_id: str, last: str) -> list[Event]:
        """A job's events after the one with the id `last` ("" for all), the oldest first."""
        found: list[Event] = []
        async for told in self._listed(f"/fine_tuning/jobs/{job_id}/events", {}):
            if told.get("id") == last:
                break
            data = told.get("data")
            said = scrubbed(str(told.get("message", "")), self._key)
            found.append(Event(_text(told, "id"), said, data if isinstance(data, dict) else {}))
        return found[::-1]

    async def cancel(self, job_id: str) -> None:
        """Cancel a job."""
        await self._ask("POST", f"/fine_tuning/jobs/{job_id}/cancel")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _listed(self, path: str, params: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
        """All of a list, the newest first, page by page."""
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = await self._ask("GET", path, params={**params, **after, "limit": str(PAGE)})
            page = answer.get("data")
            if not isinstance(page, list) or not all(isinstance(told, dict) for told in page):
                raise _malformed("its list is none")
            for told in page:
                yield told
            if not page or not answer.get("has_more"):
                return
            after = {"after": _text(page[-1], "id")}

    async def _ask(self, method: str, path: str, *, seconds: float = CALL_SECONDS, **sent: Any) -> dict[str, Any]:
        if self._session is None:
            await refuse_metadata(self.base_url)
            headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._session = aiohttp.ClientSession(headers=headers)
        try:
            async with self._session.request(
                method, self.base_url + path, allow_redirects=False, timeout=aiohttp.ClientTimeout(seconds), **sent
            ) as response:
                status, body = response.status, await response.text(errors="replace")
        except TimeoutError:
            raise LLMError(
                f"{self.base_url} did not answer within {seconds:g} seconds.", problem="timeout", retryable=True
            ) from None
        except aiohttp.ClientError:
            raise LLMError(
                f"{self.base_url} could not be reached, or hung up.",
                "Check the base URL and whether the endpoint is up.",
                problem="unreachable",
                retryable=True,
            ) from None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._failure(status, answer)
        if not isinstance(answer, dict):
            raise _malformed("it is no JSON object")
        return answer

    def _failure(self, status: int, answer: object) -> LLMError:
        error = answer.get("error") if isinstance(answer, dict) else None
        told: Mapping[str, Any] = error if isinstance(error, dict) else {}
        said = scrubbed(str(told.get("message") or HTTPStatus(status).phrase), self._key)
        if status == HTTPStatus.NOT_FOUND:
            return LLMError(
                f"{self.base_url} answers 404: {said}",
                "Check that the base URL ends in its version (/v1) and that the endpoint offers fine-tuning.",
                problem="rejected",
                fatal=True,
                may_be_billed=False,
            )
        return failure(status, str(told.get("code") or ""), said, host=self.base_url)

    def _job(self, told: Mapping[str, Any]) -> Job:
        status: Any = told.get("status")
        if status not in get_args(JobStatus):
            raise _malformed(f"the job's status is {scrubbed(repr(status), self._key)}")
        error = told.get("error")
        said = (
            scrubbed(str(error.get("message") or error.get("code") or ""), self._key) if isinstance(error, dict) else ""
        )
        return Job(
            _text(told, "id"), status, str(told.get("training_file") or ""), str(told.get("fine_tuned_model") or ""),
            said, told,
        )  # fmt: skip


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise _malformed(f"it holds no {name}")
    return value


def _malformed(why: str) -> LLMError:
    return LLMError(f"The endpoint's answer can't be used: {why}.", problem="malformed")
