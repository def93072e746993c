"""The export as commands: the same fold without a screen, to copy."""

from __future__ import annotations

import shlex
from dataclasses import asdict

from clear_core.errors import InputError
from clear_core.io import Source
from pages.parts.basis import Basis
from pages.parts.check import detected


def commands(at_hand: Basis) -> str:
    """The commands that write the same curated file from the downloaded records.

    The file's name is quoted for the shell, whatever it holds.
    """
    dataset, thresholds = at_hand.dataset, at_hand.thresholds
    file, mapping = shlex.quote(dataset.source_name), _mapping(at_hand)
    preferences = " --preferences preferences.jsonl" if at_hand.correct else ""
    return (
        f"clear-review propose {file} --scores scores.jsonl{preferences} \\\n"
        f"  --gamma {thresholds.gamma} --eta {thresholds.eta:g} --scope {thresholds.scope}{mapping} "
        "--out proposals.jsonl\n"
        f"clear-review export {file} --proposals proposals.jsonl --decisions decisions.jsonl \\\n"
        f"  --format same{mapping} --out curated.jsonl"
    )


def _mapping(at_hand: Basis) -> str:
    """The field map as options, where it is not the one that would be detected anyway."""
    dataset = at_hand.dataset
    try:
        source = Source(dataset.source_path, dataset.source_name)
        if detected(source, dataset.sha256, dataset.source_name).field_map == dataset.field_map:
            return ""
    except InputError:
        pass
    given = {meaning: column for meaning, column in asdict(dataset.field_map).items() if column}
    return "".join(f" --map {shlex.quote(f'{meaning}={column}')}" for meaning, column in given.items())
