"""What a file is: where it lies, which of its columns mean what, and how that was found out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, Self, get_args

from clear_core.errors import InputError
from clear_core.types import Shape

FileFormat = Literal["jsonl", "json", "csv", "parquet"]
Compression = Literal["", "gz", "zst"]


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset file.

    Attributes:
        path: where its bytes lie.
        name: the name its owner gave it; its suffix is a hint, the first bytes decide.
    """

    path: Path
    name: str

    @classmethod
    def at(cls, path: Path | str) -> Self:
        """The source at a path, under the path's own name."""
        return cls(Path(path), Path(path).name)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which column means what; an empty string where no column has that meaning.

    The user's turn is `prompt`, then `context`, then `input`, those that have text, with a blank line between them.

    Attributes:
        shape: how a record holds its conversation.
        prompt: column of the instruction; for messages and sharegpt the column of the turns.
        input: column of further text for the same turn (Alpaca's input).
        system: column of the system turn.
        response: column of the response; empty for messages and sharegpt, whose last assistant turn it is.
        history: column of earlier [user, assistant] pairs.
        id: column of the row's own id.
        category: column that groups rows, for filters.
        context: column of a passage that the instruction is about, beside `input`.

    Raises:
        InputError: when a needed column is missing or a column has two meanings.
    """

    shape: Shape
    prompt: str
    input: str = ""
    system: str = ""
    response: str = ""
    history: str = ""
    id: str = ""
    category: str = ""
    context: str = ""

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise InputError(f"The shape {self.shape!r} is unknown.", f"Choose one of {', '.join(get_args(Shape))}.")
        if not self.prompt:
            raise InputError("No column is chosen for the prompt.", "Choose the column that holds the instruction.")
        if self.is_conversation and self.response:
            raise InputError(
                f"The shape {self.shape} takes no response column.", "Its response is the last assistant turn."
            )
        if not self.is_conversation and not self.response:
            raise InputError("No column is chosen for the response.", "Choose the column that holds the answer.")
        twice = {column for column in self.text_columns if self.text_columns.count(column) > 1}
        if twice:
            raise InputError(f"The column {min(twice)!r} is chosen twice.", "Give each column one meaning.")

    @property
    def is_conversation(self) -> bool:
        """Whether one column holds all turns."""
        return self.shape in {"messages", "sharegpt"}

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that make up prompt and response; all others are meta."""
        columns = (self.system, self.history, self.prompt, self.context, self.input, self.response)
        return tuple(column for column in columns if column)

    def to_json(self) -> str:
        """The map as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            InputError: when the text is no field map.
        """
        try:
            values = json.loads(text)
        except ValueError:
            values = None
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or not known.issuperset(values) or not {"shape", "prompt"}.issubset(values):
            raise InputError("The field map can't be read.", "Map the columns again.")
        if not all(isinstance(value, str) for value in values.values()):
            raise InputError("The field map has a column that is not a name.", "Map the columns again.")
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file was found to be.

    Attributes:
        file_format: jsonl, json (one array), csv or parquet.
        compression: gz, zst or none.
        field_map: the proposed meaning of the columns.
        columns: all columns of the sampled records, first seen first.
        certainty: in [0, 1]: 1 for a shape's own column names with every sampled record readable.
        why: one sentence on what was seen.
    """

    file_format: FileFormat
    compression: Compression
    field_map: FieldMap
    columns: tuple[str, ...]
    certainty: float
    why: str
