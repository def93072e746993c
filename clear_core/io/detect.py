"""Find out what a file is: its format by its bytes, its shape by the names and values of its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any, Final

from clear_core.errors import InputError
from clear_core.io.opening import sniff
from clear_core.io.readers import read_records
from clear_core.io.record import Record, RecordError
from clear_core.io.shapes import read_record
from clear_core.io.source import Detection, FieldMap, Source
from clear_core.io.turns import read_list
from clear_core.types import Example, Shape

SAMPLE: Final = 50

TURNS: Final = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns")
PROMPTS: Final = (
    "instruction",
    "instructions",
    "prompt",
    "user_prompt",
    "question",
    "query",
    "problem",
    "request",
    "user",
)
RESPONSES: Final = ("output", "response", "completion", "answer", "target", "reply", "solution", "assistant", "ideal")
INPUTS: Final = ("input", "inputs", "question", "query", "user_input")
CONTEXTS: Final = ("context", "passage", "article", "document", "background", "knowledge", "text")
SYSTEMS: Final = ("system", "system_prompt", "system_message")
IDS: Final = ("id", "_id", "uuid", "uid", "row_id", "example_id", "sample_id", "idx")
CATEGORIES: Final = ("category", "task_type", "task", "domain", "topic", "subset")
OWN_NAMES: Final = ({"instruction", "output"}, {"prompt", "response"}, {"prompt", "completion"})


def detect(source: Source) -> Detection:
    """Find format, compression and shape from a bounded prefix.

    Returns:
        The proposal, with how certain it is and why.

    Raises:
        InputError: when the format is not supported or no shape fits; lists the columns.
    """
    file_format, compression = sniff(source)
    sample = _sample(source)
    values = [record.value for record in sample if record.value is not None]
    if not values:
        raise _nothing(source, sample)
    columns = _columns(values)
    field_map = propose_map(columns, values)
    if field_map is None:
        raise _no_shape(source, columns, values[0])
    readable = sum(isinstance(read_record(record, field_map), Example) for record in sample)
    certainty = round(_named(field_map, columns) * readable / len(sample), 2)
    why = f"{_said(field_map)}; {readable} of the first {len(sample)} records can be read."
    return Detection(file_format, compression, field_map, columns, certainty, why)


def read_columns(source: Source) -> tuple[str, ...]:
    """The columns of the first records, for a map by hand where `detect` finds no shape.

    Raises:
        InputError: when no record can be read.
    """
    sample = _sample(source)
    values = [record.value for record in sample if record.value is not None]
    if not values:
        raise _nothing(source, sample)
    return _columns(values)


def propose_map(columns: Sequence[str], values: Sequence[Mapping[str, Any]]) -> FieldMap | None:
    """Give the columns meanings by their names, and the turns by their values; None when no shape fits."""
    common = {"id": _first(columns, IDS), "category": _first(columns, CATEGORIES), "system": _first(columns, SYSTEMS)}
    for column in _all(columns, TURNS):
        if turns := _turns_shape(column, values):
            return FieldMap(turns, column, **common)
    response = _first(columns, RESPONSES)
    rest = [column for column in columns if column != response]
    prompt = _first(rest, PROMPTS) or _first(rest, INPUTS) or _first(rest, CONTEXTS)
    if not response or not prompt:
        return None
    rest.remove(prompt)
    # Beside an instruction a question is what it is asked about; beside a prompt it is the prompt once more.
    instructed = _name(prompt).startswith("instruction")
    context, more = _first(rest, CONTEXTS), _first(rest, INPUTS if instructed else INPUTS[:2])
    history = _first(rest, ("history",))
    if context and not more:
        context, more = "", context
    shape: Shape = "alpaca" if more or history or instructed else "prompt_response"
    return FieldMap(shape, prompt, input=more, response=response, history=history, context=context, **common)


def _sample(source: Source) -> list[Record]:
    with closing(read_records(source)) as records:
        return list(islice(records, SAMPLE))


def _columns(values: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(column for value in values for column in value))


def _turns_shape(column: str, values: Sequence[Mapping[str, Any]]) -> Shape | None:
    for value in values:
        try:
            turns = read_list(value.get(column), column)
        except RecordError:
            continue
        if turns and isinstance(turns[0], Mapping):
            return "sharegpt" if turns[0].get("from") is not None else "messages"
    return None


def _name(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", column.strip().lower()).strip("_") or column


def _all(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    return [column for name in names for column in columns if name in (column, _name(column))]


def _first(columns: Sequence[str], names: Sequence[str]) -> str:
    return next(iter(_all(columns, names)), "")


def _named(field_map: FieldMap, columns: Sequence[str]) -> float:
    """How well the names tell: a shape's own ones, one synonym, or a choice among several."""
    if field_map.prompt in {"messages", "conversations"} or {field_map.prompt, field_map.response} in OWN_NAMES:
        certainty = 1.0
    else:
        certainty = 0.8
    rivals = len(_all(columns, RESPONSES)) if field_map.response else 1
    return certainty if rivals == 1 else certainty * 0.75


def _said(field_map: FieldMap) -> str:
    if field_map.is_conversation:
        return f"Turns in {field_map.prompt!r} ({field_map.shape})"
    parts = [repr(column) for column in (field_map.prompt, field_map.context, field_map.input) if column]
    return f"Prompt in {' + '.join(parts)}, response in {field_map.response!r}"


def _no_shape(source: Source, columns: Sequence[str], first: Mapping[str, Any]) -> InputError:
    hint = "Map the columns by hand: which one holds the prompt and which the response?"
    if {"chosen", "rejected"} <= {_name(column) for column in columns}:
        hint = f"It looks like preference pairs; one response a record is scored. {hint}"
    lists = [
        name for name, value in first.items() if isinstance(value, list) and value and isinstance(value[0], Mapping)
    ]
    if lists:
        hint = f"If its records lie inside {lists[0]!r}, save that list as a file of its own. {hint}"
    return InputError(f"{source.name}: no known shape fits its columns: {', '.join(columns)[:500]}.", hint)


def _nothing(source: Source, sample: Sequence[Record]) -> InputError:
    if not sample:
        return InputError(f"{source.name} holds no records.", "Upload a file with at least one record.")
    first = sample[0].problem or RecordError("", "")
    readable = f"{source.name}: none of the first {len(sample)} records can be read"
    return InputError(f"{readable}. Record 1: {first.message}", first.hint)
