"""What stands behind a number: the parts of a confidence, its samples and reflections, and the judge's two orders.

Evidence may come from elsewhere (imported scores), so nothing about its shape is taken for granted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from clear_core.types import PROBLEMS, ConfidenceScore, Preference
from pages.parts.text import escaped

_LONGEST: Final = 2_000
_LARGEST: Final = 1e9
_LETTERS: Final = {"A": "correct", "B": "incorrect", "C": "not sure"}
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


def score_html(score: ConfidenceScore, gamma: float) -> str:
    """The confidence with its parts, then its samples and reflections.

    Args:
        score: the example's score.
        gamma: the threshold in force, marked on the confidence's bar.
    """
    named = [
        ("Consistency", score.consistency),
        ("Self-reflection", score.reflection),
        ("Likelihood", score.likelihood),
    ]
    parts = "".join(_meter(name, value) for name, value in named if value is not None)
    problem = ""
    if score.problem and score.confidence is not None:  # without a confidence the reason above says it
        problem = f'<p class="cr-state cr-warn">{escaped(PROBLEMS.get(score.problem, score.problem))}</p>'
    return (
        f'<section class="cr-parts"><h4>Score</h4>{_meter("Confidence", score.confidence, line=gamma)}{parts}{problem}'
        f"{_gain(score.evidence)}{_samples(score.evidence)}{_reflections(score.evidence)}"
        f'<p class="cr-quiet cr-small">{escaped(score.measure)} · {escaped(score.model)}</p></section>'
    )


def preference_html(preference: Preference | None, eta: float) -> str:
    """The judge's comparison: the preference, what both orders say, and the replies behind them."""
    if preference is None:
        return ""
    verdict = _VERDICTS.get(preference.verdict or "", "no verdict")
    if preference.verdict in {"candidate", "given"} and _maps(preference.evidence.get("orders")):
        verdict += ", asked in both orders"
    if preference.rejected:
        verdict = f"turned down before judging: {preference.rejected}"
    elif preference.problem:
        verdict = PROBLEMS.get(preference.problem, preference.problem)
    writer = preference.candidate_model or "unknown model"
    return (
        f'<section class="cr-parts"><h4>Candidate</h4>{_meter("Preference", preference.preference, line=eta)}'
        f"<p>Judge: {escaped(verdict)}.</p>{_text(preference.candidate)}"
        f"{_orders(preference.evidence)}{_gains(preference.evidence)}"
        f'<p class="cr-quiet cr-small">{escaped(preference.measure)} · judged by {escaped(preference.model)} · '
        f"written by {escaped(writer)}</p></section>"
    )


def _text(candidate: str | None) -> str:
    """The candidate itself, folded: where it is not proposed, no diff shows it."""
    return (
        ""
        if candidate is None
        else _list([f"<li><span>Its text</span>{_fold(_line(candidate), candidate)}</li>"], "cr-orders")
    )


def _meter(name: str, value: float | None, line: float | None = None) -> str:
    """A number in [0, 1] as a bar, with a threshold's mark on it if there is one."""
    if value is None:
        return f'<div class="cr-meter"><span>{name}</span><span class="cr-quiet">none</span></div>'
    mark = f'<i style="left:{min(max(line, 0.0), 1.0):.2%}"></i>' if line is not None else ""
    track = f'<span class="cr-track"><b style="width:{value:.2%}"></b>{mark}</span>'
    return f'<div class="cr-meter"><span>{name}</span>{track}<span class="cr-num">{value:.3f}</span></div>'


def _gain(evidence: Mapping[str, Any]) -> str:
    gain, tokens = _number(evidence.get("gain")), _number(evidence.get("tokens"))
    if gain is None:
        return ""
    over = f" over {tokens:,.0f} tokens" if tokens else ""
    return f'<p class="cr-quiet cr-small">Likelihood gain {gain:+.3f} nats per token{over}</p>'


def _gains(evidence: Mapping[str, Any]) -> str:
    given, candidate = _number(evidence.get("gain_given")), _number(evidence.get("gain_candidate"))
    if given is None or candidate is None:
        return ""
    words = f"Likelihood gain: given {given:+.3f}, candidate {candidate:+.3f} nats per token"
    return f'<p class="cr-quiet cr-small">{words}</p>'


def _samples(evidence: Mapping[str, Any]) -> str:
    """Each sample's answer with its similarity to the given response."""
    rows = []
    for sample in _maps(evidence.get("samples")):
        alike = _number(sample.get("similarity"))
        told = "–" if alike is None else f"{alike:.2f}"
        answer = sample.get("answer")
        text = _problem(sample) if answer is None else _line(answer)
        mark = '<span class="cr-keep" title="the same answer">=</span> ' if sample.get("match") is True else ""
        rows.append(f'<li><span class="cr-num">{told}</span>{_fold(mark + text, sample.get("text") or answer)}</li>')
    if not rows:
        return ""
    return f'<div class="cr-label">{len(rows)} samples, by similarity to the given response</div>{_list(rows)}'


def _reflections(evidence: Mapping[str, Any]) -> str:
    rows = []
    for number, reflection in enumerate(_maps(evidence.get("reflections")), 1):
        letter = reflection.get("letter")
        word = _LETTERS.get(str(letter), "no answer") if letter is not None else _problem(reflection)
        rows.append(f'<li><span class="cr-num">{number}</span>{_fold(word, reflection.get("text"))}</li>')
    return f'<div class="cr-label">Asked whether it is right, twice</div>{_list(rows)}' if rows else ""


def _orders(evidence: Mapping[str, Any]) -> str:
    """For each order the first verdict, how many samples agree with it, and the reflections on it."""
    parts = []
    for name, sides, order in zip(_ORDERS, _SIDES, _maps(evidence.get("orders")), strict=False):
        first = order.get("first")
        first = first if isinstance(first, Mapping) else {}
        votes = [sides.get(str(sample.get("value")), "no answer") for sample in _maps(order.get("samples"))]
        tally = ", ".join(f"{votes.count(side)} {side}" for side in dict.fromkeys(votes))
        letters = [
            _LETTERS.get(str(each.get("letter", each.get("value"))), "?") for each in _maps(order.get("reflections"))
        ]
        verdict = sides.get(str(first.get("value")), "no answer")
        more = f"; sampled: {tally}" if tally else ""
        sure = f"; sure? {', '.join(letters)}" if letters else ""
        parts.append(f"<li><span>{name}</span>{_fold(f'<b>{verdict}</b>{more}{sure}', first.get('text'))}</li>")
    return _list(parts, "cr-orders") if parts else ""


def _fold(summary: str, text: Any) -> str:
    """A line of HTML that opens to the untrusted text behind it."""
    if not isinstance(text, str) or not text.strip():
        return f'<span dir="auto">{summary}</span>'
    more = " …" if len(text) > _LONGEST else ""
    return (
        f'<details><summary dir="auto">{summary}</summary>'
        f'<div class="cr-reply" dir="auto">{escaped(text[:_LONGEST])}{more}</div></details>'
    )


def _problem(part: Mapping[str, Any]) -> str:
    problem = str(part.get("problem") or "no answer")
    return escaped(PROBLEMS.get(problem, problem)[:200])


def _line(value: Any) -> str:
    text = " ".join(str(value).split())
    return escaped(text[:240]) + ("…" if len(text) > 240 else "")


def _list(rows: Sequence[str], extra: str = "") -> str:
    return f'<ul class="cr-evidence {extra}">{"".join(rows)}</ul>'


def _maps(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list; anything else is left out."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST:
        return None
    return float(value)
