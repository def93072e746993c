"""What stands behind a confidence: its parts, its samples and its reflections, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clear_core.types import PROBLEMS, ConfidenceScore
from pages.parts.evidence import LETTERS, fold, listed, maps, meter, number_of, one_line, problem_of, small
from pages.parts.text import count, escaped

_MOST_FIELDS: Final = 30


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
    parts = "".join(meter(name, value) for name, value in named if value is not None)
    problem = ""
    if score.problem and score.confidence is not None:  # without a confidence the reason above says it
        problem = f'<p class="cr-state cr-warn">{escaped(PROBLEMS.get(score.problem, score.problem))}</p>'
    span = (score.lower, score.upper) if score.lower is not None and score.upper is not None else None
    return (
        f'<section class="cr-parts"><h4>Score</h4>{meter("Confidence", score.confidence, gamma, span)}'
        f"{_early(span, gamma)}{parts}{problem}{_gain(score.evidence)}{_stored(score.evidence)}{_samples(score)}"
        f"{_reflections(score.evidence)}{small(_made(score))}</section>"
    )


def _made(score: ConfidenceScore) -> str:
    """How the number was made: measure, model, samples, temperature and prompts."""
    words = [score.measure, score.model]
    if score.samples:
        words.append(count(score.samples, "sample"))
    if score.temperature is not None:
        words.append(f"temperature {score.temperature:g}")
    if score.prompt_version:
        words.append(f"prompts {score.prompt_version}")
    return escaped(" · ".join(word for word in words if word))


def _early(span: tuple[float, float] | None, gamma: float) -> str:
    """Between what the confidence lies where sampling stopped early, and whether that leaves this gamma undecided."""
    if span is None:
        return ""
    words = f"Sampling stopped early: with every sample it would lie from {span[0]:.3f} to {span[1]:.3f}."
    return small(words + (" This gamma lies between them." if span[0] < gamma <= span[1] else ""))


def _gain(evidence: Mapping[str, Any]) -> str:
    gain, tokens = number_of(evidence.get("gain")), number_of(evidence.get("tokens"))
    if gain is None:
        return ""
    over = f" over {tokens:,.0f} tokens" if tokens else ""
    return small(f"Likelihood gain {gain:+.3f} nats per token{over}")


def _stored(evidence: Mapping[str, Any]) -> str:
    """What the file says, where the confidence or the self-reflection was taken over from a column."""
    if evidence.get("reflection_field"):
        return small(f"The file's reflection: {one_line(evidence.get('stored_reflection'), 120)}")
    if "value" not in evidence:
        return ""
    scale = f", on the scale {one_line(evidence['scale'], 60)}" if evidence.get("scale") else ""
    return small(f"The file says {one_line(evidence['value'], 60)}{scale}")


def _samples(score: ConfidenceScore) -> str:
    """Each sample's answer with its similarity to the given response."""
    rows = []
    for sample in maps(score.evidence.get("samples")):
        alike = number_of(sample.get("similarity"))
        told = "–" if alike is None else f"{alike:.2f}"
        answer = sample.get("answer")
        text = problem_of(sample) if answer is None else one_line(answer)
        mark = '<span class="cr-keep" title="the same answer">=</span> ' if sample.get("match") is True else ""
        opened = fold(mark + text, sample.get("text") or answer)
        rows.append(f'<li><span class="cr-num">{told}</span>{opened}{_fields(sample.get("fields"))}</li>')
    if not rows:
        return ""
    drawn = count(len(rows), "sample")
    return f'<div class="cr-label">{drawn}, by similarity to the given response</div>{listed(rows)}{_doubtful(score)}'


def _doubtful(score: ConfidenceScore) -> str:
    """The fields of a JSON response, the most doubtful first, where samples were compared field by field."""
    found = score.evidence.get("fields")
    told = {str(name): number_of(value) for name, value in found.items()} if isinstance(found, Mapping) else {}
    known = sorted((value, name) for name, value in told.items() if value is not None)
    if not known:
        return ""
    bars = "".join(meter(one_line(name, 40), min(max(value, 0.0), 1.0)) for value, name in known[:_MOST_FIELDS])
    return f'<div class="cr-label">Agreement by field, the most doubtful first</div>{bars}'


def _fields(fields: Any) -> str:
    """The fields on which one sample differs."""
    if not isinstance(fields, Mapping):
        return ""
    told = [(str(name), number_of(value)) for name, value in fields.items()]
    low = [f"{one_line(name, 40)} {value:.2f}" for name, value in told if value is not None and value < 1.0]
    return f'<span class="cr-quiet cr-small cr-fields">differs in {", ".join(low[:8])}</span>' if low else ""


def _reflections(evidence: Mapping[str, Any]) -> str:
    rows = []
    for number, reflection in enumerate(maps(evidence.get("reflections")), 1):
        letter = reflection.get("letter")
        word = LETTERS.get(str(letter), "no answer") if letter is not None else problem_of(reflection)
        opened = fold(_likely(reflection.get("probabilities")) or word, reflection.get("text"))
        rows.append(f'<li><span class="cr-num">{number}</span>{opened}</li>')
    return f'<div class="cr-label">Asked whether it is right, twice</div>{listed(rows)}' if rows else ""


def _likely(probabilities: Any) -> str:
    """How probable each letter was, where the endpoint told it and the reflection counts by it."""
    if not isinstance(probabilities, Mapping):
        return ""
    told = [(word, number_of(probabilities.get(letter))) for letter, word in LETTERS.items()]
    words = " · ".join(f"{word} {value:.0%}" for word, value in told if value is not None)
    return f'<span class="cr-num">{words}</span>' if words else ""
