"""The port to a trainer: examples in, progress out, a model at the end, whoever trains it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from clear_core.types import Example, ModelRef

TrainPhase = Literal["preparing", "uploading", "queued", "training", "saving"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the training is.

    Attributes:
        phase: what is being done.
        step: steps done; 0 before the first.
        total: steps in all; 0 as long as the trainer does not say.
        loss: mean training loss of the last step, nats per response token; None where none is told.
        state: small and JSON-ready: what `train` needs to go on here after its process died. It holds no key.
        told: a sentence for a person; may be empty.
    """

    phase: TrainPhase
    step: int = 0
    total: int = 0
    loss: float | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    told: str = ""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that is trained.

    Attributes:
        model: where it is to be found; None when nothing here can serve it: serve it elsewhere, register that endpoint.
        facts: what the record says of it, JSON-ready: base, examples used and left out, steps, loss, seconds, ...
    """

    model: ModelRef | None
    facts: Mapping[str, Any]


class Trainer(Protocol):
    """Something that fine-tunes a model on examples."""

    def train(self, examples: Sequence[Example], state: Mapping[str, Any]) -> AsyncGenerator[Progress | Trained, None]:
        """Train; the last thing given is a `Trained`.

        Whoever stores the newest `Progress.state` can call again with it, after a pause or in another process, and
        goes on from there: nothing is uploaded, created or learned twice that was finished. Closing the generator
        pauses: a local training ends after its last checkpoint, an endpoint's job goes on by itself.

        Args:
            examples: what to learn; the same ones when going on.
            state: empty to begin, else the newest state.

        Raises:
            ClearError: when the examples or settings can't be used, or the training failed; the message says why.
        """

    async def cancel(self, state: Mapping[str, Any]) -> None:
        """End for good what `state` left under way elsewhere; nothing to do for a local training.

        Raises:
            LLMError: when the endpoint can't be asked.
        """
