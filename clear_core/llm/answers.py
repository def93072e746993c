"""What an endpoint's answer means: a reply, or a failure by name. Pure; it talks to nobody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from clear_core.errors import LLMError
from clear_core.llm.port import Reply, Token

TAIL: Final = 24
"""How many of a reply's last tokens are kept with their alternatives: room for a last line such as "answer: (B)"."""
LEAST: Final = -9999.0
"""The log-probability that stands for minus infinity, which JSON can't hold."""
MOST_TOKENS: Final = 2**31
"""No call takes as many; a larger count is none, and no database would hold it."""
ROUNDING: Final = 1e-3
"""How far over 0 a log-probability may be by rounding."""

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


def scrubbed(said: str, key: str) -> str:
    """An endpoint's words without the key, in one line, at most 300 characters."""
    line = " ".join((said.replace(key, "…") if key else said).split())
    return line if len(line) <= 300 else line[:299] + "…"


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
    answer, choices = _completion(body)
    reply = _read(choices[0], may_be_cut=may_be_cut)
    used = answer.get("usage")
    return replace(reply, tokens_in=_count(used, "prompt_tokens"), tokens_out=_count(used, "completion_tokens"))


def validate_many(body: str, wanted: int, *, may_be_cut: bool = False) -> list[Reply | LLMError]:
    """Read a chat completion with several choices strictly, each by itself.

    The endpoint bills the choices as one: the usable ones share the tokens evenly, so that their sum is what was
    billed and no choice is told to have cost more than another.

    Args:
        body: the response's body as text.
        wanted: how many choices were asked for; more are left out.
        may_be_cut: whether a reply that ends at the length limit is usable.

    Returns:
        A reply or what is wrong with it for each choice; fewer than wanted where the endpoint gave fewer.

    Raises:
        LLMError: "malformed" for anything but a chat completion.
    """
    answer, choices = _completion(body)
    read: list[Reply | LLMError] = []
    for choice in choices[:wanted]:
        try:
            read.append(_read(choice, may_be_cut=may_be_cut))
        except LLMError as error:
            read.append(error)
    usable = sum(isinstance(each, Reply) for each in read)
    shares = zip(
        _shares(_count(answer.get("usage"), "prompt_tokens"), usable),
        _shares(_count(answer.get("usage"), "completion_tokens"), usable),
        strict=True,
    )
    return [_billed(each, *next(shares)) if isinstance(each, Reply) else each for each in read]


def _completion(body: str) -> tuple[dict[str, Any], list[Any]]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices:
        raise _malformed("it has no choices")
    return answer, choices


def _read(choice: Any, *, may_be_cut: bool) -> Reply:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise _malformed("it has no message")
    finish = choice.get("finish_reason")
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
    return Reply(text, cut=cut, tail=_tail(choice.get("logprobs")))


def _tail(told: object) -> tuple[Token, ...]:
    """The last tokens with their alternatives; none where the endpoint tells anything but such a list."""
    tokens = told.get("content") if isinstance(told, Mapping) else None
    if not isinstance(tokens, list):
        return ()
    try:
        return tuple(_token(each) for each in tokens[-TAIL:])
    except (KeyError, TypeError, ValueError, OverflowError):
        return ()


def _token(told: Mapping[str, Any]) -> Token:
    alternatives = {_text(each["token"]): _log_probability(each["logprob"]) for each in told["top_logprobs"]}
    alternatives.setdefault(_text(told["token"]), _log_probability(told["logprob"]))
    return Token(told["token"], tuple(sorted(alternatives.items(), key=lambda each: -each[1])))


def _text(token: object) -> str:
    if isinstance(token, str) and _is_unicode(token):
        return token
    raise ValueError


def _log_probability(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value <= ROUNDING:
        return min(0.0, max(float(value), LEAST))
    raise ValueError


def _billed(reply: Reply, tokens_in: int, tokens_out: int) -> Reply:
    return replace(reply, tokens_in=tokens_in, tokens_out=tokens_out)


def _shares(total: int, count: int) -> list[int]:
    """A total in `count` whole parts that differ by at most one."""
    return [total // count + (number < total % count) for number in range(count)]


def _malformed(why: str) -> LLMError:
    return LLMError(f"The endpoint's answer is no chat completion: {why}.", problem="malformed", retryable=True)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _count(used: object, name: str) -> int:
    value = used.get(name) if isinstance(used, Mapping) else None
    return value if isinstance(value, int) and 0 <= value <= MOST_TOKENS else 0
