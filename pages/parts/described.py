"""Who scored, judged, wrote or was trained, in a few words. Names may be untrusted: whoever shows them escapes them."""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import urlsplit

from clear_core.train.settings import TrainSettings
from clear_core.types import CandidateSource, ModelRef
from db.records import RunConfig, RunRecord


def model_words(model: ModelRef) -> str:
    """A model: "gpt-x at api.example.com", the embedded one, or the embedded one with what it has learnt."""
    if model.base_url:
        return f"{model.model or 'a model'} at {urlsplit(model.base_url).netloc or model.base_url}"
    if model.adapter:
        return f"embedded model, trained ({PurePath(model.adapter).name})"
    return "embedded model (SmolLM2 135M)"


def source_words(source: CandidateSource) -> str:
    """Who writes candidates: a model, or a column of the file."""
    if source.model is not None:
        return model_words(source.model)
    who = f"{source.label}, " if source.label else ""
    return f"{who}column {source.column}"


def asked_words(config: RunConfig) -> str:
    """Who scores or judges: a model, or columns of the file."""
    if config.score_field:
        return f"{config.scorer or 'scores'}, column {config.score_field}"
    if config.samples_field:
        return f"{config.scorer or 'samples'}, column {config.samples_field}"
    if stored := config.preference_field or config.verdicts_field:
        return f"column {stored}"
    return model_words(ModelRef(config.base_url, config.model, config.adapter))


def writers_words(run: RunRecord) -> str:
    """Who wrote the candidates of a correct run."""
    config = run.config
    if config.weak_candidates:
        return "the base model, the weaker variant"
    if run.recipe.get("recorded"):  # somewhere else: only the records know
        return str(run.recipe.get("candidate_model", ""))
    return "; ".join(map(source_words, config.writers))


def training_words(settings: TrainSettings) -> list[tuple[str, str]]:
    """What is trained and how, as label and value."""
    if settings.base_url:
        started = model_words(ModelRef(settings.base_url, settings.base))
    else:
        started = settings.base or model_words(ModelRef())
    way = "OpenAI fine-tuning" if settings.trainer == "openai" else f"LoRA, rank {settings.rank}"
    return [("Start from", started), ("Trained by", way), ("Epochs", f"{settings.epochs:,}")]


def run_words(run: RunRecord) -> str:
    """What a run asked of whom."""
    config = run.config
    if config.train:
        return ", ".join(value for _, value in training_words(config.train)[:2])
    if config.kind == "correct" and config.candidates:
        return f"{writers_words(run)}, judged by {asked_words(config)}"
    return asked_words(config)
