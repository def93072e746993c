"""How the command line reads a dataset: the shape as detected and corrected, good rows and bad, records beside rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

import click

from clear_core.errors import InputError
from clear_core.io import Detection, FieldMap, Source, detect, read_columns, read_examples, read_scores, sniff
from clear_core.types import ConfidenceScore, Example, Preference, RowProblem


def mapped(source: Source, mapping: Sequence[str]) -> FieldMap:
    """The field map of a file; otherwise as `found_in`."""
    return found_in(source, mapping).field_map


def found_in(source: Source, mapping: Sequence[str]) -> Detection:
    """What the file was found to be, with what --map says laid over it.

    Args:
        source: the file.
        mapping: pairs MEANING=COLUMN.

    Raises:
        InputError: when a pair names no meaning or no column, or no shape fits the file.
    """
    if not mapping:
        return detect(source)
    given = dict(_meaning(pair) for pair in mapping)
    columns = read_columns(source)
    unknown = [column for meaning, column in given.items() if meaning != "shape" and column not in ("", *columns)]
    if unknown:
        raise InputError(f"{source.name} has no column {unknown[0]!r}.", f"It has {', '.join(columns)}.")
    try:
        found = detect(source)
    except InputError:
        found = None
    # A whole new pair leaves nothing of what was detected in between.
    whole = found is None or {"prompt", "response"} <= given.keys()
    base = asdict(found.field_map) if found and not whole else {"shape": "prompt_response", "prompt": ""}
    if whole and "id" in columns and "id" not in given.values():
        base["id"] = "id"
    file_format, compression = sniff(source)
    return Detection(file_format, compression, FieldMap(**{**base, **given}), columns, 1.0, "As --map says.")


def _meaning(pair: str) -> tuple[str, str]:
    meaning, equals, column = pair.partition("=")
    known = [field.name for field in fields(FieldMap)]
    if not equals or meaning not in known:
        raise InputError(f"--map {pair!r} says nothing.", f"Write MEANING=COLUMN, MEANING being {', '.join(known)}.")
    return meaning, column


def good(records: Iterator[Example | RowProblem], problems: list[RowProblem]) -> Iterator[Example]:
    """The examples; what could not be read is added to `problems`."""
    for record in records:
        if isinstance(record, RowProblem):
            problems.append(record)
        else:
            yield record


def rows(number: int) -> str:
    """A number of rows in words, such as "1 row" or "2,000 rows"."""
    return f"{number:,} row{'' if number == 1 else 's'}"


def usable(source: Source, field_map: FieldMap) -> list[Example]:
    """Every example of a file; how many rows can't be read, and so are left out, is said."""
    problems: list[RowProblem] = []
    examples = list(good(read_examples(source, field_map), problems))
    tell_left_out(source.name, problems)
    return examples


def tell_left_out(name: str, problems: Sequence[RowProblem]) -> None:
    """Say how many rows of a file can't be read, if any."""
    if problems:
        click.echo(
            f"{rows(len(problems))} of {name} can't be read and so left out: see `clear-review inspect`.", err=True
        )


def scores_of(examples: list[Example], path: Path, file: Path) -> list[ConfidenceScore]:
    """One score for each example: that of the scores' file, else a blank one, for it was never scored.

    Raises:
        InputError: when the scores can't be read or belong to another file.
    """
    scores = {score.row: score for score in read_scores(path)}
    same_rows({example.row: example.id for example in examples}, scores.values(), path, file)
    return [scores.get(example.row) or ConfidenceScore(example.id, example.row, None) for example in examples]


def same_rows(ids: dict[int, str], records: Iterable[ConfidenceScore | Preference], path: Path, file: Path) -> None:
    """Refuse records (from `path`) that name a row or an id which the dataset (`file`) does not have.

    Raises:
        InputError: for the first of them.
    """
    for record in records:
        if ids.get(record.row) != record.id:
            raise InputError(
                f"{path.name} has {record.id!r} at row {record.row}; {file.name} has {ids.get(record.row)!r}.",
                "Use scores and preferences made from this very file.",
            )


def check_column(option: str, column: str, source: Source, field_map: FieldMap) -> None:
    """Refuse a column that is not there, or that is part of what the method reads already.

    Args:
        option: the option that named it, for the message.
        column: the column.
        source: the file.
        field_map: which columns are prompt and response.

    Raises:
        InputError: for either.
    """
    columns = read_columns(source)
    if column not in columns:
        raise InputError(f"{option}: {source.name} has no column {column!r}.", f"It has {', '.join(columns)}.")
    if column in field_map.text_columns:
        raise InputError(
            f"{option}: {column!r} is part of {source.name}'s prompt or response.",
            "Name another, or correct it with --map.",
        )
