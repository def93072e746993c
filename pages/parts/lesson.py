"""What a model learns from: the rows that a policy keeps or replaces, with what people decided, and for which round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from clear_core.types import Fate
from db.policies import list_policies
from db.records import DatasetRecord, PolicyRecord, RoundRecord
from db.rounds import list_rounds
from db.runs import get_run
from pages.parts import address
from pages.parts.basis import Basis
from pages.parts.boards import load
from pages.parts.changes import total_counts
from pages.parts.errors import notice
from pages.parts.queues import proposed
from pages.parts.shell import engine
from pages.parts.text import count


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt, and where it counts.

    Attributes:
        basis: what the policy stands on; None where every example is learnt as it came.
        round: the round that the training belongs to, or None.
        rows: how many rows it has.
        unscored: rows that nobody scored; an export holds them, a training leaves them out.
    """

    basis: Basis | None
    round: RoundRecord | None
    rows: int
    unscored: int = 0

    @property
    def policy(self) -> PolicyRecord | None:
        """The policy that decides; None where every example is learnt."""
        return self.basis.policy if self.basis else None


def choose_lesson(dataset: DatasetRecord) -> Lesson:
    """Show the choice of the policy and the round."""
    policies = {policy.id: policy for policy in list_policies(engine(), dataset.id)}
    rounds = {each.id: each for each in list_rounds(engine(), dataset.id)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        policy = policies.get(_policy(policies))
        round_ = rounds.get(_round(rounds, policy))
    if not policies:
        notice(
            "No thresholds are saved as a policy yet, so a model would learn from every row, bad ones too.",
            "Save them on Tune to train on what they keep.",
        )
        address.page_link("tune", "Go to Tune", icon=":material/tune:")
    if policy is None:
        st.caption(f"Learns from all {count(dataset.examples, 'row')}, as they came.")
        return Lesson(None, round_, dataset.examples)
    basis = Basis(
        dataset,
        get_run(engine(), policy.score_run_id),
        get_run(engine(), policy.correct_run_id) if policy.correct_run_id else None,
        policy,
    )
    counts = _counts(basis)
    rows = counts["keep"] + counts["replace"]
    st.caption(_words(rows, counts))
    return Lesson(basis, round_, rows, counts["unscored"])


def _policy(policies: Mapping[int, PolicyRecord]) -> int:
    labels = {
        policy.id: f"{policy.name} v{policy.version} · gamma {policy.gamma_value:.3f}, eta {policy.eta:.3f}"
        for policy in policies.values()
    } | {0: "Every example, as it came"}
    wanted = address.number("policy")
    return st.selectbox(
        "Learn from what this policy keeps",
        list(labels),
        index=list(labels).index(wanted) if wanted in labels else 0,
        format_func=lambda policy_id: labels.get(policy_id, ""),
        width=420,
        key=f"lesson_policy_{wanted}",
    )


def _round(rounds: Mapping[int, RoundRecord], policy: PolicyRecord | None) -> int:
    if not rounds:
        return 0
    labels: dict[int, str] = {each.id: each.name for each in reversed(list(rounds.values()))} | {0: "no round"}
    return st.selectbox(
        "For",
        list(labels),
        index=list(labels).index(_fitting(list(rounds.values()), policy)),
        format_func=lambda round_id: labels.get(round_id, ""),
        width=220,
        key=f"lesson_round_{policy.id if policy else 0}",
        help="The round that the trained model belongs to.",
    )


def _fitting(rounds: Sequence[RoundRecord], policy: PolicyRecord | None) -> int:
    """The round of the address if its policy is this one, else the newest round with this policy, else none."""
    same = [each.id for each in rounds if policy is not None and each.policy_id == policy.id]
    wanted = address.number("round")
    if wanted in same:
        return wanted or 0
    return same[-1] if same else 0


def _counts(basis: Basis) -> Mapping[Fate, int]:
    board, standing = load(engine(), basis.dataset.id, basis.score, basis.correct)
    return total_counts(basis, proposed(board, standing, basis.thresholds))


def _words(rows: int, counts: Mapping[Fate, int]) -> str:
    left = f"{counts['drop']:,} dropped" + (f" and {counts['unscored']:,} unscored" if counts["unscored"] else "")
    learnt = f"{counts['keep']:,} kept, {counts['replace']:,} replaced"
    return f"Learns from {count(rows, 'row')}: {learnt}. {left} are left out."
