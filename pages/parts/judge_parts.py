"""What stands behind a preference: what both orders say, and the candidates that did not win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clear_core.types import PROBLEMS, Preference
from pages.parts.evidence import LETTERS, fold, listed, maps, meter, number_of, one_line, small
from pages.parts.text import count, escaped

_SIDES: Final = (
    {"1": "given", "2": "candidate", "tie": "tie"},
    {"1": "candidate", "2": "given", "tie": "tie"},
)
"""What a judge's label means in each order: the given response first, then the candidate first."""

_ORDERS: Final = ("Given first", "Candidate first")
_VERDICTS: Final = {
    "candidate": "the candidate is better",
    "given": "the given response is better",
    "tie": "a tie",
    "inconsistent": "the two orders disagree",
}
_REJECTED: Final = {"twin": "another source wrote the same", "same": "it says the same as the given response"}


def preference_html(preference: Preference | None, eta: float) -> str:
    """The judge's comparison: the preference, what both orders say, and the replies behind them."""
    if preference is None:
        return ""
    verdict = _VERDICTS.get(preference.verdict or "", "no verdict")
    if preference.verdict in {"candidate", "given"} and maps(preference.evidence.get("orders")):
        verdict += ", asked in both orders"
    if preference.rejected:
        verdict = f"turned down before judging: {preference.rejected}"
    elif preference.problem and preference.verdict is None:
        verdict = PROBLEMS.get(preference.problem, preference.problem)
    return (
        f'<section class="cr-parts"><h4>Candidate</h4>{meter("Preference", preference.preference, eta)}'
        f"<p>Judge: {escaped(verdict)}.</p>{_text(preference.candidate)}"
        f"{_stored(preference.evidence)}{_orders(preference.evidence)}{_gains(preference.evidence)}{small(_made(preference))}"
        f"{_others(preference.evidence)}</section>"
    )


def _made(preference: Preference) -> str:
    """How the preference was made, and who wrote the candidate."""
    words = [preference.measure, f"judged by {preference.model}" if preference.measure and preference.model else ""]
    if preference.samples:
        words.append(f"{count(preference.samples, 'sample')} an order")
    if preference.temperature is not None:
        words.append(f"temperature {preference.temperature:g}")
    words.append(f"written by {preference.candidate_model or 'unknown model'}")
    return escaped(" · ".join(word for word in words if word))


def _others(evidence: Mapping[str, Any]) -> str:
    """The candidates that did not win, each with what became of it."""
    rows = []
    for other in maps(evidence.get("others")):
        value = number_of(other.get("preference"))
        told = "–" if value is None else f"{value:.2f}"
        who = one_line(other.get("candidate_model") or "unknown model", 60)
        opened = fold(f"<b>{who}</b>: {_fate_of(other)}", other.get("candidate"))
        rows.append(f'<li><span class="cr-num">{told}</span>{opened}</li>')
    return f'<div class="cr-label">Other candidates, by preference</div>{listed(rows)}' if rows else ""


def _fate_of(other: Mapping[str, Any]) -> str:
    if rejected := other.get("rejected"):
        return f"not judged, {_REJECTED.get(str(rejected), one_line(rejected, 60))}"
    if problem := other.get("problem"):
        return escaped(PROBLEMS.get(str(problem), str(problem))[:200])
    return _VERDICTS.get(str(other.get("verdict")), "no verdict")


def _text(candidate: str | None) -> str:
    """The candidate itself, folded: where it is not proposed, no diff shows it."""
    return (
        ""
        if candidate is None
        else listed([f"<li><span>Its text</span>{fold(one_line(candidate), candidate)}</li>"], "cr-orders")
    )


def _stored(evidence: Mapping[str, Any]) -> str:
    """What the file says, where it holds the verdict."""
    return small(f"The file says {one_line(evidence['stored'])}") if "stored" in evidence else ""


def _gains(evidence: Mapping[str, Any]) -> str:
    given, candidate = number_of(evidence.get("gain_given")), number_of(evidence.get("gain_candidate"))
    if given is None or candidate is None:
        return ""
    return small(f"Likelihood gain: given {given:+.3f}, candidate {candidate:+.3f} nats per token")


def _orders(evidence: Mapping[str, Any]) -> str:
    """For each order the first verdict, how many samples agree with it, and the reflections on it."""
    parts = []
    for name, sides, order in zip(_ORDERS, _SIDES, maps(evidence.get("orders")), strict=False):
        first = order.get("first")
        first = first if isinstance(first, Mapping) else {}
        votes = [sides.get(str(sample.get("value")), "no answer") for sample in maps(order.get("samples"))]
        tally = ", ".join(f"{votes.count(side)} {side}" for side in dict.fromkeys(votes))
        letters = [
            LETTERS.get(str(each.get("letter", each.get("value"))), "?") for each in maps(order.get("reflections"))
        ]
        verdict = sides.get(str(first.get("value")), "no answer")
        more = f"; sampled: {tally}" if tally else ""
        sure = f"; sure? {', '.join(letters)}" if letters else ""
        parts.append(f"<li><span>{name}</span>{fold(f'<b>{verdict}</b>{more}{sure}', first.get('text'))}</li>")
    return listed(parts, "cr-orders") if parts else ""
