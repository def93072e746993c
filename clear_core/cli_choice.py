"""Which models the options and the environment ask for, and which key goes to which endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clear_core.errors import InputError
from clear_core.settings import Settings
from clear_core.types import CandidateSource, ModelRef

EMBEDDED: Final = "embedded"


def chosen_model(
    settings: Settings, *, embedded: bool, base_url: str | None, model: str | None, adapter: str | None = None
) -> ModelRef:
    """The model that the options and the environment ask for; the embedded one without a base URL.

    Raises:
        InputError: when the options contradict each other, or an endpoint has no model.
    """
    if (embedded or adapter) and (base_url or model):
        one = "--embedded" if embedded else "--adapter"
        raise InputError(f"{one} goes without --base-url and --model.", "Leave one of them out.")
    url = "" if embedded or adapter else base_url or settings.base_url
    if not url:
        if model:
            raise InputError(f"The model {model!r} has no endpoint.", "Add --base-url URL.")
        return ModelRef(adapter=adapter or "")
    name = model or settings.model
    if not name:
        raise InputError("The endpoint needs a model name.", "Add --model NAME.")
    return ModelRef(url.rstrip("/"), name)


def label_of(model: ModelRef) -> str:
    """What a person calls a model."""
    if model.base_url:
        return f"{model.model} at {model.base_url}"
    return f"the embedded model with {model.adapter}" if model.adapter else "the embedded model"


def sources_of(candidates: Sequence[str], columns: Sequence[str], judge: ModelRef) -> tuple[CandidateSource, ...]:
    """Who writes candidates, from what a person writes.

    Args:
        candidates: each "embedded", "embedded+ADAPTER_DIR", "MODEL@URL", or "MODEL" at the judge's endpoint.
        columns: columns of the dataset that hold candidates.
        judge: the model that judges.

    Raises:
        InputError: when a model has no endpoint, or a source is named twice.
    """
    sources = [CandidateSource(_written_by(text, judge)) for text in candidates]
    sources += [CandidateSource(column=column) for column in columns]
    if len(set(sources)) < len(sources):
        raise InputError("A source of candidates is named twice.", "Name each once.")
    return tuple(sources)


def _written_by(text: str, judge: ModelRef) -> ModelRef:
    word, plus, adapter = text.partition("+")
    if word == EMBEDDED and bool(plus) == bool(adapter):
        return ModelRef(adapter=adapter)
    # An address holds no "@" (a user name in it is refused), a model's name may.
    model, at, url = text.rpartition("@")
    if not at or "://" not in url:
        model, url = text, judge.base_url
    if not model or not url:
        raise InputError(
            f"The candidates' model {text!r} has no endpoint.",
            "Write MODEL@URL, such as tuned@http://127.0.0.1:8000/v1, or embedded.",
        )
    return ModelRef(url.rstrip("/"), model)


def chosen_candidate(judge: ModelRef, base_url: str | None, model: str | None) -> ModelRef:
    """The model of --candidate-base-url and --candidate-model: the judge but for what is given.

    Raises:
        InputError: when a model is named that the embedded model is not, or an endpoint has no model.
    """
    writer = ModelRef((base_url or judge.base_url).rstrip("/"), model or judge.model)
    if not writer.base_url:
        raise InputError(f"The candidate model {model!r} has no endpoint.", "Add --candidate-base-url URL.")
    if not writer.model:
        raise InputError("The candidates' endpoint needs a model name.", "Add --candidate-model NAME.")
    return writer


def keys_for(settings: Settings, judge: ModelRef | None, others: Iterable[ModelRef]) -> Mapping[str, str]:
    """The key of each endpoint by its base URL; a key never goes to an endpoint that it may not be meant for.

    CLEAR_API_KEYS names keys by base URL. What it leaves open: CLEAR_API_KEY is the judge's endpoint's, and
    CLEAR_CANDIDATE_API_KEY that of the one other endpoint; where no endpoint judges, CLEAR_API_KEY stands in for it.

    Raises:
        InputError: when a key could be meant for several endpoints.
    """
    keys = {url.rstrip("/"): key for url, key in settings.api_keys.items()}
    if judge and judge.base_url and settings.api_key:
        keys.setdefault(judge.base_url, settings.api_key)
    home = judge.base_url if judge else ""
    spare = settings.candidate_api_key or ("" if home else settings.api_key)
    open_urls = {model.base_url for model in others if model.base_url} - keys.keys() - {home}
    if spare and len(open_urls) > 1:
        raise InputError(
            f"One key, but several endpoints that write candidates: {', '.join(sorted(open_urls))}.",
            'Name keys by endpoint: CLEAR_API_KEYS=\'{"URL": "KEY", ...}\'.',
        )
    return keys | dict.fromkeys(open_urls, spare)
