"""The trainer that settings ask for. Only composition roots open one: they alone hold a key."""

from __future__ import annotations

from pathlib import Path

from clear_core.train.lora import LoraTrainer
from clear_core.train.openai_tuning import OpenAITuner
from clear_core.train.port import Trainer
from clear_core.train.settings import TrainSettings


def open_trainer(settings: TrainSettings, folder: Path, api_key: str = "") -> Trainer:
    """Make the trainer.

    Args:
        settings: which trainer, and how it trains.
        folder: of this training alone; a local one keeps its checkpoints and its adapter there.
        api_key: of the endpoint at `settings.base_url`; a local training needs none.

    Raises:
        InputError: when the endpoint's address can't be used.
    """
    if settings.trainer == "openai":
        return OpenAITuner(settings, api_key)
    return LoraTrainer(settings, folder)
