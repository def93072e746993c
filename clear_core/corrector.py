"""Auto-Correct for one example: a model writes a candidate, guards look at it, a judge compares it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from clear_core import parsing
from clear_core.asking import tokens_for
from clear_core.errors import LLMError
from clear_core.judge import judge_pair
from clear_core.llm.port import LLM, ChatRequest, LikelihoodLLM
from clear_core.recipe import Recipe
from clear_core.similarity import normalise
from clear_core.types import Example, Preference

CANDIDATE_TOKENS: Final = 2048
"""Room for a candidate from an endpoint; one that needs more is the problem "truncated", never a cut response."""
SMALL_CANDIDATE_TOKENS: Final = 64
"""Room that the embedded model gets beside three times the given response's length."""


def guard(given: str, candidate: str) -> str | None:
    """Why a candidate is turned down before any judging: empty, same, refusal or format; None when it may be judged."""
    if not candidate.strip():
        return "empty"
    if _same(given, candidate):
        return "same"
    if parsing.is_refusal(candidate) and not parsing.is_refusal(given):
        return "refusal"
    if not parsing.keeps_format(given, candidate):
        return "format"
    return None


def _same(one: str, other: str) -> bool:
    if normalise(one) == normalise(other):
        return True
    value, said = parsing.json_value(one), parsing.json_value(other)
    # As text: Python takes true for 1.
    return value is not None and json.dumps(value, sort_keys=True) == json.dumps(said, sort_keys=True)


async def correct_example(example: Example, writer: LLM, judge: LLM, recipe: Recipe) -> Preference:
    """Write one candidate and judge it against the given response.

    Args:
        example: the example to correct.
        writer: the model that writes the candidate, from the example's prompt alone.
        judge: the model that compares; the base model in CLEAR.
        recipe: how the verdict's confidence is made.

    Returns:
        The preference; with `rejected` when a guard turned the candidate down (nothing was judged then), or with
        a problem when the writer or the judge gave nothing usable.

    Raises:
        LLMError: only a fatal one, by which every other row would fail alike.
        BudgetError: the cap on calls is reached.
    """
    blank = Preference(
        id=example.id,
        row=example.row,
        candidate=None,
        preference=None,
        verdict=None,
        model=judge.model,
        candidate_model=writer.model,
        prompt_version=recipe.prompt_version,
        calls=1,
    )
    written = blank
    try:
        reply = await writer.complete(_writing(example, writer, recipe))
        candidate = parsing.without_thinking(reply.text).strip()
        written = replace(blank, candidate=candidate, rejected=guard(example.response, candidate))
        if written.rejected is not None:
            return written
        judged = await judge_pair(example, candidate, judge, recipe)
    except LLMError as error:
        if error.fatal:
            raise
        return replace(written, problem=error.problem, evidence={"error": str(error)})
    return replace(
        written,
        preference=judged.preference,
        verdict=judged.verdict,
        measure=judged.measure,
        calls=1 + judged.calls,
        problem=judged.problem,
        evidence=judged.evidence,
    )


def _writing(example: Example, writer: LLM, recipe: Recipe) -> ChatRequest:
    room = CANDIDATE_TOKENS
    if isinstance(writer, LikelihoodLLM):
        room = min(room, SMALL_CANDIDATE_TOKENS + 3 * tokens_for(example.response))
    return ChatRequest(example.prompt, "candidate", recipe.prompt_version, max_tokens=room)
