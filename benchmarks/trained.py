"""What models trained on several forms of a set answer: shares with intervals, and their differences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from benchmarks.resampling import Figure, Statistic, difference, figure, redraw, share_of

AGAINST: Final = ("noisy", "random half")
"""What every form is compared with: the set as it is, and as many rows as the filter keeps, kept without looking."""


@dataclass(frozen=True, slots=True)
class Run:
    """One trained model.

    Attributes:
        form: what it was trained on.
        seed: of the draw of rows and of the training.
        rows: how many it was trained on.
        wrong: share of them whose response is not right.
        facts: what the trainer says.
        right: of each test question, whether its answer is right (exact match).
        valid: whether it has the form that was asked for.
        f1: its token F1.
    """

    form: str
    seed: int
    rows: int
    wrong: float
    facts: Mapping[str, Any]
    right: Sequence[bool]
    valid: Sequence[bool]
    f1: Sequence[float]


@dataclass(frozen=True, slots=True)
class FormLine:
    """One form, over its seeds.

    Attributes:
        form: what was trained on.
        rows: of each seed.
        wrong: mean share of rows whose response is not right.
        right: mean accuracy.
        by_seed: accuracy of each seed.
        valid: mean share of answers in the right form.
        f1: mean token F1.
        gains: accuracy minus that of each form in AGAINST, on the same redrawn questions and the seeds that both have.
    """

    form: str
    rows: Sequence[int]
    wrong: float
    right: Figure | None
    by_seed: Sequence[float]
    valid: Figure | None
    f1: Figure | None
    gains: Mapping[str, Figure | None] = field(default_factory=dict)


def figures(runs: Sequence[Run], groups: Sequence[Hashable]) -> list[FormLine]:
    """A line for each form, in order of appearance.

    Intervals come from redrawing groups of test questions, each with its answers of all seeds; how much another seed
    would change stands in `by_seed` alone.

    Args:
        runs: every form with its seeds; one that is not trained has one.
        groups: the group of each test question.
    """
    weights = redraw(groups)
    by_form: dict[str, list[Run]] = {}
    for run in runs:
        by_form.setdefault(run.form, []).append(run)
    return [
        FormLine(
            form,
            [run.rows for run in of],
            float(np.mean([run.wrong for run in of])),
            figure(_share([run.right for run in of]), weights),
            [float(np.mean(run.right)) for run in of],
            figure(_share([run.valid for run in of]), weights),
            figure(_share([run.f1 for run in of]), weights),
            {
                other: figure(_gain(of, by_form[other]), weights)
                for other in AGAINST
                if form != other and other in by_form
            },
        )
        for form, of in by_form.items()
    ]


def report(lines: Sequence[FormLine]) -> str:
    """The lines as a table in Markdown."""
    head = ["trained on", "rows", "wrong among them", "right", "by seed", "right form", "token F1"]
    head += [f"right, against {other}" for other in AGAINST]
    table = [head, ["---"] * len(head)]
    for line in lines:
        gains = [_cell(line.gains.get(other), "+.3f") for other in AGAINST]
        seeds = " ".join(f"{share:.3f}" for share in line.by_seed)
        rows = "/".join(map(str, line.rows)) if line.rows[0] else "–"
        shares = [_cell(found, ".3f") for found in (line.right, line.valid, line.f1)]
        table.append(
            [line.form, rows, f"{line.wrong:.3f}" if line.rows[0] else "–", shares[0], seeds, *shares[1:], *gains]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


def _gain(one: Sequence[Run], other: Sequence[Run]) -> Statistic:
    both = {run.seed for run in one} & {run.seed for run in other}
    return difference(*(_share([run.right for run in runs if run.seed in both]) for runs in (one, other)))


def _share(of_seeds: Sequence[Sequence[float]]) -> Statistic:
    means = np.mean(np.asarray(of_seeds, dtype=np.float64), axis=0)
    return share_of(means, [1.0] * len(means))


def _cell(found: Figure | None, form: str) -> str:
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]" if found else "–"
