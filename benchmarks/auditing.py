"""How often what an audit says is true, in simulation: each estimate beside the classical one.

    python -m benchmarks.auditing [--trials 1000] [--json]

A set of 5,000 rows has 20% (or 5%) bad ones; a filter gives bad rows Beta(3, 4) and good ones Beta(8, 2) confidences.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from clear_core.audit import Audited, Interval, decided, guaranteed_purity, noise_rate, plan, precision, recall

ROWS: Final = 5000
Z: Final = 1.959964
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often an interval covered, or a promise was broken.

    Attributes:
        what: the estimate.
        setting: of the simulation.
        trials: simulated audits.
        share: of them in which the interval covered the truth, or the promise was broken.
        low: lower end of the 95% interval of that share (Wilson).
        high: its upper end.
        width: mean width of the intervals; of promises the mean share of rows kept.
    """

    what: str
    setting: str
    trials: int
    share: float
    low: float
    high: float
    width: float


def world(seed: int, noise: float) -> tuple[Floats, Bools]:
    """Confidences, and which rows are bad."""
    draw = np.random.default_rng(seed)
    bad = draw.random(ROWS) < noise
    return np.where(bad, draw.beta(3, 4, ROWS), draw.beta(8, 2, ROWS)), bad


def textbook_recall(audited: Sequence[Audited]) -> Interval | None:
    """The linearised interval of a ratio of stratified totals."""
    bad = {
        side: math.fsum(one.size * one.bad / one.decided for one in audited if one.kept is side)
        for side in (False, True)
    }
    whole = bad[0] + bad[1]
    if not whole:
        return None
    value = bad[0] / whole
    variance = 0.0
    for one in audited:
        rate = one.bad / one.decided
        spread = one.size**2 * (1 - one.decided / one.size) * rate * (1 - rate) / (one.decided - 1)
        variance += spread * ((0.0 if one.kept else 1.0) - value) ** 2
    reach = Z * math.sqrt(variance) / whole
    return Interval(value, value - reach, value + reach)


def on_filters(trials: int) -> list[Coverage]:
    """Recall and precision of a filter that removes half, or a quarter."""
    lines = []
    for quantile, budget in [(q, n) for q in (0.5, 0.25) for n in (100, 200, 400)]:
        tried: dict[str, list[tuple[Interval | None, float]]] = {"recall": [], "recall, textbook": [], "precision": []}
        for trial in range(trials):
            confidence, bad = world(trial, 0.2)
            kept = confidence >= np.quantile(confidence, quantile)
            strata = plan(confidence, kept, budget, seed=trial)
            audited = decided(strata, {row: bool(bad[row]) for one in strata for row in one.chosen.tolist()})
            found = float(bad[~kept].sum() / bad.sum())
            tried["recall"].append((recall(audited, seed=trial), found))
            tried["recall, textbook"].append((textbook_recall(audited), found))
            tried["precision"].append((precision(audited), float(bad[~kept].mean())))
        setting = f"removes {quantile:.0%}, {budget} decisions"
        lines += [_covered(what, setting, pairs) for what, pairs in tried.items()]
    return lines


def on_sets(trials: int) -> list[Coverage]:
    """The noise rate of a set, and purities that are promised."""
    lines = []
    for noise in (0.2, 0.05):
        rates: list[tuple[Interval | None, float]] = []
        classical: list[tuple[Interval | None, float]] = []
        for trial in range(trials):
            confidence, bad = world(trial, noise)
            people = _people(bad, 150, trial)
            share = sum(people.values()) / len(people)
            reach = Z * math.sqrt(share * (1 - share) / len(people))
            rates.append((noise_rate(confidence, people), float(bad.mean())))
            classical.append((Interval(share, share - reach, share + reach), float(bad.mean())))
        setting = f"{noise:.0%} noise, 150 decisions"
        lines += [_covered("noise rate", setting, rates), _covered("noise rate, classical", setting, classical)]
    for allowed, delta, budget in [(0.08, 0.1, 150), (0.05, 0.1, 200), (0.05, 0.05, 300)]:
        broken, kept = 0, []
        for trial in range(trials):
            confidence, bad = world(trial, 0.2)
            promised = guaranteed_purity(confidence, _people(bad, budget, trial), noise=allowed, delta=delta)
            kept.append(promised.kept / ROWS if promised else 0.0)
            broken += promised is not None and bool(bad[confidence >= promised.gamma].mean() > allowed)
        setting = f"at most {allowed:.0%} bad, delta {delta:.0%}, {budget} decisions"
        lines.append(_line("promise broken", setting, broken, trials, float(np.mean(kept))))
    return lines


def table(lines: Sequence[Coverage]) -> str:
    """The lines in Markdown."""
    head = ["estimate", "setting", "audits", "covers (promises: broken)", "mean width (promises: kept)"]
    rows = [
        [
            one.what,
            one.setting,
            f"{one.trials:,}",
            f"{one.share:.3f} [{one.low:.3f}, {one.high:.3f}]",
            f"{one.width:.3f}",
        ]
        for one in lines
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


@click.command()
@click.option("--trials", default=1000, show_default=True, type=click.IntRange(10))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def main(*, trials: int, as_json: bool) -> None:
    """Print how often intervals cover and promises hold, with 95% intervals of these shares."""
    lines = [*on_filters(trials), *on_sets(trials)]
    click.echo(json.dumps([asdict(line) for line in lines]) if as_json else table(lines))


def _people(bad: Bools, size: int, seed: int) -> dict[int, bool]:
    rows = np.random.default_rng(10_000 + seed).choice(len(bad), size, replace=False)
    return {row: bool(bad[row]) for row in rows.tolist()}


def _covered(what: str, setting: str, pairs: Sequence[tuple[Interval | None, float]]) -> Coverage:
    hits = sum(found is not None and found.low <= truth <= found.high for found, truth in pairs)
    width = float(np.mean([found.high - found.low for found, _ in pairs if found is not None]))
    return _line(what, setting, hits, len(pairs), width)


def _line(what: str, setting: str, hits: int, trials: int, width: float) -> Coverage:
    share, square = hits / trials, Z * Z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    reach = Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    return Coverage(what, setting, trials, share, min(share, middle - reach), max(share, middle + reach), width)


if __name__ == "__main__":
    main()
