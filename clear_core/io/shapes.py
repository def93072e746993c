"""A record and a field map -> prompt, response and the place of the response in the record."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clear_core.io.record import Record, RecordError
from clear_core.io.source import FieldMap
from clear_core.io.strict_json import kind
from clear_core.io.turns import Turn, last_assistant, read_list, read_turns
from clear_core.types import Example, Message, RowProblem

_JOIN: Final = "\n\n"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a record says.

    Attributes:
        prompt: the conversation before the response.
        response: the text to score.
        column: the column that holds the response.
        turn: index of its turn where the column holds a list of turns.
        key: key of its text in that turn; empty where the column itself is the text.
        in_parts: whether its text is a list of content parts.
    """

    prompt: tuple[Message, ...]
    response: str
    column: str
    turn: int = 0
    key: str = ""
    in_parts: bool = False

    @property
    def path(self) -> tuple[str | int, ...]:
        """Keys and indices that lead to the response inside its column."""
        return (self.turn, self.key) if self.key else ()

    def content(self, response: str) -> Any:
        """Another response in the form that this one has."""
        return [{"type": "text", "text": response}] if self.in_parts else response


def read_record(record: Record, field_map: FieldMap) -> Example | RowProblem:
    """The example in a record, or what is wrong with it."""
    try:
        if record.problem is not None:
            raise record.problem
        value = record.value or {}
        reading = read_value(value, field_map)
        text = field_map.text_columns
        return Example(
            id=_own_id(value, field_map.id) or _made_id(reading, record.row),
            row=record.row,
            prompt=reading.prompt,
            response=reading.response,
            meta={column: inner for column, inner in value.items() if column not in text},
        )
    except RecordError as error:
        return record.row_problem(error)


def read_value(value: Mapping[str, Any], field_map: FieldMap) -> Reading:
    """Find prompt and response.

    Raises:
        RecordError: naming the column that does not hold what it should.
    """
    opening = [Message("system", text) for text in _texts(value, field_map.system)]
    if field_map.is_conversation:
        return _conversation(value, field_map.prompt, opening)
    opening += _history(value, field_map.history)
    opening += _prompt(value, field_map)
    answer = _needed(value, field_map.response)
    if isinstance(answer, str):
        return Reading(tuple(opening), answer, field_map.response)
    if isinstance(answer, list):
        return _ending_in(answer, field_map.response, opening)
    raise _not_text(field_map.response, answer)


def _conversation(value: Mapping[str, Any], column: str, opening: list[Message]) -> Reading:
    return _ending_in(read_list(_needed(value, column), column), column, opening)


def _ending_in(items: list[Any], column: str, opening: list[Message]) -> Reading:
    turns = read_turns(items, column)
    index = last_assistant(turns, column)
    last: Turn = turns[index]
    prompt = (*opening, *(turn.message for turn in turns[:index]))
    return Reading(prompt, last.message.content, column, index, last.key, last.in_parts)


def _prompt(value: Mapping[str, Any], field_map: FieldMap) -> list[Message]:
    first = _needed(value, field_map.prompt)
    more = [*_texts(value, field_map.context), *_texts(value, field_map.input)]
    if isinstance(first, str):
        return [Message("user", _JOIN.join(text for text in (first, *more) if text))]
    if not isinstance(first, list):
        raise _not_text(field_map.prompt, first)
    turns = read_turns(first, field_map.prompt)
    return [*(turn.message for turn in turns), *(Message("user", text) for text in more)]


def _history(value: Mapping[str, Any], column: str) -> list[Message]:
    if not column or value.get(column) in (None, "", []):
        return []
    messages = []
    for number, pair in enumerate(read_list(value[column], column), 1):
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise RecordError(
                column, f"Item {number} of {column!r} is not a pair of two texts.", "Write [user, assistant]."
            )
        messages += [Message("user", pair[0]), Message("assistant", pair[1])]
    return messages


def _needed(value: Mapping[str, Any], column: str) -> Any:
    if column not in value:
        raise RecordError(column, f"The column {column!r} is missing.", "Add it, or map another column.")
    return value[column]


def _texts(value: Mapping[str, Any], column: str) -> list[str]:
    """The text of an optional column: one, or none where it is absent, null or empty."""
    text = value.get(column) if column else None
    if text is None or text == "":
        return []
    if not isinstance(text, str):
        raise _not_text(column, text)
    return [text]


def _not_text(column: str, value: Any) -> RecordError:
    said = json.dumps(value, ensure_ascii=False, default=str)
    told = kind(value) if value is None else f"{kind(value)} ({said[:60]}{'…' if len(said) > 60 else ''})"
    return RecordError(column, f"{column!r} is {told}, not text.", "Write it as a string, or map another column.")


def _own_id(value: Mapping[str, Any], column: str) -> str:
    own = value.get(column) if column else None
    if own is None or (isinstance(own, float) and math.isnan(own)):
        return ""
    if isinstance(own, list | dict):
        raise RecordError(column, f"The id is {kind(own)}.", "Map another column as the id, or none.")
    return own if isinstance(own, str) else str(own)


def _made_id(reading: Reading, row: int) -> str:
    digest = hashlib.sha256()
    for message in reading.prompt:
        digest.update(f"{message.role}\x1f{message.content}\x1e".encode())
    digest.update(reading.response.encode())
    return f"{digest.hexdigest()[:12]}-{row}"
