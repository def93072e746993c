"""The only reader of the environment. It never prints, stores or logs a key."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from clear_core.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things live and how to reach a model.

    Attributes:
        data_dir: folder of the database, the uploads and the ledger of calls.
        database_url: SQLAlchemy URL of the review database.
        base_url: OpenAI-compatible endpoint; empty means the embedded model.
        model: model name at that endpoint.
        api_key: the key; hidden from repr.
        candidate_api_key: key of a second endpoint, the one that writes candidates; hidden from repr.
        api_keys: keys by base URL, for as many endpoints as there are; hidden from repr.
        reviewer: the reviewer's name to start with.
        max_upload_bytes: largest upload that the app takes.
    """

    data_dir: Path
    database_url: str
    base_url: str
    model: str
    api_key: str = field(repr=False)
    candidate_api_key: str = field(repr=False)
    reviewer: str
    max_upload_bytes: int
    api_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def uploads_dir(self) -> Path:
        """Folder of uploaded files, named by their content's hash."""
        return self.data_dir / "uploads"

    @property
    def exports_dir(self) -> Path:
        """Folder of the exports that were downloaded lately."""
        return self.data_dir / "exports"

    @property
    def ledger_path(self) -> Path:
        """SQLite file of finished model calls, shared by the app and the command line."""
        return self.data_dir / "ledger.db"


def read_settings() -> Settings:
    """Read CLEAR_DATA_DIR, DATABASE_URL, CLEAR_BASE_URL, CLEAR_MODEL, CLEAR_API_KEY and the like; make the data folder.

    Returns:
        The settings, with OPENAI_BASE_URL and OPENAI_API_KEY as fallbacks of their CLEAR_ twins.

    Raises:
        SettingsError: when a number is not one, the keys are no object, or the data folder can't be made.
    """
    env = os.environ
    data_dir = Path(env.get("CLEAR_DATA_DIR") or user_data_path("clear-review", appauthor=False)).expanduser()
    try:
        (data_dir / "uploads").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"The data folder {data_dir} can't be made: {error.strerror}.",
            "Set CLEAR_DATA_DIR to a folder that you can write.",
        ) from error
    max_upload = env.get("CLEAR_MAX_UPLOAD_MIB", "4096")
    if not max_upload.isdecimal():
        raise SettingsError(f"CLEAR_MAX_UPLOAD_MIB is {max_upload!r}.", "Give a whole number of MiB.")
    return Settings(
        data_dir=data_dir,
        database_url=env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'review.db'}",
        base_url=env.get("CLEAR_BASE_URL") or env.get("OPENAI_BASE_URL", ""),
        model=env.get("CLEAR_MODEL", ""),
        api_key=env.get("CLEAR_API_KEY") or env.get("OPENAI_API_KEY", ""),
        candidate_api_key=env.get("CLEAR_CANDIDATE_API_KEY", ""),
        reviewer=env.get("CLEAR_REVIEWER") or env.get("USER", ""),
        max_upload_bytes=int(max_upload) * 1024 * 1024,
        api_keys=_api_keys(env.get("CLEAR_API_KEYS", "")),
    )


def _api_keys(text: str) -> Mapping[str, str]:
    if not text:
        return {}
    try:
        keys = json.loads(text)
    except ValueError:
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        # Nothing of the value is told: it holds keys.
        raise SettingsError("CLEAR_API_KEYS is no JSON object of texts.", 'Write {"https://host/v1": "KEY", ...}.')
    return keys
