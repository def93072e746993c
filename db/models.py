"""The tables. Times are seconds since 1970 in UTC; JSON is text."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import BigInteger, Double, ForeignKey, Index, MetaData, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# Without it SQLite gives the number of a deleted last row to the next one, and a cache or a bookmark would lie.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}


class Base(DeclarativeBase):
    """Base of all tables, with names for constraints so that migrations can find them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {str: Text(), float: Double()}


class DatasetRow(Base):
    """An upload: what `DatasetRecord` shows."""

    __tablename__ = "dataset"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    source_name: Mapped[str]
    source_path: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    field_map: Mapped[str]
    file_format: Mapped[str] = mapped_column(String(16))
    compression: Mapped[str] = mapped_column(String(8))
    examples: Mapped[int] = mapped_column(default=0)
    problems: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(String(16))
    is_demo: Mapped[bool]
    created_at: Mapped[float]
    created_by: Mapped[str]


class ExampleRow(Base):
    """One example; `prompt` is a JSON list of messages, `meta` a JSON object."""

    __tablename__ = "example"

    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    example_id: Mapped[str]
    prompt: Mapped[str]
    response: Mapped[str]
    meta: Mapped[str]


class RowProblemRow(Base):
    """One record that could not become an example; its texts are JSON strings, for they may hold anything."""

    __tablename__ = "row_problem"

    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    field: Mapped[str]
    reason: Mapped[str]
    raw: Mapped[str]


class RunRow(Base):
    """One run: what `RunRecord` shows, and who owns it (`token` grows with each owner and fences off earlier ones)."""

    __tablename__ = "run"
    __table_args__ = NEVER_REUSE_IDS

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    config: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    request: Mapped[str] = mapped_column(String(16), default="")
    retry_problems: Mapped[bool] = mapped_column(default=False)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    calls_reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    calls_paid: Mapped[int] = mapped_column(BigInteger, default=0)
    calls_replayed: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_in: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_out: Mapped[int] = mapped_column(BigInteger, default=0)
    problems: Mapped[str] = mapped_column(default="{}")
    message: Mapped[str] = mapped_column(default="")
    phase: Mapped[str] = mapped_column(default="")
    recipe: Mapped[str] = mapped_column(default="{}")
    state: Mapped[str] = mapped_column(default="{}", server_default="{}")
    rate_per_s: Mapped[float | None]
    version: Mapped[int] = mapped_column(default=0)
    token: Mapped[int] = mapped_column(default=0)
    owner_host: Mapped[str] = mapped_column(default="")
    owner_pid: Mapped[int | None]
    heartbeat_at: Mapped[float | None]
    created_at: Mapped[float]
    created_by: Mapped[str]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]


class ScoreRow(Base):
    """One score; `tie` is the id's hash as a signed number. The index alone answers what a ScoreTable asks."""

    __tablename__ = "score"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    example_id: Mapped[str]
    confidence: Mapped[float | None]
    consistency: Mapped[float | None]
    tie: Mapped[int] = mapped_column(BigInteger)
    reflection: Mapped[float | None]
    likelihood: Mapped[float | None]
    measure: Mapped[str]
    model: Mapped[str]
    prompt_version: Mapped[str]
    samples: Mapped[int]
    calls: Mapped[int]
    problem: Mapped[str | None] = mapped_column(String(32))
    evidence: Mapped[str]
    temperature: Mapped[float | None]
    lower: Mapped[float | None]
    upper: Mapped[float | None]

    __table_args__ = (
        Index("ix_score_table", "run_id", "row", "confidence", "consistency", "tie"),
        Index(
            "ix_score_interval",
            "run_id",
            "row",
            "lower",
            "upper",
            sqlite_where=text("lower IS NOT NULL"),
            postgresql_where=text("lower IS NOT NULL"),
        ),
    )


class PreferenceRow(Base):
    """One preference; `accepted` repeats `preference` where the judge chose the candidate in both orders."""

    __tablename__ = "preference"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    example_id: Mapped[str]
    accepted: Mapped[float | None]
    preference: Mapped[float | None]
    verdict: Mapped[str | None] = mapped_column(String(16))
    candidate: Mapped[str | None]
    model: Mapped[str]
    candidate_model: Mapped[str]
    measure: Mapped[str]
    prompt_version: Mapped[str]
    calls: Mapped[int]
    problem: Mapped[str | None] = mapped_column(String(32))
    rejected: Mapped[str | None]
    evidence: Mapped[str]
    samples: Mapped[int] = mapped_column(default=0, server_default="0")
    temperature: Mapped[float | None]

    __table_args__ = (Index("ix_preference_table", "run_id", "row", "accepted"),)


class PolicyRow(Base):
    """One version of named thresholds."""

    __tablename__ = "policy"

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    name: Mapped[str]
    version: Mapped[int]
    score_run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    correct_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    gamma: Mapped[str] = mapped_column(String(32))
    gamma_value: Mapped[float]
    eta: Mapped[float]
    scope: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[float]
    created_by: Mapped[str]

    __table_args__ = (UniqueConstraint("dataset_id", "name", "version"), NEVER_REUSE_IDS)


class RoundRow(Base):
    """One round: what `RoundRecord` shows; `registered` is a model reference as JSON."""

    __tablename__ = "round"

    id: Mapped[int] = mapped_column(primary_key=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    number: Mapped[int]
    name: Mapped[str]
    score_run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    correct_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policy.id"))
    train_run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    registered: Mapped[str | None]
    note: Mapped[str]
    created_at: Mapped[float]
    created_by: Mapped[str]

    __table_args__ = (UniqueConstraint("dataset_id", "number"), NEVER_REUSE_IDS)


class DecisionRow(Base):
    """One decision of a person: inserted, never updated. `seq` is the order of appending."""

    __tablename__ = "decision"

    seq: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(64), unique=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    row: Mapped[int]
    example_id: Mapped[str]
    action: Mapped[str] = mapped_column(String(8))
    fate: Mapped[str | None] = mapped_column(String(8))
    response: Mapped[str | None]
    reviewer: Mapped[str]
    at: Mapped[str] = mapped_column(String(40))
    undoes: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str]
    shown: Mapped[str]
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("policy.id"))
    model: Mapped[str]
    confidence: Mapped[float | None]
    preference: Mapped[float | None]

    __table_args__ = (
        Index("ix_decision_dataset_row", "dataset_id", "row"),
        Index("ix_decision_dataset_reviewer", "dataset_id", "reviewer", "seq"),
        Index("ix_decision_dataset_log", "dataset_id", "seq"),
        Index("ix_decision_undoes", "undoes"),
        NEVER_REUSE_IDS,
    )


class StandingRow(Base):
    """What stands on one row: the fold of its decisions, kept in the transaction that appends one.

    `state` indexes `db.records.ROW_STATES`; `seq` is the row's newest decision, `decision_seq` the standing one.
    """

    __tablename__ = "standing"

    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[int]
    seq: Mapped[int]
    decision_seq: Mapped[int | None] = mapped_column(ForeignKey("decision.seq"))

    __table_args__ = (Index("ix_standing_changes", "dataset_id", "seq", "row", "state"),)
