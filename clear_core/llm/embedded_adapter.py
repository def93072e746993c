"""The adapter that the embedded model wears: a file in the folder that a local training left behind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from clear_core.errors import InputError

ADAPTER_FILE: Final = "adapter.gguf"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A trained adapter.

    Attributes:
        name: its folder's name, as records show it.
        file: the GGUF file.
        digest: what tells its content from any other's, 12 hex digits; part of the ledger's key.
    """

    name: str
    file: Path
    digest: str


def adapter_in(folder: Path) -> Adapter:
    """The adapter of a folder.

    Raises:
        InputError: when there is none that the embedded model can wear.
    """
    file = folder.absolute() / ADAPTER_FILE
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    except OSError:
        raise InputError(
            f"{folder} holds no adapter for the embedded model.",
            "Give the folder of a finished local training of the embedded model.",
        ) from None
    return Adapter(file.parent.name, file, digest)
