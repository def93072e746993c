"""Proposals and decisions -> the curated file and its manifest: one job for the app and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from clear_core.apply import apply_decisions, standing
from clear_core.io import (
    ExportFormat,
    FieldMap,
    Source,
    atomic_writer,
    build_manifest,
    manifest_path,
    to_line,
    write_curated,
    write_manifest,
)
from clear_core.types import Decision, Outcome, Proposal


def export_curated(
    source: Source,
    field_map: FieldMap,
    proposals: Iterable[Proposal],
    decisions: Iterable[Decision],
    out: Path,
    *,
    to: ExportFormat = "same",
    policy: Mapping[str, Any] | None = None,
    changes: Path | None = None,
) -> dict[str, Any]:
    """Write the curated dataset, then its manifest beside it, each whole or not at all.

    Everything is written from one pass over the proposals, so that the files agree with each other.

    Args:
        source: the original file, read again.
        field_map: which of its columns mean what.
        proposals: one for each example, in row order; examples without one stay and count as unscored.
        decisions: everything people decided, in the order it was appended.
        out: the curated file.
        to: "same" for the original's format and shape, "openai" for OpenAI chat JSONL.
        policy: name, version and the like of a saved policy, for the manifest beside gamma and eta.
        changes: where to write the outcomes of rows that are not kept as they came; None for nowhere.

    Returns:
        The manifest as written.

    Raises:
        InputError: when proposals, decisions and file don't belong together, or a file can't be read or written.
    """
    decided = standing(decisions)
    rests_on = _RestsOn()
    with ExitStack() as stack:
        outcomes = apply_decisions(rests_on.noting(proposals), decided)
        if changes is not None:
            outcomes = _noting_changes(outcomes, stack.enter_context(atomic_writer(changes)))
        sink = stack.enter_context(atomic_writer(out))
        counts = write_curated(source, field_map, outcomes, sink, to=to)
    manifest = build_manifest(
        source=source,
        field_map=field_map,
        curated=Source.at(out),
        to=to,
        counts=counts,
        scoring=rests_on.listed("measure", "model", "prompt_version"),
        correction=rests_on.listed("candidate_model", "judge", "preference_measure")
        if rests_on.seen["judge"]
        else None,
        policy={**(policy or {}), **rests_on.listed("gamma", "eta", "scope")},
        decisions=sum(decision.fate is not None for decision in decided.values()),
    )
    write_manifest(manifest_path(out), manifest)
    return manifest


def _noting_changes(outcomes: Iterable[Outcome], log: BinaryIO) -> Iterator[Outcome]:
    """Write dropped, replaced and unscored rows as JSON lines while all stream by."""
    for outcome in outcomes:
        if outcome.fate != "keep":
            log.write(to_line(outcome))
        yield outcome


class _RestsOn:
    """Notes what proposals rest on while they stream by: one value where all agree, else the list of them."""

    def __init__(self) -> None:
        names = "measure model prompt_version candidate_model judge preference_measure gamma eta scope"
        self.seen: dict[str, dict[Any, None]] = {name: {} for name in names.split()}

    def noting(self, proposals: Iterable[Proposal]) -> Iterator[Proposal]:
        for proposal in proposals:
            for name, values in self.seen.items():
                value = getattr(proposal, name)
                if value != "":
                    values[value] = None
            yield proposal

    def listed(self, *names: str) -> dict[str, Any]:
        return {name: values[0] if len(values := list(self.seen[name])) == 1 else values for name in names}
