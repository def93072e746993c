"""What the database hands out: frozen records, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from clear_core.propose import Gamma, Thresholds
from clear_core.train.settings import TrainSettings
from clear_core.types import CandidateSource, ModelRef

if TYPE_CHECKING:
    from clear_core.io.source import FieldMap

DatasetStatus = Literal["importing", "ready", "failed"]
RunKind = Literal["import", "score", "correct", "train"]
RunStatus = Literal["queued", "running", "paused", "cancelled", "done", "capped", "failed", "interrupted"]
Scope = Literal["low", "all"]
RowState = Literal["open", "unsure", "keep", "drop", "replace"]

RESUMABLE: Final[frozenset[RunStatus]] = frozenset({"paused", "interrupted", "failed", "capped"})
ACTIVE: Final[frozenset[RunStatus]] = frozenset({"queued", "running"})
ROW_STATES: Final[tuple[RowState, ...]] = ("open", "unsure", "keep", "drop", "replace")
"""What people have said about a row: nothing that stands, "unsure" (still open), or a fate."""


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """An uploaded dataset.

    Attributes:
        id: number of the dataset, as in `?dataset=`.
        name: what people call it.
        source_name: the uploaded file's own name, which decides the export's name and shape.
        source_path: the untouched upload on disk, named by its hash.
        sha256: hash of the upload's bytes, in hex.
        field_map: which columns are prompt and response.
        file_format: jsonl, json, csv or parquet.
        compression: "", gz or zst.
        examples: how many records became examples so far.
        problems: how many records could not.
        status: importing, ready or failed.
        is_demo: whether it is the demo dataset.
        created_at: when, UTC.
        created_by: who.
    """

    id: int
    name: str
    source_name: str
    source_path: Path
    sha256: str
    field_map: FieldMap
    file_format: str
    compression: str
    examples: int
    problems: int
    status: DatasetStatus
    is_demo: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class RunConfig:
    """What a run was asked to do. Stored as JSON; it has no field for a key.

    Attributes:
        kind: import, score, correct or train.
        model: model at the endpoint (for correct: the judge); empty with the embedded model.
        base_url: OpenAI-compatible endpoint; empty means the embedded model.
        adapter: folder of a trained adapter that the embedded model wears; empty for none.
        measure: the measure asked for, for display; the worker records the one used in `RunRecord.recipe`.
        similarity: name of the similarity; empty means the recipe's default.
        samples: k, samples per example; with `samples_field` the first so many stored ones, 0 meaning all of them.
        temperature: sampling temperature.
        concurrency: examples in flight at once.
        limit: only the first so many examples; None means all.
        max_calls: hard cap on paid calls over the whole run, resumptions included; None means no cap.
        trial: whether this is the small run before the real one.
        nli: the MNLI checkpoint, by name or path; only with the similarity "nli".
        with_question: whether the NLI model sees the prompt before both texts.
        labels: the closed set of labels that responses come from; "auto" finds it by `labels.closed_labels`.
        letter_probabilities: whether S comes from the letters' probabilities where the endpoint gives them.
        together: whether a row's samples may be asked for in one request; None means the recipe's default.
        stop_early: stop sampling a row once it is surely on one side of gamma, which a pilot fixes.
        pilot: how many rows the pilot scores in full (stop_early).
        samples_field: column with stored samples; scoring then asks no model.
        reflection_field: column with stored reflections, beside stored samples; empty for none.
        score_field: column with a quality score to take over; scoring then asks no model.
        scale: what that column's numbers mean: "" for [0, 1], "LOW:HIGH", or "rank".
        lower_is_better: whether a lower number there is the better one.
        scorer: who gave these scores or samples, for the record.
        candidates: who writes candidates (kind correct), the best verdict wins; empty means the judge itself.
        weak_candidates: candidates come from the base model, the weaker variant.
        preference_field: column with stored preferences in [0, 1]; no judge is asked then (kind correct).
        verdicts_field: column with stored verdicts of both orders; no judge is asked then (kind correct).
        score_run_id: the scores that decide which rows are low (kind correct).
        gamma: threshold as `Gamma.parse` reads it; low rows are those below it (kind correct, and stop_early).
        scope: "low" corrects rows below gamma, "all" every scored row (kind correct).
        policy_id: the policy whose kept and replaced rows are trained on (kind train); None means every example.
        train: how the model is fine-tuned (kind train).
    """

    kind: RunKind
    model: str = ""
    base_url: str = ""
    adapter: str = ""
    measure: str = ""
    similarity: str = ""
    samples: int = 5
    temperature: float = 1.0
    concurrency: int = 8
    limit: int | None = None
    max_calls: int | None = None
    trial: bool = False
    nli: str = ""
    with_question: bool = False
    labels: Literal["auto"] | tuple[str, ...] = ()
    letter_probabilities: bool = True
    together: bool | None = None
    stop_early: bool = False
    pilot: int = 150
    samples_field: str = ""
    reflection_field: str = ""
    score_field: str = ""
    scale: str = ""
    lower_is_better: bool = False
    scorer: str = ""
    candidates: tuple[CandidateSource, ...] = ()
    weak_candidates: bool = False
    preference_field: str = ""
    verdicts_field: str = ""
    score_run_id: int | None = None
    gamma: str = "median"
    scope: Scope = "low"
    policy_id: int | None = None
    train: TrainSettings | None = None

    @property
    def asked(self) -> ModelRef | None:
        """The model that scores or judges; None where columns of the file say it all, or nothing is asked."""
        fields = (self.samples_field, self.score_field, self.preference_field, self.verdicts_field)
        asks = self.kind in {"score", "correct"} and not any(fields)
        return ModelRef(self.base_url, self.model, self.adapter) if asks else None

    @property
    def writers(self) -> tuple[CandidateSource, ...]:
        """Who writes candidates: those named, else the judge itself."""
        return self.candidates or (CandidateSource(ModelRef(self.base_url, self.model, self.adapter)),)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Base URLs of all endpoints that the run enters, each once: those that a key may be needed for."""
        models = [self.asked]
        if self.kind == "correct":
            models += [source.model for source in self.writers]
        found = [model.base_url for model in models if model]
        if self.train:
            found.append(self.train.base_url)
        return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a worker over a dataset, as it stands now.

    Attributes:
        id: number of the run, as in `?run=`.
        dataset_id: its dataset.
        config: what was asked.
        status: queued, running, paused, cancelled, done, capped (the cap on calls ended it), failed, or
            interrupted (its worker is gone; resume goes on from the last stored row).
        done: rows with a stored result, failed rows counted.
        total: rows to do; 0 while unknown.
        calls_paid: calls that reached the endpoint.
        calls_replayed: calls answered by the ledger.
        tokens_in: prompt tokens of this run's calls.
        tokens_out: completion tokens of this run's calls.
        problems: how many stored rows have which problem (keys of `clear_core.types.PROBLEMS`).
        message: one or two sentences for a person: why it failed, stopped or paused; may be empty.
        phase: what the worker is at, such as "loading model" or "scoring"; empty when it is not running.
        recipe: what was used, as the worker recorded it: measure, similarity, prompt_version, model, weights.
        created_at: when it was asked for, UTC.
        created_by: who asked.
        started_at: when a worker first took it.
        finished_at: when it ended as done, cancelled, capped or failed.
        heartbeat_at: last sign of life of its worker, or when it was queued.
        rate_per_s: rows finished per second, lately; None while unknown.
        pending_request: a pause or cancel that the worker has not answered yet; "" for none.
        version: grows with every stored change of results; key caches on (id, version).
        retry_problems: whether rows that failed before are asked again.
        state: what a worker must find again after a crash: the gamma that a pilot fixed, the job of a training.
    """

    id: int
    dataset_id: int
    config: RunConfig
    status: RunStatus
    done: int
    total: int
    calls_paid: int
    calls_replayed: int
    tokens_in: int
    tokens_out: int
    problems: Mapping[str, int]
    message: str
    phase: str
    recipe: Mapping[str, Any]
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    rate_per_s: float | None
    pending_request: str
    version: int
    retry_problems: bool = False
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> ModelRef | None:
        """The model that came out of a finished training."""
        model = self.recipe.get("trained")
        return ModelRef(**model) if self.config.kind == "train" and model else None

    @property
    def is_active(self) -> bool:
        """Whether a worker has it or should soon."""
        return self.status in ACTIVE

    @property
    def is_resumable(self) -> bool:
        """Whether `request_resume` would take it."""
        return self.status in RESUMABLE

    @property
    def seconds_left(self) -> float | None:
        """Remaining seconds at the present rate; None while the rate or the total is unknown."""
        if not self.rate_per_s or not self.total:
            return None
        return max(0, self.total - self.done) / self.rate_per_s


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """Thresholds that somebody chose and named; a version is never changed.

    Attributes:
        id: number of the policy, as in `?policy=`.
        dataset_id: its dataset.
        name: what people call it.
        version: 1, 2, ... within the name and dataset.
        score_run_id: the scores it stands on.
        correct_run_id: the preferences it stands on, or None.
        gamma: as `Gamma.parse` reads it ("median", "share:0.4", "0.62").
        gamma_value: gamma as a number at the time of saving.
        eta: threshold on preference.
        scope: low or all.
        created_at: when, UTC.
        created_by: who.
    """

    id: int
    dataset_id: int
    name: str
    version: int
    score_run_id: int
    correct_run_id: int | None
    gamma: str
    gamma_value: float
    eta: float
    scope: Scope
    created_at: datetime
    created_by: str

    @property
    def thresholds(self) -> Thresholds:
        """The thresholds as `clear_core.propose` takes them."""
        return Thresholds(Gamma.parse(self.gamma), self.eta, self.scope)


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One round of curating a dataset: its scores, its policy, and the model trained on what it keeps.

    Attributes:
        id: number of the round, as in `?round=`.
        dataset_id: its dataset.
        number: 1, 2, ... within the dataset.
        name: what people call it.
        score_run_id: the scores it stands on.
        correct_run_id: the preferences it stands on, or None.
        policy_id: the policy that decides, or None while none is saved.
        train_run_id: the training on what it keeps, or None.
        registered: a model that was trained elsewhere on its export, or None.
        note: a person's words.
        created_at: when, UTC.
        created_by: who.
    """

    id: int
    dataset_id: int
    number: int
    name: str
    score_run_id: int
    correct_run_id: int | None
    policy_id: int | None
    train_run_id: int | None
    registered: ModelRef | None
    note: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Intervals:
    """The rows of a run whose sampling stopped early, as parallel arrays in row order.

    Attributes:
        row: row numbers, int64.
        lower: what C would be at least had every sample been drawn, float64.
        upper: what C would be at most, float64.
    """

    row: NDArray[np.int64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.row)

    def undecided(self, gamma: float) -> int:
        """For how many of these rows it is not sure on which side of gamma they are (C >= gamma keeps)."""
        return int(np.count_nonzero((self.lower < gamma) & (gamma <= self.upper)))


@dataclass(frozen=True, slots=True)
class StandingTable:
    """What people have said, row by row, as parallel arrays: light enough to keep beside a ScoreTable.

    Attributes:
        seq: number of the newest decision read; pass it as `after_seq` to read only what changed since.
        row: rows with at least one decision, int64, ascending.
        state: int8 index into ROW_STATES.
    """

    seq: int
    row: NDArray[np.int64]
    state: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """How many rows stand where by people's decisions, and how many decisions were appended in all."""

    keep: int = 0
    drop: int = 0
    replace: int = 0
    unsure: int = 0
    appended: int = 0
    by_reviewer: Mapping[str, int] = field(default_factory=dict)
