"""Samples of one example: all at once, or wave by wave until its confidence lies surely on one side of gamma."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clear_core.asking import ask_samples
from clear_core.comparing import Comparison, compare
from clear_core.llm.port import LLM, ChatRequest
from clear_core.measures import Measure
from clear_core.recipe import Recipe
from clear_core.stopping import Bounds, bounds, next_wave
from clear_core.types import Example


@dataclass(frozen=True, slots=True)
class Drawn:
    """Samples that were drawn and compared.

    Attributes:
        compared: each beside the given response.
        calls: calls that they and their comparison took, a sample counted as one however it was asked for.
        bounds: what C would be with every sample drawn; None where every one was.
    """

    compared: Comparison
    calls: int
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class Sampler:
    """Draws the samples of one example.

    Attributes:
        example: whose given response the samples are compared with.
        llm: the model that is asked.
        recipe: how samples are compared, and whether one request may ask for several.
        measure: tells their similarities.
        requests: one call for each of k samples, at least 1.
        parse: reads the answer of a reply, or gives None.
        form: the last line that a reply should end with; "" where any reply can be read.
    """

    example: Example
    llm: LLM
    recipe: Recipe
    measure: Measure
    requests: Sequence[ChatRequest]
    parse: Callable[[str], str | None]
    form: str = ""

    async def all(self) -> Drawn:
        """Draw every sample at once; raises as `clear_core.asking.ask_samples` and the measure do."""
        return await self._draw(self.requests)

    async def until_decided(self, gamma: float, total: Callable[[float], float]) -> Drawn:
        """Draw the fewest samples that could decide whether C >= gamma, and more of them until they do.

        Where a sample can't be read every one is drawn: C is then a mean over those that can be, as without stopping.

        Args:
            gamma: the threshold.
            total: C of an observed consistency O; it must not fall as O grows.

        Raises:
            LLMError, BudgetError: as `all` does.
        """
        samples = len(self.requests)

        def confidence(observed: Sequence[float]) -> float:
            return total(math.fsum(observed) / len(observed))

        drawn = await self._draw(self.requests[: next_wave((), samples, confidence, gamma)])
        while True:
            seen, observed = len(drawn.compared.rows), drawn.compared.observed
            if seen == samples:
                return drawn
            unread = len(observed) < seen
            wave = samples - seen if unread else next_wave(observed, samples, confidence, gamma)
            if not wave:
                return Drawn(drawn.compared, drawn.calls, bounds(observed, samples, confidence))
            later = await self._draw(self.requests[seen : seen + wave])
            drawn = Drawn(drawn.compared.joined(later.compared), drawn.calls + later.calls)

    async def _draw(self, requests: Sequence[ChatRequest]) -> Drawn:
        answers = await ask_samples(self.llm, requests, self.parse, self.form, together=self.recipe.together)
        compared = await compare(self.example, answers, self.recipe, self.measure)
        return Drawn(compared, sum(answer.calls for answer in answers) + compared.calls)
