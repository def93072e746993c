"""A scripted model: deterministic, free and honest about being one. It serves tests, documentation and dry runs.

It knows the answers it is given and nothing else. `clear_core.llm.stub` serves it as an endpoint.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from clear_core.errors import LLMError
from clear_core.llm.port import ChatRequest, LikelihoodRequest, Reply, Token

UNKNOWN: Final = "I do not know."
LETTERS: Final = ("A", "B", "C")
TOKEN: Final = re.compile(r"\s*(?:\w+|[^\w\s])|\s+$")
FENCED: Final = re.compile(r"^<([\w-]+) (\w+)>\n(.*?)\n</\1 \2>$", re.DOTALL | re.MULTILINE)


def _draw(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:6], "big") / 2**48


@dataclass(frozen=True, slots=True)
class Script:
    """What the fake says to a conversation.

    Attributes:
        answers: the last user turn of a prompt -> its good response.
        error_rate: share of sampled answers (temperature > 0) that are another prompt's answer, drawn by hash.
        letter_odds: probability that it tells for a reflection's letter; the other two share the rest.
    """

    answers: Mapping[str, str]
    error_rate: float = 0.0
    letter_odds: float = 1.0

    def reply(self, text: str, *, temperature: float, sample: int) -> str:
        """The reply to a conversation, given as one text with the turns in order."""
        known = max((prompt for prompt in self.answers if prompt in text), key=len, default=None)
        answer = UNKNOWN if known is None else self.answers[known]
        parts = {name: body for name, _, body in FENCED.findall(text)}
        if "response-1" in parts:
            return self._judge(text, parts, answer)
        if "answer-1" in parts:
            same = parts["answer-1"].strip().casefold() == parts["answer-2"].strip().casefold()
            return f"I compare the wording.\nagree: {'yes' if same else 'no'}"
        if "answer" in parts:
            letter = "C" if known is None else "A" if parts["answer"] == answer else "B"
            return f"I compare the proposed answer with what I know.\nanswer: ({letter})"
        if temperature > 0 and len(self.answers) > 1 and _draw("error", text, sample) < self.error_rate:
            others = [other for other in self.answers.values() if other != answer] or [UNKNOWN]
            answer = others[int(_draw("which", text, sample) * len(others))]
        if "`Answer:`" in text:
            return f"I recall what I was given.\nAnswer: {answer}"
        return answer

    def tail(self, said: str) -> tuple[Token, ...]:
        """A reply's tokens with their alternatives: only a letter in brackets, as reflections end, could be another."""
        pieces = TOKEN.findall(said)
        return tuple(
            Token(piece, self._odds(piece) if before.endswith("(") and piece in LETTERS else ((piece, 0.0),))
            for before, piece in zip(["", *pieces], pieces, strict=False)
        )

    def _odds(self, letter: str) -> tuple[tuple[str, float], ...]:
        others = (1.0 - self.letter_odds) / 2
        odds = {other: self.letter_odds if other == letter else others for other in LETTERS}
        likely = {other: math.log(odd) for other, odd in odds.items() if odd > 0.0}
        return tuple(sorted(likely.items(), key=lambda each: -each[1]))

    def _judge(self, text: str, parts: Mapping[str, str], answer: str) -> str:
        good = [parts["response-1"] == answer, parts["response-2"] == answer]
        label = "tie" if good[0] == good[1] else "1" if good[0] else "2"
        told = re.search(r"^The verdict is: (?:response )?(1|2|neither)", text, re.MULTILINE)
        if told:
            right = told.group(1) == ("neither" if label == "tie" else label)
            return f"I compare both again.\nanswer: ({'A' if right else 'B'})"
        return f"I compare both responses with what I know.\nverdict: {label}"


class FakeLLM:
    """A chat model that follows a script, in this process.

    Args:
        answers: the last user turn of a prompt -> its good response.
        error_rate: share of wrong sampled answers.
        latency: seconds before each reply.
        model: the name that it records.
        letter_odds: probability that it tells for a reflection's letter, where it is asked; None to tell none.
    """

    host = "fake"

    def __init__(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        error_rate: float = 0.0,
        latency: float = 0.0,
        model: str = "fake",
        letter_odds: float | None = None,
    ) -> None:
        self._script = Script(answers or {}, error_rate, 1.0 if letter_odds is None else letter_odds)
        self._tells_odds = letter_odds is not None
        self._latency = latency
        self._model = model
        self.requests: list[ChatRequest | LikelihoodRequest] = []

    @property
    def model(self) -> str:
        """The name given to it."""
        return self._model

    async def complete(self, request: ChatRequest) -> Reply:
        """The script's reply."""
        self.requests.append(request)
        await asyncio.sleep(self._latency)
        text = "\n\n".join(message.content for message in request.messages)
        said = self._script.reply(text, temperature=request.temperature, sample=request.sample)
        tail = self._script.tail(said) if self._tells_odds and request.top_logprobs else ()
        return Reply(said, tokens_in=len(text) // 4, tokens_out=-(-len(said) // 4), tail=tail)

    async def close(self) -> None:
        """Nothing to release."""


class FakeLikelihoodLLM(FakeLLM):
    """A `FakeLLM` that also tells likelihoods: a word costs less the more of it the prompt's good response says."""

    async def likelihood(self, request: LikelihoodRequest) -> Reply:
        """One log-probability for each word: -1 where it is expected, -4 elsewhere, -3 without a prompt.

        Raises:
            LLMError: "empty" when the response has no words.
        """
        self.requests.append(request)
        await asyncio.sleep(self._latency)
        spoken = request.response.split()
        if not spoken:
            raise LLMError("A response without words has no likelihood.", problem="empty")
        if not request.prompt:
            return Reply("", tuple(-3.0 for _ in spoken), len(spoken), 0)
        text = "\n\n".join(message.content for message in request.prompt)
        expected = set(self._script.reply(text, temperature=0.0, sample=0).split())
        return Reply("", tuple(-1.0 if word in expected else -4.0 for word in spoken), len(spoken), 0)
