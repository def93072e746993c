"""What an export rests on: enough to tell, a year later, where every row went and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from clear_core.io.atomic import atomic_writer
from clear_core.io.curation import ExportCounts
from clear_core.io.opening import open_raw
from clear_core.io.source import FieldMap, Source


def file_sha256(source: Source) -> str:
    """The SHA-256 of a source's own bytes, packed as they lie, in hex.

    Raises:
        InputError: when it can't be opened.
    """
    with open_raw(source) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_manifest(
    *,
    source: Source,
    field_map: FieldMap,
    curated: Source,
    to: str,
    counts: ExportCounts,
    scoring: Mapping[str, Any],
    policy: Mapping[str, Any],
    decisions: int,
    correction: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe an export.

    Args:
        source: the original file.
        field_map: which column meant what.
        curated: the file that was written.
        to: its format: "same" or "openai".
        counts: records by fate.
        scoring: model, measure, similarity, samples, prompt_version and the like of the scores; never a key.
        policy: gamma as written and as a number, eta, scope, and name and version where it is a saved one.
        decisions: how many decisions of people entered.
        correction: who wrote the candidates, who judged them and how; None when there were none.

    Returns:
        The manifest, JSON-ready.

    Raises:
        InputError: when a file can't be read.
    """
    return {
        "product": "CLEAR Review",
        "product_version": version("clear-review"),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "input": {
            "name": source.name,
            "sha256": file_sha256(source),
            "bytes": source.path.stat().st_size,
            "records": counts.records,
            "field_map": asdict(field_map),
        },
        "output": {
            "name": curated.name,
            "sha256": file_sha256(curated),
            "bytes": curated.path.stat().st_size,
            "records": counts.written,
            "format": to,
        },
        "scoring": dict(scoring),
        "correction": dict(correction) if correction is not None else None,
        "policy": dict(policy),
        "counts": asdict(counts),
        "decisions": decisions,
    }


def manifest_path(curated: Path) -> Path:
    """Where the manifest of a curated file lies: beside it, as NAME.manifest.json."""
    return curated.with_name(f"{curated.name}.manifest.json")


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """Write a manifest whole or not at all.

    Raises:
        InputError: when it can't be written.
    """
    with atomic_writer(path) as file:
        file.write(json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")
