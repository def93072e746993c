"""What the whole method needs: intervals of an early stop, several writers, training, rounds."""

from __future__ import annotations

import json
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_FIELDS = frozenset(
    {
        *("adapter", "nli", "with_question", "labels", "letter_probabilities", "together", "stop_early", "pilot"),
        *("samples_field", "reflection_field", "score_field", "scale", "lower_is_better", "scorer"),
        *("candidates", "preference_field", "verdicts_field", "policy_id", "train"),
    }
)
RUN = sa.table("run", sa.column("id", sa.Integer), sa.column("config", sa.Text))


def upgrade() -> None:
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state", sa.Text(), nullable=False, server_default="{}"))
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.add_column(sa.Column("temperature", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("lower", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("upper", sa.Double(), nullable=True))
        batch_op.create_index(
            "ix_score_interval",
            ["run_id", "row", "lower", "upper"],
            unique=False,
            sqlite_where=sa.text("lower IS NOT NULL"),
            postgresql_where=sa.text("lower IS NOT NULL"),
        )
    with op.batch_alter_table("preference", schema=None) as batch_op:
        batch_op.add_column(sa.Column("samples", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("temperature", sa.Double(), nullable=True))

    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("score_run_id", sa.Integer(), nullable=False),
        sa.Column("correct_run_id", sa.Integer(), nullable=True),
        sa.Column("policy_id", sa.Integer(), nullable=True),
        sa.Column("train_run_id", sa.Integer(), nullable=True),
        sa.Column("registered", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["correct_run_id"], ["run.id"], name=op.f("fk_round_correct_run_id_run")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name=op.f("fk_round_dataset_id_dataset")),
        sa.ForeignKeyConstraint(["policy_id"], ["policy.id"], name=op.f("fk_round_policy_id_policy")),
        sa.ForeignKeyConstraint(["score_run_id"], ["run.id"], name=op.f("fk_round_score_run_id_run")),
        sa.ForeignKeyConstraint(["train_run_id"], ["run.id"], name=op.f("fk_round_train_run_id_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("dataset_id", "number", name=op.f("uq_round_dataset_id")),
        sqlite_autoincrement=True,
    )
    _rewrite(_with_sources)


def downgrade() -> None:
    _rewrite(_with_one_writer)
    op.drop_table("round")
    with op.batch_alter_table("preference", schema=None) as batch_op:
        batch_op.drop_column("temperature")
        batch_op.drop_column("samples")
    with op.batch_alter_table("score", schema=None) as batch_op:
        batch_op.drop_index("ix_score_interval")
        batch_op.drop_column("upper")
        batch_op.drop_column("lower")
        batch_op.drop_column("temperature")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_column("state")


def _rewrite(change: Callable[[dict], dict]) -> None:
    connection = op.get_bind()
    for run in connection.execute(sa.select(RUN)).all():
        config = json.dumps(change(json.loads(run.config)), separators=(",", ":"))
        connection.execute(sa.update(RUN).where(RUN.c.id == run.id).values(config=config))


def _with_sources(config: dict) -> dict:
    """The one writer of before, whose empty fields meant the judge's, as a list of sources."""
    base_url, model = config.pop("candidate_base_url", ""), config.pop("candidate_model", "")
    if base_url or model:
        writer = {"base_url": base_url or config["base_url"], "model": model or config["model"], "adapter": ""}
        config["candidates"] = [{"model": writer, "column": "", "label": ""}]
    return config


def _with_one_writer(config: dict) -> dict:
    writer = next((source["model"] for source in config.get("candidates", ()) if source["model"]), {})
    names = {"candidate_base_url": writer.get("base_url", ""), "candidate_model": writer.get("model", "")}
    return {name: value for name, value in config.items() if name not in NEW_FIELDS} | names
