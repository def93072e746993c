"""Whether a run can do what it is asked for: told before it is queued, in words for the one who asks."""

from __future__ import annotations

from clear_core.column_scores import column_recipe
from clear_core.errors import InputError
from clear_core.llm.base_url import check_base_url
from clear_core.propose import Gamma
from clear_core.similarity import known
from clear_core.types import CandidateSource, ModelRef
from db.records import RunConfig

_LEAST = {"limit": 1, "max_calls": 1, "concurrency": 1, "samples": 0, "temperature": 0, "pilot": 1}


def check_config(config: RunConfig) -> None:
    """Refuse what no worker could do.

    Raises:
        InputError: when a number is below its least, a base URL holds credentials, fields contradict each other, or
            what the kind of run needs is missing.
        ThresholdError: when gamma is not a threshold.
    """
    for name, lowest in _LEAST.items():
        value = getattr(config, name)
        if value is not None and not value >= lowest:
            raise InputError(f"{name} is {value}.", f"Give a number from {lowest}.")
    Gamma.parse(config.gamma)
    if config.asked:
        check_model(config.asked)
    if config.kind == "score":
        _check_columns(config)
    if config.kind == "correct":
        _check_correction(config)
    if config.kind == "train" and config.train is None:
        raise InputError("A training needs settings.", "Choose how to train.")
    if config.train and config.train.base_url:
        check_base_url(config.train.base_url)


def check_model(model: ModelRef) -> None:
    """Refuse a model that can't be asked.

    Raises:
        InputError: when the endpoint's base URL can't be used or its model has no name, or it is to wear an adapter.
    """
    if not model.base_url:
        return
    check_base_url(model.base_url)
    if not model.model.strip():
        raise InputError("The endpoint needs a model name.", "Give the model's name as the endpoint lists it.")
    if model.adapter:
        raise InputError("Only the embedded model wears an adapter.", "Leave the endpoint or the adapter out.")


def _check_columns(config: RunConfig) -> None:
    if config.similarity:
        known(config.similarity)
    if config.score_field:
        column_recipe(config.score_field, config.scale)
    if config.nli and config.similarity != "nli":
        raise InputError("A model of entailment goes with the similarity 'nli'.", "Leave one of them out.")
    if config.similarity == "nli" and not config.nli:
        raise InputError(
            "The similarity 'nli' needs a model of entailment.", "Name an MNLI checkpoint, or the folder of one."
        )
    if config.reflection_field and not config.samples_field:
        raise InputError("Stored reflections need stored samples beside them.", "Name the column of the samples.")
    if config.score_field and config.samples_field:
        raise InputError("Scores come from one place.", "Take either stored samples or a column of scores.")
    if config.stop_early and not config.asked:
        raise InputError("Nothing is sampled, so there is nothing to stop early.", "Leave the early stop out.")


def _check_correction(config: RunConfig) -> None:
    if config.score_run_id is None:
        raise InputError("A correct run needs scores.", "Choose a score run.")
    for source in config.candidates:
        _check_source(source)
    if config.preference_field and config.verdicts_field:
        raise InputError("A candidate is judged once.", "Take either stored preferences or stored verdicts.")
    if config.asked is None and [bool(source.column) for source in config.candidates] != [True]:
        raise InputError(
            "Stored judgements are about stored candidates.", "Name the one column that holds the candidates."
        )


def _check_source(source: CandidateSource) -> None:
    if (source.model is None) == (not source.column):
        raise InputError("A source of candidates is either a model or a column.", "Choose one of them.")
    if source.model:
        check_model(source.model)
