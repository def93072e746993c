"""Outcomes -> a curated dataset, streamed beside the original file: an untouched row comes back byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import PurePath
from typing import Any, BinaryIO, Final, Literal

from clear_core.io.csv_file import replace_cell
from clear_core.io.curation import Curation, ExportCounts, Kept
from clear_core.io.opening import plain_name, sniff
from clear_core.io.readers import read_pieces, read_records
from clear_core.io.record import Gap, Record
from clear_core.io.shapes import read_value
from clear_core.io.source import FieldMap, FileFormat, Source
from clear_core.io.splice import replace_in_column, replace_in_json
from clear_core.types import Outcome

ExportFormat = Literal["same", "openai"]
MOST_STEM: Final = 160
"""Bytes of a curated file's name: file systems take 255, and its manifest and its temporary file have longer names."""
OPENAI_ROLES: Final = {"system", "developer", "user", "assistant", "tool", "function"}


def write_curated(
    source: Source, field_map: FieldMap, outcomes: Iterable[Outcome], sink: BinaryIO, *, to: ExportFormat = "same"
) -> ExportCounts:
    """Write the curated dataset, unpacked where the original is compressed.

    Args:
        source: the original file, read again.
        field_map: which column means what.
        outcomes: in row order; examples without one stay and count as unscored.
        sink: where the bytes go; need not be seekable.
        to: "same" is the original's format, shape and columns, untouched rows byte for byte (Parquet: value for
            value), replaced ones with only the response changed; "openai" is one {"messages": […]} a line, up to and
            with the response.

    Returns:
        The counts. Records that could not be read are left out and counted as rejected.

    Raises:
        InputError: when the outcomes belong to another file, or as `read_examples` does.
    """
    curation = Curation(field_map, outcomes)
    file_format, _ = sniff(source)
    if to == "openai":
        _write_openai(source, field_map, curation, sink)
    elif file_format == "parquet":
        from clear_core.io.parquet import write_parquet  # noqa: PLC0415 - 60 MiB that other formats don't pay

        write_parquet(source, field_map, curation, sink)
    else:
        _write_same(source, field_map, curation, sink, file_format)
    return curation.close()


def curated_name(name: str, to: ExportFormat = "same") -> str:
    """The curated file's name: "a.csv.gz" -> "a.curated.csv", or "a.openai.jsonl"; long ones are cut."""
    plain = PurePath(plain_name(name.replace("\0", "")))
    stem = plain.stem.encode("utf-8", "ignore")[:MOST_STEM].decode("utf-8", "ignore")
    return f"{stem}.openai.jsonl" if to == "openai" else f"{stem}.curated{plain.suffix[:16]}"


def _write_same(
    source: Source, field_map: FieldMap, curation: Curation, sink: BinaryIO, file_format: FileFormat
) -> None:
    begun = False
    with closing(read_pieces(source, file_format)) as pieces:
        for piece in pieces:
            if isinstance(piece, Gap):
                sink.write(piece.raw)
            elif kept := curation.decide(piece):
                sink.write(piece.lead if begun else b"")
                sink.write(_same(piece, kept, field_map, file_format))
                begun = True


def _same(record: Record, kept: Kept, field_map: FieldMap, file_format: FileFormat) -> bytes:
    if kept.response is None or record.value is None:
        return record.raw
    reading = read_value(record.value, field_map)
    if file_format == "csv":
        return replace_cell(
            record, reading.column, replace_in_column(record.value[reading.column], reading, kept.response)
        )
    return replace_in_json(record.raw.decode(), record.value, reading, kept.response).encode()


def _write_openai(source: Source, field_map: FieldMap, curation: Curation, sink: BinaryIO) -> None:
    with closing(read_records(source)) as records:
        for record in records:
            if kept := curation.decide(record):
                line = json.dumps(_as_openai(record.value or {}, field_map, kept), ensure_ascii=False)
                sink.write(line.encode() + b"\n")


def _as_openai(value: Any, field_map: FieldMap, kept: Kept) -> dict[str, Any]:
    turns = _openai_turns(value, field_map, kept)
    if turns is None:
        response = kept.example.response if kept.response is None else kept.response
        turns = [{"role": message.role, "content": message.content} for message in kept.example.prompt]
        turns.append({"role": "assistant", "content": response})
    extra = ("tools", "parallel_tool_calls") if field_map.is_conversation else ()
    return {"messages": turns} | {name: value[name] for name in extra if value.get(name) is not None}


def _openai_turns(value: Any, field_map: FieldMap, kept: Kept) -> list[dict[str, Any]] | None:
    """OpenAI's own turns, which hold more than a Message does: names, weights, tool calls; None where they aren't."""
    turns = value[field_map.prompt]
    if field_map.shape != "messages" or field_map.system or not isinstance(turns, list):
        return None
    reading = read_value(value, field_map)
    turns = [{key: inner for key, inner in turn.items() if inner is not None} for turn in turns[: reading.turn + 1]]
    if not all(turn.get("role") in OPENAI_ROLES and {"content", "tool_calls"} & turn.keys() for turn in turns):
        return None
    if kept.response is not None:
        turns[-1][reading.key] = reading.content(kept.response)
    return turns
