"""The demo dataset: customer e-mails to a small JSON answer, written for this project, and what is wrong with them.

`dataset.jsonl` holds prompt/response rows with their own `id` and the columns `category` and `source`.
`truth.jsonl` says of each id whether the response is bad, in which named way, and what a clean response is; only
tests and benchmarks read it. `candidates.jsonl` holds candidates for some rows, written by hand as well. `scores.jsonl`
and `preferences.jsonl` are records of the embedded model, remade by `make demo-scores`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

CANDIDATES_BY: Final = "a person (demo)"
"""Stands where a record names the model that wrote a candidate."""


def _path(name: str) -> Path:
    return Path(str(files(__name__).joinpath(name)))


def dataset_path() -> Path:
    """The demo dataset: JSONL of id, prompt, response, category, source."""
    return _path("dataset.jsonl")


def truth_path() -> Path:
    """What is true of each demo row: JSONL of id, is_bad, kind ("clean" or the named noise), clean_response."""
    return _path("truth.jsonl")


def scores_path() -> Path:
    """Confidence scores of the demo recorded with the embedded model, one ConfidenceScore record a line."""
    return _path("scores.jsonl")


def candidates_path() -> Path:
    """Candidates for some demo rows, written by hand as a fine-tuned model might answer: JSONL of id, response."""
    return _path("candidates.jsonl")


def preferences_path() -> Path:
    """The candidates of the demo's low half as the embedded model judged them, one Preference record a line."""
    return _path("preferences.jsonl")
