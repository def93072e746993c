"""Requests that force given tokens on llama.cpp's server and read their log-probabilities under the full softmax.

A grammar over token ids forces a whole run in one call, but the runtime refuses in it any token that holds only part
of a character, and tells no probability of one that leaves a character open (emoji, Chinese, rarer Arabic letters).
Such a token is forced by no one: a token that never leaves one open is drawn in its place, twice. Once its own
log-probability is read, once the ratio of both after equal biases; together they are the wanted one, to about 1e-5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clear_core.errors import LLMError

STAND_IN: Final = 198
"""A line feed's token id: drawn in place of a token that can't be."""
SURE: Final = 1e6
"""A bias in nats that leaves no other token a chance."""
BIAS: Final = 100.0
"""A bias in nats that lifts both tokens over all others."""
LEAD: Final = 40.0
"""How much more the stand-in is lifted: it is drawn for certain, and the ratio still fits a 32-bit number."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a response.

    Attributes:
        id: its id.
        whole: whether its bytes are whole characters.
    """

    id: int
    whole: bool


def tokens_told(answer: Mapping[str, Any]) -> list[Token]:
    """The tokens in an answer of /tokenize with pieces; a piece that is no text comes as a list of bytes."""
    return [
        Token(int(token["id"]), isinstance(token["piece"], str) and not token["piece"].startswith("\0"))
        for token in answer["tokens"]
    ]


def stretches(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens in order, cut so that a stretch is either of whole ones or a single one that is not."""
    cut: list[list[Token]] = []
    for token in tokens:
        if token.whole and cut and cut[-1][0].whole:
            cut[-1].append(token)
        else:
            cut.append([token])
    return cut


def by_grammar(prompt: Sequence[int], stretch: Sequence[Token]) -> dict[str, Any]:
    """The request that forces a stretch of whole tokens."""
    return {
        **_request(prompt),
        "n_predict": len(stretch),
        "grammar": "root ::= " + " ".join(f"<[{token.id}]>" for token in stretch),
    }


def told_by_grammar(answer: Mapping[str, Any], stretch: Sequence[Token]) -> list[float]:
    """The log-probabilities in the answer to `by_grammar`, in nats.

    Raises:
        LLMError: "malformed" when the runtime took other tokens.
    """
    told = answer.get("completion_probabilities") or []
    if [token.get("id") for token in told] != [token.id for token in stretch]:
        raise _astray()
    return [float(token["logprob"]) for token in told]


def stand_in(prompt: Sequence[int]) -> dict[str, Any]:
    """The request that tells the stand-in's own log-probability."""
    return {**_request(prompt), "n_predict": 1, "logit_bias": [[STAND_IN, SURE]]}


def against_stand_in(prompt: Sequence[int], token: Token) -> dict[str, Any]:
    """The request that tells a token's probability beside the stand-in's, both biased."""
    return {
        **_request(prompt),
        "n_predict": 1,
        "n_probs": 2,
        "temperature": 1.0,
        "samplers": ["temperature"],
        "post_sampling_probs": True,
        "logit_bias": [[STAND_IN, BIAS + LEAD], [token.id, BIAS]],
    }


def told_by_ratio(own: Mapping[str, Any], ratio: Mapping[str, Any], token: Token) -> float:
    """A token's log-probability in nats, from the answers to `stand_in` and `against_stand_in`.

    Raises:
        LLMError: "malformed" when the answers do not name both tokens.
    """
    try:
        drawn = own["completion_probabilities"][0]
        both = {int(top["id"]): float(top["prob"]) for top in ratio["completion_probabilities"][0]["top_probs"]}
        if drawn["id"] != STAND_IN:
            raise _astray()
        told = float(drawn["logprob"]) + LEAD + math.log(both[token.id] / both[STAND_IN])
    except (KeyError, IndexError, ValueError, ZeroDivisionError):
        raise _astray() from None
    return min(told, 0.0)  # rounding may lift a near-certain token above it


def _request(prompt: Sequence[int]) -> dict[str, Any]:
    return {"prompt": list(prompt), "temperature": 0.0, "n_probs": 1, "cache_prompt": True}


def _astray() -> LLMError:
    return LLMError("The embedded model did not follow the given response.", problem="malformed")
