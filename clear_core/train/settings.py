"""How a model is fine-tuned: what a train run is started with and what its record says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from clear_core.errors import InputError

TrainerKind = Literal["lora", "openai"]

LORA_LEARNING_RATE: Final = 1e-3
"""For a small model, whose LoRA wants larger steps than a large one's."""
LORA_BATCH_SIZE: Final = 8


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a model is fine-tuned; JSON-ready by `dataclasses.asdict`, and back by `TrainSettings(**...)`.

    Attributes:
        trainer: "lora" trains here; "openai" leaves it to an endpoint that speaks OpenAI's fine-tuning API.
        base: what to start from. For "lora" a checkpoint's name or folder, empty meaning the embedded model; for
            "openai" the model's name there.
        base_url: the endpoint of "openai"; empty for "lora".
        epochs: passes over the examples.
        learning_rate: for "lora" AdamW's, for "openai" its multiplier; None leaves it to the trainer.
        batch_size: examples in one step; None leaves it to the trainer.
        rank: of the LoRA matrices.
        seed: of everything that is drawn.
        max_tokens: the longest example that "lora" takes, prompt and response together; longer ones are left out and
            counted, never cut.
        save_every: steps between two checkpoints of "lora".
        suffix: what "openai" puts into the new model's name.

    Raises:
        InputError: when a setting can't be used.
    """

    trainer: TrainerKind = "lora"
    base: str = ""
    base_url: str = ""
    epochs: int = 3
    learning_rate: float | None = None
    batch_size: int | None = None
    rank: int = 16
    seed: int = 0
    max_tokens: int = 1024
    save_every: int = 25
    suffix: str = ""

    def __post_init__(self) -> None:
        if self.trainer not in get_args(TrainerKind):
            raise InputError(f"{self.trainer!r} is no trainer.", f"Choose {' or '.join(get_args(TrainerKind))}.")
        if self.trainer == "openai" and not (self.base and self.base_url):
            raise InputError("OpenAI's fine-tuning needs an endpoint and a model.", "Give its base URL and its name.")
        if self.trainer == "lora" and self.base_url:
            raise InputError("A LoRA is trained here, at no endpoint.", "Leave the base URL out.")
        for name in ("epochs", "batch_size", "rank", "max_tokens", "save_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} is {value}.", "Give a whole number from 1.")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise InputError(f"The learning rate is {self.learning_rate}.", "Give a number over 0.")
