"""Any OpenAI-compatible chat endpoint. The only module that imports `openai`.

Every reply is validated, every failure is an `LLMError` with a named problem, and no message holds the key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, DefaultAioHttpClient, OpenAIError, Timeout

from clear_core.errors import InputError, LLMError
from clear_core.llm.answers import failure, scrubbed, validate, validate_many
from clear_core.llm.base_url import check_base_url, refuse_metadata
from clear_core.llm.dialect import Dialect
from clear_core.llm.flow import Flow
from clear_core.llm.port import ChatRequest, Reply
from clear_core.types import Message

CONNECT_SECONDS: Final = 10.0
LONGEST_WAIT: Final = 60.0


class OpenAIChat:
    """A chat model behind an OpenAI-compatible endpoint. It belongs to one event loop.

    Args:
        base_url: the endpoint, up to and with its version (".../v1").
        model: the model's name there.
        api_key: the key; empty for an endpoint that wants none.
        timeout: seconds for one try, from sending to the last byte.
        deadline: seconds for one call from its first place among those under way, waits between tries included.
        tries: how often a call is tried that the endpoint surely did not take.
        most_at_once: calls under way at once; fewer while the endpoint says that they are too many.

    Raises:
        InputError: when the base URL can't be used or the model has no name.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        timeout: float = 120.0,
        deadline: float = 600.0,
        tries: int = 5,
        most_at_once: int = 64,
    ) -> None:
        self._base_url = check_base_url(base_url)
        if not model.strip():
            raise InputError("The model has no name.", "Give the model's name as the endpoint lists it.")
        self._model = model.strip()
        self._key = api_key
        self._timeout = timeout
        self._deadline = deadline
        self._tries = tries
        self._flow = Flow(most_at_once)
        self._resolved = False
        self._dialect = Dialect(self._model)
        self._client = AsyncOpenAI(
            base_url=self._base_url,
            api_key=api_key or "none",
            max_retries=0,
            timeout=Timeout(None, connect=CONNECT_SECONDS),
            http_client=DefaultAioHttpClient(follow_redirects=False),
        )

    @property
    def model(self) -> str:
        """The model's name at the endpoint."""
        return self._model

    @property
    def host(self) -> str:
        """The base URL; it holds no credentials."""
        return self._base_url

    async def complete(self, request: ChatRequest) -> Reply:
        """Complete once. Tries again only what surely was not billed: at most one request that may be billed is sent.

        Raises:
            LLMError: with the problem by name; fatal where every other call would fail alike.
        """
        return validate(await self._asked(request, 1), may_be_cut=request.may_be_cut)

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
        """Complete once for each of some requests that differ in their sample numbers alone, in one request of `n`.

        An endpoint that takes no `n` is remembered, one that answers with a single choice too: from then on the list
        is empty at once.

        Returns:
            A reply, or what is wrong with it, for the first of the requests; fewer than asked where the endpoint gives
            fewer, and none, unbilled, where it takes no `n`.

        Raises:
            LLMError: what goes wrong with the request as a whole, as `complete` does.
        """
        wanted = len(requests)
        if not self._dialect.gives_many or wanted < 2:
            return []
        try:
            body = await self._asked(requests[0], wanted)
        except LLMError as error:
            # Some count the room for every choice against the context: one choice may fit where `n` do not.
            takes_one = error.problem in {"rejected", "too_long"} and not error.fatal
            if error.may_be_billed or (self._dialect.gives_many and not takes_one):
                raise
            # Refused for its `n`, or for what it does not say: asked one by one, each tells what is wrong with it.
            return []
        given = validate_many(body, wanted, may_be_cut=requests[0].may_be_cut)
        if len(given) == 1:
            self._dialect.one_by_one("it gives one choice")
        return given

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _asked(self, request: ChatRequest, many: int) -> str:
        """The body of the endpoint's answer to one request for `many` choices."""
        await self._resolve()
        course = _Course(asyncio.timeout(None))
        try:
            async with course.limit:
                return await self._persist(request, many, course)
        except TimeoutError:
            # Between two tries nothing is under way that could be billed: what the endpoint said last is the reason.
            raise (course.refusal or _timed_out(self._deadline)) from None

    async def _persist(self, request: ChatRequest, many: int, course: _Course) -> str:
        failures = 0
        while True:
            async with self._flow.place():
                course.send(self._deadline)
                fields = self._dialect.fields(request, many)
                try:
                    body = await self._send(request.messages, fields)
                except APIStatusError as error:
                    said = scrubbed(error.message, self._key)
                    problem = failure(error.status_code, str(error.code or ""), said, host=self._base_url)
                    wait = _asked_wait(error)
                    if self._dialect.learn(error.status_code, f"{error.param} {error.message}", fields):
                        course.refusal = problem
                        continue
                except APIConnectionError as error:
                    problem, wait = self._disconnected(error), None
                except OpenAIError as error:
                    raise LLMError(f"The endpoint failed: {type(error).__name__}.", problem="malformed") from None
                else:
                    self._flow.taken()
                    return body
                if problem.problem == "rate_limited":
                    self._flow.refused()
            failures += problem.problem != "rate_limited"
            if problem.may_be_billed or not problem.retryable or failures >= self._tries:
                raise problem
            course.refusal = problem
            # Full jitter: many callers who failed together must not come back together.
            longest = min(LONGEST_WAIT, 0.5 * 2 ** min(failures, 7))
            await asyncio.sleep(wait if wait is not None else random.uniform(0.05, longest))  # noqa: S311

    async def _send(self, messages: Sequence[Message], fields: Mapping[str, Any]) -> str:
        try:
            # The transport's own time-outs start anew with every byte; this one does not.
            async with asyncio.timeout(self._timeout):
                # Messages go beside the other fields: the client would walk each by its type, a fifth of a call's work.
                raw = await self._client.chat.completions.with_raw_response.create(
                    model=self._model, messages=[], extra_body={"messages": _turns(messages), **fields}
                )
                return raw.text
        except TimeoutError:
            # Not tried again: the endpoint may have done the work and bill it.
            raise _timed_out(self._timeout) from None

    def _disconnected(self, error: APIConnectionError) -> LLMError:
        if _was_sent(error):
            return LLMError(
                f"{self._base_url} hung up before it had answered in full.",
                "Try again later.",
                problem="unreachable",
                retryable=True,
            )
        return LLMError(
            f"{self._base_url} could not be reached.",
            "Check the base URL and whether the endpoint is up.",
            problem="unreachable",
            retryable=True,
            may_be_billed=False,
        )

    async def _resolve(self) -> None:
        """Refuse a metadata address, once before the first call."""
        if not self._resolved:
            await refuse_metadata(self._base_url)
            self._resolved = True


