"""The port to a language model: what the method asks of one, whoever serves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from clear_core.errors import LLMError
from clear_core.types import Message

CallKind = Literal["sample", "reflect", "candidate", "judge", "judge_reflect", "similarity", "likelihood", "probe"]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call for one completion.

    Attributes:
        messages: the conversation to complete.
        kind: what the call is for; part of the ledger's key.
        prompt_version: version of the prompt's wording; part of the ledger's key.
        sample: the sample's number, from 0; part of the ledger's key, or k samples would collapse into one.
        temperature: sampling temperature; 0 is greedy.
        max_tokens: limit on the reply's length.
        may_be_cut: whether a reply that reaches the limit is usable; if not, it is the problem "truncated".
        top_logprobs: how many alternatives of each of the reply's last tokens are wanted; an endpoint may give none.
    """

    messages: tuple[Message, ...]
    kind: CallKind
    prompt_version: str
    sample: int = 0
    temperature: float = 0.0
    max_tokens: int = 512
    may_be_cut: bool = False
    top_logprobs: int = 0


@dataclass(frozen=True, slots=True)
class LikelihoodRequest:
    """One call for the log-likelihood of a *given* response after a prompt; an empty prompt asks for log p(y) alone."""

    prompt: tuple[Message, ...]
    response: str


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a reply, and what could have stood in its place.

    Attributes:
        text: the token.
        alternatives: (token, natural-log probability), the likeliest first, the token itself among them or not.
    """

    text: str
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back and passed validation.

    Attributes:
        text: the completion's text, never empty; "" for a likelihood.
        logprobs: natural-log probabilities of the response's tokens; only for a likelihood.
        tokens_in: prompt tokens as billed.
        tokens_out: completion tokens as billed.
        cut: whether the text stops at the request's `max_tokens` (only where it may be cut).
        replayed: whether the ledger answered, so that nothing was paid.
        tail: the last tokens with their alternatives, in the text's order; empty unless asked for and given.
    """

    text: str
    logprobs: tuple[float, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cut: bool = False
    replayed: bool = False
    tail: tuple[Token, ...] = ()


class LLM(Protocol):
    """A chat model. Implementations raise only `clear_core.errors.LLMError` for what an endpoint can do wrong."""

    @property
    def model(self) -> str:
        """The model's name, as recorded with every score."""

    @property
    def host(self) -> str:
        """Where it is served, without credentials; part of the ledger's key."""

    async def complete(self, request: ChatRequest) -> Reply:
        """Complete once."""

    async def close(self) -> None:
        """Release connections and processes."""


@runtime_checkable
class LikelihoodLLM(LLM, Protocol):
    """A model that can also tell the likelihood of a given response (the embedded one can)."""

    async def likelihood(self, request: LikelihoodRequest) -> Reply:
        """Token log-probabilities of `request.response` after `request.prompt`."""


@runtime_checkable
class ManyLLM(LLM, Protocol):
    """A model that may give several samples of one prompt for one request (`n` of the chat API)."""

    async def complete_many(self, requests: Sequence[ChatRequest]) -> list[Reply | LLMError]:
        """One reply, or what is wrong with it, for each request; they differ in their sample numbers alone.

        The list is shorter than the requests where the endpoint gives fewer, and empty where it gives none in this
        way, which is then not billed: what is missing is to be asked for one by one.

        Raises:
            LLMError: what goes wrong with the request as a whole.
        """
