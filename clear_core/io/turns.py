"""Lists of turns, as OpenAI chat, ShareGPT and TRL spell them -> messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clear_core.io.record import RecordError
from clear_core.io.strict_json import kind, load
from clear_core.types import Message, Role

ROLES: Final[Mapping[str, Role]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "tool": "tool",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
}
ROLE_KEYS: Final = ("role", "from")
CONTENT_KEYS: Final = ("content", "value", "text")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn with where its text stands.

    Attributes:
        message: role and text.
        key: the key of its text.
        in_parts: whether the text is a list of content parts.
        calls_tool: whether it calls a tool beside or instead of its text.
    """

    message: Message
    key: str
    in_parts: bool
    calls_tool: bool


def read_list(value: Any, column: str) -> list[Any]:
    """The turns of a column, also where a table holds them as JSON text.

    Raises:
        RecordError: when it is no list.
    """
    if isinstance(value, str):
        try:
            value = load(value)
        except RecordError as error:
            raise RecordError(
                column, f"The text in {column!r} is no list of turns. {error.message}", error.hint
            ) from None
    if not isinstance(value, list):
        raise RecordError(column, f"{column!r} is {kind(value)}, not a list of turns.", "Map another column.")
    return value


def read_turns(turns: Sequence[Any], column: str) -> list[Turn]:
    """Read every turn.

    Raises:
        RecordError: naming the first turn that is not one.
    """
    return [_read_turn(turn, column, number) for number, turn in enumerate(turns, 1)]


def last_assistant(turns: Sequence[Turn], column: str) -> int:
    """Index of the last assistant turn: the response.

    Raises:
        RecordError: when there is none, or it calls a tool, which is no text to score.
    """
    for index in range(len(turns) - 1, -1, -1):
        if turns[index].message.role == "assistant":
            if turns[index].calls_tool:
                raise RecordError(
                    column, "The last assistant turn calls a tool.", "Only responses in text can be scored."
                )
            return index
    raise RecordError(column, "There is no assistant turn.", "Add the response or leave the record out.")


def _read_turn(turn: Any, column: str, number: int) -> Turn:
    where = f"Turn {number} of {column!r}"
    if not isinstance(turn, Mapping):
        raise RecordError(column, f"{where} is {kind(turn)}, not an object with role and content.")
    role = next((turn[key] for key in ROLE_KEYS if turn.get(key) is not None), None)
    if not isinstance(role, str) or role.lower() not in ROLES:
        said = "has no role" if role is None else f"has the unknown role {str(role)[:40]!r}"
        raise RecordError(column, f"{where} {said}.", "Use system, user, assistant or tool.")
    key = next((key for key in CONTENT_KEYS if turn.get(key) is not None), "content")
    call = turn.get("tool_calls") or turn.get("function_call")
    text, in_parts = _read_content(turn.get(key), column, where, may_be_empty=bool(call))
    if call:
        # An earlier call is part of what the response answers: the model sees it as the text that it is.
        text = f"{text}\n{json.dumps(call, ensure_ascii=False, default=str)}".strip()
    return Turn(Message(ROLES[role.lower()], text), key, in_parts, bool(call))


def _read_content(content: Any, column: str, where: str, *, may_be_empty: bool) -> tuple[str, bool]:
    if isinstance(content, str):
        return content, False
    if content is None and may_be_empty:
        return "", False
    if not isinstance(content, list):
        raise RecordError(column, f"The content of turn {where[5:]} is {kind(content)}, not text.")
    texts = []
    for part in content:
        text = part.get("text") if isinstance(part, Mapping) else part
        other = part.get("type", "text") if isinstance(part, Mapping) else "text"
        if not isinstance(text, str) or other not in {"text", "input_text", "output_text"}:
            raise RecordError(
                column, f"{where} holds a part that is not text ({str(other)[:40]}).", "Only text is scored."
            )
        texts.append(text)
    return "\n".join(texts), True
