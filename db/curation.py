"""What a dataset becomes under thresholds and decisions: as a stream for looking, as files for taking away."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
from sqlalchemy import Engine, select

from clear_core.export import export_curated
from clear_core.io import ExportFormat, Source, curated_name, manifest_path, write_records
from clear_core.propose import Thresholds, acceptable, cut, fates, proposal_for
from clear_core.types import FATES, ConfidenceScore, Decision, Fate, Preference, Proposal
from db.bulk import by_row
from db.datasets import get_dataset, list_datasets
from db.models import ExampleRow
from db.records import DatasetRecord, PolicyRecord
from db.reviews import decision_counts, decisions
from db.runs import get_run
from db.scores import iter_preferences, iter_scores, score_table

DECISIONS: Final = "decisions.jsonl"
CHANGES: Final = "changes.jsonl"
KEPT_EXPORTS: Final = 4


@dataclass(frozen=True, slots=True)
class Curation:
    """What an export is a function of, beside the dataset's decisions.

    Attributes:
        dataset_id: the dataset.
        score_run_id: the run that gave the confidences.
        correct_run_id: the run that gave the preferences, or None.
        thresholds: gamma, eta and scope.
        policy: the saved policy that they come from, or None.
    """

    dataset_id: int
    score_run_id: int
    correct_run_id: int | None
    thresholds: Thresholds
    policy: PolicyRecord | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of one export, all in one folder.

    Attributes:
        curated: the curated dataset.
        manifest: the manifest beside it.
        decisions: every decision that was appended, in order.
        changes: the outcome of every row that is not kept as it came, with reason and author.
        facts: the manifest's content.
    """

    curated: Path
    manifest: Path
    decisions: Path
    changes: Path
    facts: dict[str, Any]


def proposals(engine: Engine, curation: Curation) -> Iterator[Proposal]:
    """A proposal for every example of the dataset, in row order and bounded memory.

    An example that the score run did not reach is unscored. All fates are of one moment: a score or a preference that
    comes in meanwhile is left out.
    """
    settled, gamma = _settle(engine, curation)
    correct = curation.correct_run_id
    judged = iter_preferences(engine, correct) if correct is not None else iter(())
    fate_of, scores, preferences = (
        _Beside(settled),
        _Beside(iter_scores(engine, curation.score_run_id)),
        _Beside(judged),
    )
    for row, example_id in _ids(engine, curation.dataset_id):
        fixed, score, preference = fate_of.at(row), scores.at(row), preferences.at(row)
        fate: Fate = fixed.fate if fixed else "unscored"
        if score is None or fixed is None or (fate == "unscored" and score.confidence is not None):
            score = ConfidenceScore(example_id, row, None)
        if fixed and not fixed.has_candidate and acceptable(preference) is not None:
            preference = None
        yield proposal_for(score, preference, fate, curation.thresholds, gamma)


class _Settled(NamedTuple):
    """A row's fate by the thresholds, and whether it had a candidate to accept when that was settled."""

    row: int
    fate: Fate
    has_candidate: bool


def _settle(engine: Engine, curation: Curation) -> tuple[Iterator[_Settled], float]:
    """The fate of every row with a result, in row order, from one look at the runs; and gamma as a number."""
    table = score_table(engine, curation.score_run_id, curation.correct_run_id)
    at = cut(table, curation.thresholds.gamma)
    codes, candidates = fates(table, curation.thresholds, at), ~np.isnan(table.preference)
    rows = zip(table.row, codes, candidates, strict=True)
    return (_Settled(int(row), FATES[code], bool(has_candidate)) for row, code, has_candidate in rows), at.gamma


