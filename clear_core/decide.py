"""A reviewer's key press -> a Decision: what becomes of the example, and what the reviewer was shown."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

from clear_core.errors import StateError
from clear_core.types import ConfidenceScore, Decision, Example, Fate, Preference, Proposal

Choice = Literal["accept", "reject", "edit", "keep", "drop", "unsure"]

_STRAIGHT: Final[Mapping[str, Fate | None]] = {"reject": "keep", "keep": "keep", "drop": "drop", "unsure": None}


def digest(text: str) -> str:
    """SHA-256 of a text's UTF-8, in hex: tells later whether a decision was made on the same words."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def shown(
    example: Example,
    proposal: Proposal,
    score: ConfidenceScore,
    preference: Preference | None,
    *,
    policy: str,
    scope: str,
    edited: str | None = None,
) -> dict[str, Any]:
    """What the reviewer saw, JSON-ready: the proposal, the scores, model and policy, and hashes of the texts.

    Args:
        example: the example on screen.
        proposal: what was proposed for it.
        score: its score.
        preference: the judge's comparison, if there is one.
        policy: name and version of the policy in force.
        scope: the policy's scope.
        edited: the response that the reviewer wrote, for an edit.
    """
    hashes = {
        "prompt": digest("\0".join(f"{turn.role}\0{turn.content}" for turn in example.prompt)),
        "response": digest(example.response),
    }
    judged: dict[str, Any] = {}
    if preference is not None:
        judged = {
            "preference": preference.preference,
            "verdict": preference.verdict,
            "preference_measure": preference.measure,
            "judge": preference.model,
            "candidate_model": preference.candidate_model,
            "rejected": preference.rejected,
        }
        if preference.candidate is not None:
            hashes["candidate"] = digest(preference.candidate)
    if edited is not None:
        hashes["edited"] = digest(edited)
    return {
        "policy": policy,
        "gamma": proposal.gamma,
        "eta": proposal.eta,
        "scope": scope,
        "proposal": proposal.fate,
        "reason": proposal.reason,
        "confidence": score.confidence,
        "consistency": score.consistency,
        "reflection": score.reflection,
        "likelihood": score.likelihood,
        "measure": score.measure,
        "model": score.model,
        "prompt_version": score.prompt_version,
        "problem": score.problem,
        **judged,
        "sha256": hashes,
    }


def decide(
    proposal: Proposal,
    choice: Choice,
    *,
    uid: str,
    reviewer: str,
    at: str,
    seen: Mapping[str, Any],
    given: str = "",
    text: str = "",
) -> Decision:
    """Turn a choice on a proposal into a decision.

    Args:
        proposal: what was on screen.
        choice: accept takes the proposal's fate; reject keeps the given response; edit replaces it by `text`.
        uid: unique id of the fact.
        reviewer: who.
        at: when, ISO 8601 in UTC.
        seen: what was shown (see `shown`).
        given: the given response, for edit.
        text: the response that the reviewer wrote, for edit.

    Raises:
        StateError: when there is nothing to accept, or the edited text is empty or is the given response.
    """
    fate, response = _fate(proposal, choice, given, text)
    return Decision(
        uid=uid,
        id=proposal.id,
        row=proposal.row,
        action=choice,
        fate=fate,
        reviewer=reviewer,
        at=at,
        response=response,
        shown=seen,
    )


def _fate(proposal: Proposal, choice: Choice, given: str, text: str) -> tuple[Fate | None, str | None]:
    if choice == "edit":
        if not text.strip():
            raise StateError("The response is empty.", "Write a response, or drop the example instead.")
        if text == given:
            raise StateError("The response is unchanged.", "Change it, or keep the example as it is.")
        return "replace", text
    if choice != "accept":
        return _STRAIGHT[choice], None
    if proposal.fate == "unscored":
        raise StateError("Nothing is proposed for an example without a score.", "Keep it or drop it instead.")
    return proposal.fate, proposal.response
