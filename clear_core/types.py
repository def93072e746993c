"""The field's words as frozen values: the glossary of the project.

The data flows one way: file -> Example -> ConfidenceScore (+ Candidate, Preference) -> Proposal -> Decision -> Outcome.
The judge gives a Preference, the machine advises with a Proposal, a person makes a Decision; an Outcome folds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Role = Literal["system", "user", "assistant", "tool"]
Fate = Literal["keep", "drop", "replace", "unscored"]
Action = Literal["accept", "reject", "edit", "keep", "drop", "unsure", "undo"]
Shape = Literal["alpaca", "prompt_response", "messages", "sharegpt"]
Verdict = Literal["candidate", "given", "tie", "inconsistent"]
Scope = Literal["low", "all"]

FATES: Final[tuple[Fate, ...]] = ("keep", "drop", "replace", "unscored")

PROBLEMS: Final[Mapping[str, str]] = {
    "refused": "the model refused to answer",
    "filtered": "the endpoint's content filter stopped the reply",
    "truncated": "the reply was cut off by the length limit",
    "empty": "the endpoint returned no text",
    "malformed": "the endpoint's answer was not a chat completion",
    "unparsable": "no answer could be read from the reply",
    "too_long": "the example does not fit the model's context",
    "rate_limited": "the endpoint kept refusing for its rate limit",
    "timeout": "the endpoint did not answer in time",
    "unreachable": "the endpoint could not be reached",
    "unauthorised": "the endpoint refused the key",
    "rejected": "the endpoint rejected the request",
    "blank": "the given response is empty, so there is nothing to score",
    "capped": "the cap on calls was reached before this example",
    "no_samples": "the row stores no samples to compare the response with",
    "bad_samples": "what the row stores as samples is not a list of texts",
    "empty_sample": "the row stores an empty text among its samples",
    "few_samples": "the row stores fewer samples than were asked for",
    "no_reflection": "the row stores no reflection that could be read, so the confidence is the consistency alone",
    "bad_reflection": "what the row stores as reflection is neither a verdict nor a number from 0 to 1",
    "no_value": "the row stores no score",
    "bad_value": "what the row stores as score is not a number",
    "off_scale": "the score that the row stores lies outside the scale that was given",
    "no_candidate": "the row stores no candidate",
    "bad_candidate": "what the row stores as candidate is neither a text nor a list of texts",
    "no_verdicts": "the row stores neither verdicts nor a preference on its candidate",
    "bad_verdicts": "what the row stores as verdicts can't be read as verdicts of both orders",
}
"""Named problems of a call or a row, each with the sentence a user reads. A problem never becomes a number."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Example:
    """One (prompt, response) pair as the method sees it.

    Attributes:
        id: the row's own id, else a stable one made from its content and row number.
        row: 0-based number of the record in its file, bad records counted.
        prompt: the conversation up to the last assistant turn, system turn included.
        response: the last assistant turn: the target y.
        meta: columns outside prompt and response, as read; for filters, never for scoring.
    """

    id: str
    row: int
    prompt: tuple[Message, ...]
    response: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A record that can't become an example.

    Attributes:
        row: 0-based number of the record in its file.
        field: the column at fault; empty when the record as a whole is.
        reason: what is wrong and what to do, for a person.
        raw: the record as it stands in the file, at most 64 KiB of it.
    """

    row: int
    field: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class ConfidenceScore:
    """How confident one can be that an example's given response is good.

    Attributes:
        id: the example's id.
        row: the example's row.
        confidence: C in [0, 1]; None when it could not be scored (`unscored`).
        consistency: observed consistency O in [0, 1]; None when no sample was drawn.
        reflection: self-reflection S in [0, 1]; None when the measure has none.
        likelihood: sigmoid of the likelihood gain in [0, 1]; None when the measure has none.
        measure: the recipe and similarity by name, such as "bsdetector/embedding".
        model: the model that was asked.
        prompt_version: version of the prompts it was asked with.
        samples: how many samples entered the consistency.
        calls: how many calls the score rests on, replayed ones counted.
        problem: a key of PROBLEMS, or None. A flagged score may still have a confidence.
        evidence: what is behind the number, JSON-ready: samples with their similarity, reflection replies, gain.
        temperature: of the samples; None when none was drawn here.
        lower: what C would be at least had every sample been drawn; None unless sampling stopped early.
        upper: what C would be at most; None unless sampling stopped early.
    """

    id: str
    row: int
    confidence: float | None
    consistency: float | None = None
    reflection: float | None = None
    likelihood: float | None = None
    measure: str = ""
    model: str = ""
    prompt_version: str = ""
    samples: int = 0
    calls: int = 0
    problem: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    temperature: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """The judge's comparison of a candidate with the given response.

    Attributes:
        id: the example's id.
        row: the example's row.
        candidate: the response proposed instead; None when none could be written.
        preference: confidence in [0, 1] that the candidate is better, the smaller of both orders; None if none.
        verdict: what both orders say together; None without a verdict.
        model: the judge.
        candidate_model: the model that wrote the candidate.
        measure: the recipe by name, such as "bsdetector/both-orders".
        prompt_version: version of the prompts the judge was asked with.
        calls: how many calls it rests on, the candidate's own counted.
        problem: a key of PROBLEMS, or None.
        rejected: why it was turned down before any judging (empty, same, refusal, format; twin of another), or None.
        evidence: raw replies of both orders, JSON-ready; `others` holds the candidates that did not win.
        samples: verdicts sampled in each order beside the first; 0 where none was.
        temperature: of these verdicts; None when none was sampled here.
    """

    id: str
    row: int
    candidate: str | None
    preference: float | None
    verdict: Verdict | None
    model: str = ""
    candidate_model: str = ""
    measure: str = ""
    prompt_version: str = ""
    calls: int = 0
    problem: str | None = None
    rejected: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    samples: int = 0
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """Where a model is to be found. It holds no key.

    Attributes:
        base_url: OpenAI-compatible endpoint; empty means the embedded model.
        model: the model's name there; empty with the embedded model.
        adapter: folder of a trained adapter that the embedded model wears; empty for none.
    """

    base_url: str = ""
    model: str = ""
    adapter: str = ""


@dataclass(frozen=True, slots=True)
class CandidateSource:
    """Who writes candidates: a model, or a column of the dataset.

    Attributes:
        model: the model; None where a column holds the candidates.
        column: the column with a text or a list of texts; empty where a model writes.
        label: who wrote a column's candidates, for the record; empty means the column's name.
    """

    model: ModelRef | None = None
    column: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the machine advises for one example at given thresholds.

    Attributes:
        id: the example's id.
        row: the example's row.
        fate: keep, drop, replace or unscored.
        reason: one readable sentence.
        gamma: the threshold on confidence in force, as a number.
        eta: the threshold on preference in force.
        confidence: the example's confidence, or None.
        preference: the candidate's preference confidence, or None.
        response: the response to put in place; only for replace.
        measure: the measure of the confidence.
        model: the model that scored.
        candidate_model: the model that wrote the candidate; empty without one.
        prompt_version: version of the prompts the confidence rests on.
        judge: the model that compared the candidate with the given response; empty without a candidate.
        preference_measure: how it compared them; empty where it did not.
        scope: which rows a candidate may replace: those below gamma, or all.
    """

    id: str
    row: int
    fate: Fate
    reason: str
    gamma: float
    eta: float
    confidence: float | None = None
    preference: float | None = None
    response: str | None = None
    measure: str = ""
    model: str = ""
    candidate_model: str = ""
    prompt_version: str = ""
    judge: str = ""
    preference_measure: str = ""
    scope: Scope = "low"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on one example: an appended fact, never changed.

    Attributes:
        uid: unique id of the fact; the same uid twice is the same fact.
        id: the example's id.
        row: the example's row.
        action: the key pressed: accept or reject the proposal, edit, keep, drop, unsure, or undo.
        fate: what becomes of the example by this decision (keep, drop, replace); None for unsure and undo.
        response: the response put in place when fate is replace.
        reviewer: who.
        at: when, ISO 8601 in UTC.
        undoes: uid of the decision taken back; only for undo.
        note: the reviewer's words.
        shown: what the reviewer saw, JSON-ready: the proposal, the scores, model, policy and content hashes.
    """

    uid: str
    id: str
    row: int
    action: Action
    fate: Fate | None
    reviewer: str
    at: str
    response: str | None = None
    undoes: str | None = None
    note: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one example in the curated dataset, with a reason and an author.

    Attributes:
        id: the example's id.
        row: the example's row.
        fate: keep, drop, replace or unscored (an unscored row stays in the dataset, flagged).
        response: the response to write; only for replace.
        reason: one readable sentence.
        author: the reviewer, or "policy" when no person decided.
    """

    id: str
    row: int
    fate: Fate
    response: str | None
    reason: str
    author: str
