"""The rule that accepts a replacement, on stored verdicts of judges about pairs whose better response is known.

Every pair is taken in both roles: once the first response is the given one and the second the candidate, once the
other way round. We act on a pair when the rule accepts one of the two as the better; a wrong act puts in the worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.formulas import ETA
from benchmarks.noisy import records
from benchmarks.resampling import Figure, difference, figure, redraw, share_of
from clear_core.judge import order_of, settle
from clear_core.parsing import Label

PAIRS = "llmbar.jsonl.gz"
FIRST = "Vanilla"
SAMPLED = ("CoT", "Metrics_Reference", "Swap", "Swap_CoT")
"""Verdicts under four other prompts stand in for the samples of one prompt, which nobody has stored."""

Vote = Label | None
Votes = Mapping[str, tuple[Vote, Vote]]
"""Prompt -> the response found better in the first order and in the second: "1", "2", or None."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two responses to an instruction.

    Attributes:
        group: pairs of one group depend on each other.
        better: "1" or "2".
        votes: of each judge.
    """

    group: str
    better: str
    votes: Mapping[str, Votes]


@dataclass(frozen=True, slots=True)
class JudgeLine:
    """One judge under one rule, on the pairs for which it has all verdicts that the rule needs.

    Attributes:
        judge: the judging model.
        rule: which verdicts the rule sees.
        pairs: how many pairs.
        single: accuracy where the same rule acts that sees one order alone, over both orders: the baseline.
        single_acts: how often that one acts.
        accuracy: accuracy where we act; None where we never do.
        acts: how often we act.
        gain: accuracy minus single, on the same redrawn pairs.
    """

    judge: str
    rule: str
    pairs: int
    single: Figure | None
    single_acts: Figure | None
    accuracy: Figure | None
    acts: Figure | None
    gain: Figure | None


def on_pairs(path: Path) -> list[JudgeLine]:
    """Every judge under the rule with one verdict for each order, and with a first and four more for each."""
    pairs = [
        Pair(
            record["gid"],
            str(record["label"]),
            {
                judge: {vote[1]: (vote[2], vote[3]) for vote in record["judge_votes"] if vote[0] == judge}
                for judge in {vote[0] for vote in record["judge_votes"]}
            },
        )
        for _, record in records(path)
    ]
    judges = sorted({judge for pair in pairs for judge in pair.votes})
    rules: list[tuple[str, str, Sequence[str]]] = [
        ("one verdict an order (Metrics_Reference)", "Metrics_Reference", ()),
        (f"one verdict an order ({FIRST})", FIRST, ()),
        ("five verdicts an order, eta .8", FIRST, SAMPLED),
    ]
    return [_line(judge, rule, pairs) for rule in rules for judge in judges]


def accepted(first: Sequence[Vote], sampled: Sequence[Sequence[Vote]]) -> str | None:
    """The response that the rule puts in place of the other, "1" or "2"; None where it leaves the pair alone.

    Args:
        first: the first verdict of each order.
        sampled: of each sampled verdict, that of each order.
    """
    for candidate in ("1", "2"):
        orders = [
            order_of(label, [labels[side] for labels in sampled], (), candidate) for side, label in enumerate(first)
        ]
        usable = [order for order in orders if order is not None]
        if len(usable) < len(orders):
            return None
        verdict, preference = settle(usable)
        if verdict == "candidate" and preference > ETA:
            return candidate
    return None


def _line(judge: str, rule: tuple[str, str, Sequence[str]], pairs: Sequence[Pair]) -> JudgeLine:
    name, first, sampled = rule
    seen = [pair for pair in pairs if {first, *sampled} <= pair.votes.get(judge, {}).keys()]
    weights = redraw([pair.group for pair in seen])
    both = [_acts(pair, judge, first, sampled, (0, 1)) for pair in seen]
    each = [[_acts(pair, judge, first, sampled, (side,)) for side in (0, 1)] for pair in seen]
    acts = [float(made) for made, _ in both]
    accuracy = share_of([right for _, right in both], acts)
    alone = [sum(made for made, _ in orders) for orders in each]
    single = share_of([sum(right for _, right in orders) for orders in each], alone)
    return JudgeLine(
        judge,
        name,
        len(seen),
        figure(single, weights),
        figure(share_of(alone, [2.0] * len(seen)), weights),
        figure(accuracy, weights),
        figure(share_of(acts, [1.0] * len(seen)), weights),
        figure(difference(accuracy, single), weights),
    )


def _acts(pair: Pair, judge: str, first: str, sampled: Sequence[str], sides: Sequence[int]) -> tuple[bool, bool]:
    """Whether the rule acts when it sees these orders, and whether it then picks the better response."""
    votes = pair.votes[judge]
    picked = accepted(
        [votes[first][side] for side in sides], [[votes[prompt][side] for side in sides] for prompt in sampled]
    )
    return picked is not None, picked == pair.better
