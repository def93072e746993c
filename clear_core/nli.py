"""A model of entailment from any MNLI checkpoint, by name or folder, run by transformers (clear-review[nli])."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from clear_core.entailment import Entailment, has_nli
from clear_core.errors import InputError

MOST_TOKENS: Final = 512
"""What models of this kind are trained to read, whatever else their settings allow."""
BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding counted."""
KINDS: Final = ("contradict", "entail", "neutral")


@dataclass(frozen=True, slots=True)
class Labels:
    """Which of a checkpoint's three outputs says what."""

    contradict: int
    entail: int
    neutral: int


class Checkpoint:
    """A loaded checkpoint; it implements `clear_core.entailment.NLI`. Make one with `load_nli`.

    Args:
        name: the checkpoint, as scores record it.
        tokenizer: its tokenizer.
        model: its model with three outputs.
        labels: which output says what.
        device: "cpu" or "cuda".
    """

    def __init__(self, name: str, tokenizer: Any, model: Any, labels: Labels, device: str) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._model = model.to(device).eval()
        self._labels = labels
        self._device = device
        self._most_tokens = _most_tokens(tokenizer, model.config)

    def fits(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Whether the model can read every pair whole."""
        return max(self._lengths(pairs), default=0) <= self._most_tokens

    def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        """One answer for each (premise, hypothesis), in their order; pairs of a length are asked together.

        Raises:
            InputError: a pair can't be read whole.
        """
        lengths = self._lengths(pairs)
        if max(lengths, default=0) > self._most_tokens:
            raise InputError(
                f"{self.name} can't read {max(lengths)} tokens at once, only {self._most_tokens}.",
                "Choose another NLI checkpoint.",
            )
        found: dict[int, Entailment] = {}
        for batch in _batches(lengths, BATCH_TOKENS[self._device]):
            found |= dict(zip(batch, self._ask([pairs[place] for place in batch]), strict=True))
        return [found[place] for place in range(len(pairs))]

    def _lengths(self, pairs: Sequence[tuple[str, str]]) -> list[int]:
        if not pairs:
            return []
        encoded = self._tokenizer(*_columns(pairs), truncation=False, verbose=False)
        return [len(tokens) for tokens in encoded["input_ids"]]

    def _ask(self, pairs: Sequence[tuple[str, str]]) -> list[Entailment]:
        import torch  # noqa: PLC0415 - optional, and its import takes seconds

        encoded = self._tokenizer(*_columns(pairs), padding=len(pairs) > 1, truncation=False, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**encoded.to(self._device)).logits
        told = logits.double().softmax(-1).tolist()
        order = self._labels
        return [Entailment(row[order.entail], row[order.neutral], row[order.contradict]) for row in told]


def load_nli(name: str) -> Checkpoint:
    """Load a checkpoint onto the GPU where there is one, else the CPU. A folder is read without any network.

    Args:
        name: a model's name on the Hugging Face Hub, or a folder with one.

    Raises:
        InputError: when the packages are not installed, the checkpoint can't be loaded, or its outputs are not
            the three of natural language inference by name.
    """
    if not name:
        raise InputError(
            "The similarity 'nli' needs a model of entailment.",
            "Name an MNLI checkpoint or its folder, such as microsoft/deberta-large-mnli.",
        )
    if not has_nli():
        raise InputError(
            "The similarity 'nli' needs the packages torch and transformers, which are not installed.",
            "Run `make setup-train`, install clear-review[nli], or choose another similarity.",
        )
    folder = Path(name).expanduser()
    if not folder.is_dir() and (folder.is_absolute() or name.startswith(".")):
        raise InputError(f"There is no folder {name}.", "Name a folder with an MNLI checkpoint, or one on the Hub.")
    tokenizer, model = _load(str(folder), local=True) if folder.is_dir() else _load(name, local=False)
    import torch  # noqa: PLC0415 - optional, and its import takes seconds

    told = folder.resolve().name if folder.is_dir() else name
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return Checkpoint(told, tokenizer, model, labels_of(model.config.id2label, told), device)


def _load(name: str, *, local: bool) -> tuple[Any, Any]:
    import torch  # noqa: PLC0415 - optional, and its import takes seconds
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            name, local_files_only=local, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise InputError(
            f"The NLI checkpoint {name} can't be loaded: {first}",
            "Name an MNLI checkpoint on the Hugging Face Hub, or a folder with its config, weights and tokenizer.",
        ) from error
    if loaded["missing_keys"]:
        # Such a model would be run with random weights in their place.
        raise InputError(
            f"The NLI checkpoint {name} lacks weights: {', '.join(sorted(loaded['missing_keys'])[:3])}.",
            "Name a checkpoint that was trained for natural language inference.",
        )
    return tokenizer, model


def labels_of(names: dict[int, str], checkpoint: str) -> Labels:
    """Which output of a checkpoint says what, by the names in its settings (`id2label`).

    Raises:
        InputError: when each of the three can't be told from the others.
    """
    places = {kind: [place for place, name in names.items() if kind in name.casefold()] for kind in KINDS}
    if len(names) != len(KINDS) or any(len(found) != 1 for found in places.values()):
        raise InputError(
            f"The outputs of {checkpoint} are named {', '.join(map(str, names.values()))}: which of them says "
            "contradiction, entailment and neutral can't be told.",
            "Choose an MNLI checkpoint whose settings (id2label) name these three.",
        )
    return Labels(**{kind: found[0] for kind, found in places.items()})


def _most_tokens(tokenizer: Any, config: Any) -> int:
    # Models of RoBERTa's family keep two of their positions for themselves.
    positions = getattr(config, "max_position_embeddings", 0) or math.inf
    return int(min(MOST_TOKENS, tokenizer.model_max_length, positions - 2))


def _columns(pairs: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Premises and hypotheses; half a surrogate pair, which is no Unicode text, becomes a question mark."""
    clean = [tuple(text.encode("utf-8", "replace").decode() for text in pair) for pair in pairs]
    return [pair[0] for pair in clean], [pair[1] for pair in clean]


def _batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of pairs, the longest first, so that a batch of one length has little padding."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and lengths[batch[0]] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