def _was_sent(error: BaseException) -> bool:
    """Whether the request may have left. The transport calls a hang-up a failed connect too; only its cause tells."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return False
        cause = cause.__cause__
    return True


def _timed_out(seconds: float) -> LLMError:
    return LLMError(f"No answer within {seconds:g} seconds.", "Try again later.", problem="timeout", retryable=True)


def _turns(messages: Sequence[Message]) -> Any:
    # The API takes a tool's turn only with the id of a call, which datasets rarely keep: it goes as a user's turn.
    return [
        {"role": "user", "content": f"[tool]\n{message.content}"}
        if message.role == "tool"
        else {"role": message.role, "content": message.content}
        for message in messages
    ]


def _asked_wait(error: APIStatusError) -> float | None:
    """The seconds that the endpoint asks to wait, at most a minute; None where it does not say."""
    try:
        return min(LONGEST_WAIT, max(0.0, float(error.response.headers.get("retry-after", ""))))
    except ValueError:
        return None


@dataclass(slots=True)
class _Course:
    """How a call stands.

    Attributes:
        limit: ends it; without an end until it is first sent, since waiting for a place costs nothing.
        refusal: what the endpoint refused it for, while it waits to be tried again.
    """

    limit: asyncio.Timeout
    refusal: LLMError | None = None

    def send(self, deadline: float) -> None:
        """Note that it is sent now; its time begins with its first try."""
        self.refusal = None
        if self.limit.when() is None:
            self.limit.reschedule(asyncio.get_running_loop().time() + deadline)