def export_dataset(engine: Engine, exports_dir: Path, curation: Curation, to: ExportFormat = "same") -> Exported:
    """Write the curated dataset, its manifest, the decisions and the changes, each whole or not at all.

    The same export asked for again is not written again; older exports of the dataset make room for a new one.

    Args:
        engine: the database.
        exports_dir: the folder that holds a folder for each export.
        curation: what to export.
        to: "same" for the shape that the dataset came in, "openai" for OpenAI chat JSONL.

    Raises:
        StateError: when the dataset or a run is gone.
        InputError: when the upload can't be read, or a file can't be written.
    """
    dataset = get_dataset(engine, curation.dataset_id)
    appended = decision_counts(engine, dataset.id).appended
    family = exports_dir / str(dataset.id)
    folder = family / f"{_stamp(engine, curation, appended)}-{to}"
    curated = folder / curated_name(dataset.source_name, to)
    if not manifest_path(curated).exists():
        _make_room(family, folder)
        folder.mkdir(parents=True, exist_ok=True)
        # The same decisions for every file: one that comes in meanwhile belongs to the next export.
        log = list(islice(decisions(engine, dataset.id), appended))
        write_records(folder / DECISIONS, log)
        # Curated file and changes come from one pass. The manifest comes last: where it stands, the export is complete.
        _write(engine, curation, dataset, log, curated, to=to)
    facts: dict[str, Any] = json.loads(manifest_path(curated).read_text("utf-8"))
    return Exported(curated, manifest_path(curated), folder / DECISIONS, folder / CHANGES, facts)


def _write(
    engine: Engine,
    curation: Curation,
    dataset: DatasetRecord,
    log: Iterable[Decision],
    curated: Path,
    *,
    to: ExportFormat,
) -> None:
    thresholds, policy = curation.thresholds, curation.policy
    told: dict[str, Any] = {"gamma_as_set": str(thresholds.gamma), "scope": thresholds.scope}
    if policy:
        told |= {"name": policy.name, "version": policy.version, "saved_by": policy.created_by}
    export_curated(
        Source(dataset.source_path, dataset.source_name),
        dataset.field_map,
        proposals(engine, curation),
        log,
        curated,
        to=to,
        policy=told,
        changes=curated.with_name(CHANGES),
    )


def _stamp(engine: Engine, curation: Curation, appended: int) -> str:
    """A name that changes with anything the export depends on, such as how many decisions were appended."""
    runs = [get_run(engine, run) for run in (curation.score_run_id, curation.correct_run_id) if run is not None]
    depends_on = (
        [(run.id, run.version) for run in runs],
        str(curation.thresholds.gamma),
        curation.thresholds.eta,
        curation.thresholds.scope,
        curation.policy and (curation.policy.name, curation.policy.version),
        appended,
    )
    return hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]


def forget_exports(engine: Engine, exports_dir: Path) -> None:
    """Remove the exports of datasets that are gone."""
    there = {str(dataset.id) for dataset in list_datasets(engine)}
    for family in exports_dir.glob("*"):
        if family.name not in there:
            shutil.rmtree(family, ignore_errors=True)


def _make_room(family: Path, folder: Path) -> None:
    """Remove the dataset's exports but the newest few: somebody may be downloading those."""
    others = [path for path in family.iterdir() if path != folder] if family.exists() else []
    for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_EXPORTS:]:
        shutil.rmtree(path, ignore_errors=True)


def _ids(engine: Engine, dataset_id: int) -> Iterator[tuple[int, str]]:
    """Row and id of every example, in row order."""
    query = select(ExampleRow.row, ExampleRow.example_id).where(ExampleRow.dataset_id == dataset_id)
    return ((row.row, row.example_id) for row in by_row(engine, query, ExampleRow.row))


Result = TypeVar("Result", ConfidenceScore, Preference, _Settled)


class _Beside(Generic[Result]):
    """Records in row order, read beside rows that ascend."""

    def __init__(self, records: Iterator[Result]) -> None:
        self._records: Iterator[Result] = records
        self._next: Result | None = next(records, None)

    def at(self, row: int) -> Result | None:
        while self._next is not None and self._next.row < row:
            self._next = next(self._records, None)
        return self._next if self._next is not None and self._next.row == row else None
