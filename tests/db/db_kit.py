"""Small makers of the glossary's values for the database's tests."""

from __future__ import annotations

import uuid
from typing import Any

from clear_core.types import ConfidenceScore, Decision, Preference


def score(row: int, confidence: float | None = 0.5, **more: Any) -> ConfidenceScore:
    """A score of example q<row>; None is a row that failed."""
    values = {"consistency": confidence, "measure": "bsdetector/exact", "model": "m", "samples": 5, "calls": 7}
    problem = "timeout" if confidence is None else None
    return ConfidenceScore(f"q{row}", row, confidence, **({"problem": problem} | values | more))


def preference(row: int, value: float | None = 0.9, **more: Any) -> Preference:
    """A preference for a candidate of example q<row>; None is a row that failed."""
    values = {"candidate": f"better {row}", "verdict": "candidate", "problem": None}
    if value is None:
        values = {"candidate": None, "verdict": None, "problem": "timeout"}
    return Preference(f"q{row}", row, preference=value, **(values | more))


def decide(row: int, action: str = "accept", fate: str | None = "drop", **more: Any) -> Decision:
    """A decision on example q<row>."""
    response = "edited" if fate == "replace" else None
    values = {"uid": uuid.uuid4().hex, "response": response, "reviewer": "ada", "at": "2026-01-02T03:04:05+00:00"}
    return Decision(id=f"q{row}", row=row, action=action, fate=fate, **(values | more))
