"""Row <-> record: the only place that knows how a value is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from clear_core.io.source import FieldMap
from clear_core.propose import acceptable, tie_hash
from clear_core.train.settings import TrainSettings
from clear_core.types import (
    CandidateSource,
    ConfidenceScore,
    Decision,
    Example,
    Message,
    ModelRef,
    Preference,
    RowProblem,
)
from db.records import DatasetRecord, PolicyRecord, RoundRecord, RunConfig, RunRecord, RunStatus

AnyRow = Row[Any]
Values = dict[str, Any]


# Made once: json.dumps would make an encoder for each call, a quarter of the time of an import.
_ascii = json.JSONEncoder(separators=(",", ":")).encode
_readable = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
# Columns of Parquet may hold dates and the like; meta is for looking and filtering, the export reads the file.
_lenient = json.JSONEncoder(separators=(",", ":"), default=str).encode


def to_json(value: object) -> str:
    """JSON in ASCII: half a character or a NUL in a model's reply is stored as an escape, not refused."""
    return _ascii(value)


def moment(seconds: float | None) -> datetime | None:
    """Stored seconds as a time in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def example_values(dataset_id: int, example: Example) -> Values:
    """An example as column values; the prompt stays searchable text inside its JSON."""
    return {
        "dataset_id": dataset_id,
        "row": example.row,
        "example_id": example.id,
        "prompt": _readable([{"role": turn.role, "content": turn.content} for turn in example.prompt]),
        "response": example.response,
        "meta": _lenient(dict(example.meta)),
    }


def example_of(row: AnyRow) -> Example:
    """An example from its row."""
    return Example(
        id=row.example_id,
        row=row.row,
        prompt=tuple(Message(turn["role"], turn["content"]) for turn in json.loads(row.prompt)),
        response=row.response,
        meta=json.loads(row.meta),
    )


def problem_values(dataset_id: int, problem: RowProblem) -> Values:
    """A row problem as column values."""
    return {
        "dataset_id": dataset_id,
        "row": problem.row,
        "field": to_json(problem.field),
        "reason": to_json(problem.reason),
        "raw": to_json(problem.raw),
    }


def problem_of(row: AnyRow) -> RowProblem:
    """A row problem from its row."""
    return RowProblem(row.row, json.loads(row.field), json.loads(row.reason), json.loads(row.raw))


def dataset_of(row: AnyRow, home: Path | None) -> DatasetRecord:
    """A dataset from its row; `home` is the folder that relative paths start from."""
    path = Path(row.source_path)
    return DatasetRecord(
        id=row.id,
        name=row.name,
        source_name=row.source_name,
        source_path=home / path if home else path,
        sha256=row.sha256,
        field_map=FieldMap.from_json(row.field_map),
        file_format=row.file_format,
        compression=row.compression,
        examples=row.examples,
        problems=row.problems,
        status=row.status,
        is_demo=row.is_demo,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        created_by=row.created_by,
    )


def config_values(config: RunConfig) -> str:
    """A run's configuration as JSON."""
    return to_json(asdict(config))


def config_of(row: AnyRow) -> RunConfig:
    """A run's configuration from its row."""
    values = json.loads(row.config)
    labels = values.get("labels", ())
    return RunConfig(
        **values
        | {
            "labels": labels if isinstance(labels, str) else tuple(labels),
            "candidates": tuple(map(_source_of, values.get("candidates", ()))),
            "train": TrainSettings(**values["train"]) if values.get("train") else None,
        }
    )


def _source_of(stored: Mapping[str, Any]) -> CandidateSource:
    model = stored["model"]
    return CandidateSource(model and ModelRef(**model), stored["column"], stored["label"])


NO_WORKER = "Its worker is gone: killed, or the machine was restarted. Resume goes on from the last stored row."


def run_of(row: AnyRow, status: RunStatus) -> RunRecord:
    """A run from its row, with the status as it looks from outside."""
    return RunRecord(
        id=row.id,
        dataset_id=row.dataset_id,
        config=config_of(row),
        status=status,
        done=row.done,
        total=row.total,
        calls_paid=row.calls_paid,
        calls_replayed=row.calls_replayed,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        problems=json.loads(row.problems),
        message=row.message or (NO_WORKER if status == "interrupted" else ""),
        phase=row.phase if status == "running" else "",
        recipe=json.loads(row.recipe),
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        created_by=row.created_by,
        started_at=moment(row.started_at),
        finished_at=moment(row.finished_at),
        heartbeat_at=moment(row.heartbeat_at),
        rate_per_s=row.rate_per_s if status == "running" else None,
        pending_request=row.request,
        version=row.version,
        retry_problems=row.retry_problems,
        state=json.loads(row.state),
    )


def signed(tie: int) -> int:
    """An unsigned 64-bit number as the signed one that databases have."""
    return tie - (1 << 64) if tie >> 63 else tie


