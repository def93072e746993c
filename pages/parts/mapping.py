"""The columns of a file and what each means, changeable one by one."""

from __future__ import annotations

from typing import Final

import streamlit as st

from clear_core.io import FieldMap
from clear_core.types import Shape

SHAPES: Final[dict[Shape, str]] = {
    "prompt_response": "Prompt and response",
    "alpaca": "Alpaca (instruction, input, output)",
    "messages": "OpenAI messages",
    "sharegpt": "ShareGPT conversations",
}

_NOTHING: Final = "–"
_PAIR: Final = {
    "prompt": ("Prompt", "The instruction: what the model was asked"),
    "input": ("Further input", "Text that belongs to the same question, such as Alpaca's input"),
    "context": ("Context", "A passage that the question is about"),
    "response": ("Response", "The answer that is scored"),
    "system": ("System turn", "The system prompt of the row"),
    "history": ("Earlier turns", "A list of [user, assistant] pairs before the prompt"),
    "id": ("Row id", "The row's own id; without one a stable id is made from its content"),
    "category": ("Category", "Groups rows for filters; it is not scored"),
}
_CHAT: Final = {"prompt": ("Turns", "The list of turns; the last assistant turn is the response")} | {
    field: _PAIR[field] for field in ("system", "id", "category")
}


def choose_columns(columns: tuple[str, ...], proposed: FieldMap | None, *, name: str) -> FieldMap:
    """Show the mapping and return it as it is now.

    Args:
        columns: the file's columns.
        proposed: what was detected, to start with; None when no shape was found.
        name: prefix of the widgets' keys; another file needs another name.

    Raises:
        InputError: when the columns chosen make no map, such as one column with two meanings.
    """
    shape = st.selectbox(
        "Shape",
        list(SHAPES),
        index=list(SHAPES).index(proposed.shape) if proposed else 0,
        format_func=lambda shape: SHAPES[shape],
        key=f"{name}_shape",
        width=340,
    )
    words = _CHAT if shape in {"messages", "sharegpt"} else _PAIR
    options = ["", *columns]
    chosen: dict[str, str] = {}
    with st.grid(4, min_column_width=150, gap="small"):
        for field, (word, help_words) in words.items():
            before = getattr(proposed, field, "")
            chosen[field] = st.selectbox(
                word,
                options,
                index=options.index(before) if before in options else 0,
                format_func=lambda column: column or _NOTHING,
                key=f"{name}_{shape}_{field}",
                help=help_words,
            )
    return FieldMap(shape, **chosen)
