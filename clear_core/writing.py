"""Who proposes another response: a model that sees the prompt alone, or a column of the dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from clear_core import parsing, prompts
from clear_core.asking import tokens_for
from clear_core.cells import is_blank, unpacked
from clear_core.errors import LLMError
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM
from clear_core.types import Example

CANDIDATE_TOKENS: Final = 2048
"""Room for a candidate from an endpoint; one that needs more is the problem "truncated", never a cut response."""
SMALL_CANDIDATE_TOKENS: Final = 64
"""Room that the embedded model gets beside three times the given response's length."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A response proposed instead of the given one, or why there is none.

    Attributes:
        text: the response; None when none could be had.
        writer: who wrote it.
        calls: calls made for it.
        problem: a key of PROBLEMS where there is no text, or None.
        error: what went wrong, in words.
        place: its place in the list of texts that a column stores; None where there is no list.
    """

    text: str | None
    writer: str
    calls: int = 0
    problem: str | None = None
    error: str = ""
    place: int | None = None


class Writer(Protocol):
    """Proposes responses to an example's prompt."""

    @property
    def name(self) -> str:
        """Who writes, as preferences record it."""

    async def write(self, example: Example) -> Sequence[Candidate]:
        """At least one candidate; one without a text says why.

        Raises:
            LLMError: only a fatal one, by which every other row would fail alike.
            BudgetError: the cap on calls is reached.
        """


class ModelWriter:
    """A model that answers the example's prompt once, at temperature 0; best the one tuned on the kept rows.

    Args:
        llm: the model.
        prompt_version: part of the ledger's key, as with every call.
    """

    def __init__(self, llm: LLM, prompt_version: str = prompts.PROMPT_VERSION) -> None:
        self.llm = llm
        self._prompt_version = prompt_version

    @property
    def name(self) -> str:
        """The model's name."""
        return self.llm.model

    async def write(self, example: Example) -> Sequence[Candidate]:
        """One candidate, without what the model thought aloud before it."""
        room = CANDIDATE_TOKENS
        if isinstance(self.llm, LikelihoodLLM):
            room = min(room, SMALL_CANDIDATE_TOKENS + 3 * tokens_for(example.response))
        request = ChatRequest(example.prompt, "candidate", self._prompt_version, max_tokens=room)
        try:
            reply = await self.llm.complete(request)
        except LLMError as error:
            if error.fatal:
                raise
            return [Candidate(None, self.name, 1, error.problem, str(error))]
        return [Candidate(parsing.without_thinking(reply.text).strip(), self.name, 1)]


class ColumnWriter:
    """Candidates that the dataset brings along: a column with a text or a list of texts.

    Args:
        column: the column.
        label: who wrote them, for the record; empty for the column's name.
    """

    def __init__(self, column: str, label: str = "") -> None:
        self.column = column
        self.name = label or column

    async def write(self, example: Example) -> Sequence[Candidate]:
        """What the row stores: each text of it."""
        value = _texts(example.meta.get(self.column), example.response)
        if is_blank(value) or value == []:
            return [Candidate(None, self.name, problem="no_candidate")]
        if isinstance(value, str):
            return [Candidate(value.strip(), self.name)]
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            return [Candidate(None, self.name, problem="bad_candidate")]
        return [Candidate(text.strip(), self.name, place=place) for place, text in enumerate(value)]


def _texts(value: Any, response: str) -> Any:
    """A cell's list of texts where it holds one as JSON, unless rows of this kind are answered with a JSON list."""
    return value if isinstance(parsing.json_value(response), list) else unpacked(value)