def score_values(run_id: int, score: ConfidenceScore) -> Values:
    """A score as column values."""
    return {
        "run_id": run_id,
        "row": score.row,
        "example_id": score.id,
        "confidence": score.confidence,
        "consistency": score.consistency,
        "tie": signed(tie_hash(score.id)),
        "reflection": score.reflection,
        "likelihood": score.likelihood,
        "measure": score.measure,
        "prompt_version": score.prompt_version,
        "model": score.model,
        "samples": score.samples,
        "calls": score.calls,
        "problem": score.problem,
        "evidence": to_json(dict(score.evidence)),
        "temperature": score.temperature,
        "lower": score.lower,
        "upper": score.upper,
    }


def score_of(row: AnyRow) -> ConfidenceScore:
    """A score from its row."""
    return ConfidenceScore(
        id=row.example_id,
        row=row.row,
        confidence=row.confidence,
        consistency=row.consistency,
        reflection=row.reflection,
        likelihood=row.likelihood,
        measure=row.measure,
        prompt_version=row.prompt_version,
        model=row.model,
        samples=row.samples,
        calls=row.calls,
        problem=row.problem,
        evidence=json.loads(row.evidence),
        temperature=row.temperature,
        lower=row.lower,
        upper=row.upper,
    )


def preference_values(run_id: int, preference: Preference) -> Values:
    """A preference as column values; a candidate is JSON, for a model may write anything."""
    return {
        "run_id": run_id,
        "row": preference.row,
        "example_id": preference.id,
        "accepted": acceptable(preference),
        "preference": preference.preference,
        "verdict": preference.verdict,
        "candidate": None if preference.candidate is None else to_json(preference.candidate),
        "model": preference.model,
        "candidate_model": preference.candidate_model,
        "measure": preference.measure,
        "prompt_version": preference.prompt_version,
        "calls": preference.calls,
        "problem": preference.problem,
        "rejected": preference.rejected,
        "evidence": to_json(dict(preference.evidence)),
        "samples": preference.samples,
        "temperature": preference.temperature,
    }


def preference_of(row: AnyRow) -> Preference:
    """A preference from its row."""
    return Preference(
        id=row.example_id,
        row=row.row,
        candidate=None if row.candidate is None else json.loads(row.candidate),
        preference=row.preference,
        verdict=row.verdict,
        model=row.model,
        candidate_model=row.candidate_model,
        measure=row.measure,
        prompt_version=row.prompt_version,
        calls=row.calls,
        problem=row.problem,
        rejected=row.rejected,
        evidence=json.loads(row.evidence),
        samples=row.samples,
        temperature=row.temperature,
    )


def policy_of(row: AnyRow) -> PolicyRecord:
    """A policy from its row."""
    return PolicyRecord(
        id=row.id,
        dataset_id=row.dataset_id,
        name=row.name,
        version=row.version,
        score_run_id=row.score_run_id,
        correct_run_id=row.correct_run_id,
        gamma=row.gamma,
        gamma_value=row.gamma_value,
        eta=row.eta,
        scope=row.scope,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        created_by=row.created_by,
    )


def round_of(row: AnyRow) -> RoundRecord:
    """A round from its row."""
    return RoundRecord(
        id=row.id,
        dataset_id=row.dataset_id,
        number=row.number,
        name=row.name,
        score_run_id=row.score_run_id,
        correct_run_id=row.correct_run_id,
        policy_id=row.policy_id,
        train_run_id=row.train_run_id,
        registered=ModelRef(**json.loads(row.registered)) if row.registered else None,
        note=row.note,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        created_by=row.created_by,
    )


def decision_values(dataset_id: int, decision: Decision, shown: Mapping[str, Any], policy_id: int | None) -> Values:
    """A decision as column values; `shown` is completed. Free texts are JSON, for a person may paste anything."""
    return {
        "uid": decision.uid,
        "dataset_id": dataset_id,
        "row": decision.row,
        "example_id": decision.id,
        "action": decision.action,
        "fate": decision.fate,
        "response": None if decision.response is None else to_json(decision.response),
        "reviewer": decision.reviewer,
        "at": decision.at,
        "undoes": decision.undoes,
        "note": to_json(decision.note),
        "shown": to_json(shown),
        "policy_id": policy_id,
        "model": shown.get("model") or "",
        "confidence": shown.get("confidence"),
        "preference": shown.get("preference"),
    }


def decision_of(row: AnyRow) -> Decision:
    """A decision from its row."""
    return Decision(
        uid=row.uid,
        id=row.example_id,
        row=row.row,
        action=row.action,
        fate=row.fate,
        reviewer=row.reviewer,
        at=row.at,
        response=None if row.response is None else json.loads(row.response),
        undoes=row.undoes,
        note=json.loads(row.note),
        shown=json.loads(row.shown),
    )
