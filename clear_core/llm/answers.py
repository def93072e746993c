"""What an endpoint's answer means: a reply, or a failure by name. Pure; it talks to nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from clear_core.errors import LLMError
from clear_core.llm.port import Reply

FATAL: Final[Mapping[int, tuple[str, str, str]]] = {
    HTTPStatus.UNAUTHORIZED: ("the key is refused", "Check the key.", "unauthorised"),
    HTTPStatus.FORBIDDEN: ("the key has no right to this", "Check the key's rights.", "unauthorised"),
    HTTPStatus.PAYMENT_REQUIRED: ("payment is required", "Check the account.", "rejected"),
    HTTPStatus.NOT_FOUND: (
        "there is no such model or address",
        "Check that the base URL ends in its version (/v1) and that the model exists there.",
        "rejected",
    ),
}
"""Statuses by which every further call would fail alike: words, hint, problem. The endpoint's own words are left out
of these: some repeat the key."""
TOO_LONG_WORDS: Final = ("context_length", "context length", "context size", "maximum context")
RETRYABLE: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_EARLY})
TAKES_NONE: Final = HTTPStatus.SERVICE_UNAVAILABLE
"""The one status from 500 on that says that nothing was done; the others may come after the work, from a gateway."""


def failure(status: int, code: str, said: str, *, host: str) -> LLMError:
    """The failure that an HTTP status other than success stands for.

    Args:
        status: the HTTP status.
        code: the code in the endpoint's error, or "".
        said: the endpoint's words, free of the key.
        host: the base URL.
    """
    where = f"{host} answers {status}"
    if status in FATAL:
        words, hint, problem = FATAL[status]
        return LLMError(f"{where}: {words}.", hint, problem=problem, fatal=True, may_be_billed=False)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        hint = "Give the address that it redirects to, if you trust it; redirects are not followed."
        return LLMError(f"{where}: it redirects.", hint, problem="rejected", fatal=True, may_be_billed=False)
    if code == "insufficient_quota":
        hint = "Raise the quota or use another key."
        words = "the quota is used up"
        return LLMError(f"{where}: {words}.", hint, problem="rate_limited", fatal=True, may_be_billed=False)
    retryable = True
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        problem = "rate_limited"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in RETRYABLE:
        problem = "unreachable"
    else:
        problem, retryable = _row_problem(status, code, said), False
    billed = _may_be_billed(status, problem)
    return LLMError(f"{where}: {said}", problem=problem, retryable=retryable, may_be_billed=billed)


def _may_be_billed(status: int, problem: str) -> bool:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return status != TAKES_NONE
    # A prompt was read before a filter stopped it.
    return status == HTTPStatus.REQUEST_TIMEOUT or problem == "filtered"


def _row_problem(status: int, code: str, said: str) -> str:
    if code == "content_filter":
        return "filtered"
    too_long = any(words in f"{code} {said}".lower() for words in TOO_LONG_WORDS)
    return "too_long" if too_long or status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else "rejected"


def validate(body: str, *, may_be_cut: bool = False) -> Reply:
    """Read a chat completion strictly.

    Args:
        body: the response's body as text.
        may_be_cut: whether a reply that ends at the length limit is usable.

    Returns:
        The first choice's text and the tokens billed.

    Raises:
        LLMError: "malformed" for anything but a chat completion, "refused", "filtered", "truncated" or "empty".
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _malformed("it has no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise _malformed("it has no message")
    finish = choices[0].get("finish_reason")
    if message.get("refusal"):
        raise LLMError("The model refused to answer.", problem="refused")
    if finish == "content_filter":
        raise LLMError("The endpoint's content filter stopped the reply.", problem="filtered")
    text = message.get("content")
    cut = finish == "length"
    if cut and not may_be_cut:
        raise LLMError("The reply reached the length limit.", "Allow more tokens.", problem="truncated")
    if text is None or text == "":
        raise LLMError("The endpoint returned no text.", problem="empty")
    if not isinstance(text, str) or not _is_unicode(text):
        raise _malformed("its text is not text")
    if not text.strip():
        raise LLMError("The endpoint returned only white space.", problem="empty")
    used = answer.get("usage")
    return Reply(text, (), _count(used, "prompt_tokens"), _count(used, "completion_tokens"), cut)


def _malformed(why: str) -> LLMError:
    return LLMError(f"The endpoint's answer is no chat completion: {why}.", problem="malformed", retryable=True)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _count(used: object, name: str) -> int:
    value = used.get(name) if isinstance(used, Mapping) else None
    return value if isinstance(value, int) and value >= 0 else 0
