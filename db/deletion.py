"""Deleting a dataset without making a reviewer of another one wait, and uploads that never became one.

Deletion runs in short transactions and is finished after a crash.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from clear_core.errors import StateError
from db.engine import home, read, write
from db.leases import looks_alive
from db.models import (
    DatasetRow,
    DecisionRow,
    ExampleRow,
    PolicyRow,
    PreferenceRow,
    RoundRow,
    RowProblemRow,
    RunRow,
    ScoreRow,
    StandingRow,
)

PAGE: Final = 2_000
PAUSE_S: Final = 0.01
UNIMPORTED_S: Final = 7 * 86_400.0
"""An upload that no dataset was made of for so long is not waited for any more."""

_BY_CONTENT: Final = re.compile("[0-9a-f]{64}")
_TRAINING: Final = re.compile("run-[0-9]+-[0-9a-f]{8}")
_WRITABLE: Final = 0o222


def mark_for_deletion(engine: Engine, dataset_id: int) -> None:
    """Hide a dataset from now on; `purge` removes it.

    Raises:
        StateError: when a worker is at it.
    """
    with write(engine) as connection:
        runs = connection.execute(select(RunRow.__table__).where(RunRow.dataset_id == dataset_id)).all()
        if any(looks_alive(run) for run in runs):
            raise StateError(f"A run of dataset {dataset_id} is going on.", "Cancel it first.")
        # A worker that is only starting up must not find a run to take.
        connection.execute(update(RunRow).where(RunRow.dataset_id == dataset_id).values(status="cancelled"))
        connection.execute(update(DatasetRow).where(DatasetRow.id == dataset_id).values(status="deleting"))


def purge(engine: Engine) -> int:
    """Remove every dataset marked for deletion, those of an interrupted deletion included.

    Returns:
        How many were removed.
    """
    with read(engine) as connection:
        marked = connection.execute(select(DatasetRow.id).where(DatasetRow.status == "deleting")).scalars().all()
    for dataset_id in marked:
        _delete_contents(engine, dataset_id)
        _delete_dataset(engine, dataset_id)
    return len(marked)


def _delete_contents(engine: Engine, dataset_id: int) -> None:
    with read(engine) as connection:
        query = select(RunRow.id, RunRow.state).where(RunRow.dataset_id == dataset_id)
        runs = {run.id: run.state for run in connection.execute(query)}
    for state in runs.values():
        _forget_training(json.loads(state).get("folder", ""))
    # Children first: each table is empty of this dataset before what it refers to goes.
    _delete_in_pages(engine, RoundRow.dataset_id == dataset_id, RoundRow.id)
    _delete_in_pages(engine, StandingRow.dataset_id == dataset_id, StandingRow.row)
    _delete_in_pages(engine, DecisionRow.dataset_id == dataset_id, DecisionRow.seq)
    _delete_in_pages(engine, PolicyRow.dataset_id == dataset_id, PolicyRow.id)
    for run_id in runs:
        _delete_in_pages(engine, ScoreRow.run_id == run_id, ScoreRow.row)
        _delete_in_pages(engine, PreferenceRow.run_id == run_id, PreferenceRow.row)
    _delete_in_pages(engine, RunRow.dataset_id == dataset_id, RunRow.id)
    _delete_in_pages(engine, RowProblemRow.dataset_id == dataset_id, RowProblemRow.row)
    _delete_in_pages(engine, ExampleRow.dataset_id == dataset_id, ExampleRow.row)


def _forget_training(folder: str) -> None:
    """Remove what a training made; only a folder that we named is ours to delete."""
    path = Path(folder)
    if _TRAINING.fullmatch(path.name):
        shutil.rmtree(path, ignore_errors=True)
        path.with_name(f"{path.name}.examples.jsonl").unlink(missing_ok=True)


def _delete_in_pages(engine: Engine, owned: ColumnElement[bool], key: InstrumentedAttribute[Any]) -> None:
    while True:
        with write(engine) as connection:
            end = connection.execute(select(key).where(owned).order_by(key).offset(PAGE).limit(1)).scalar()
            page = owned if end is None else owned & (key < end)
            connection.execute(delete(key.class_).where(page))
        if end is None:
            return
        time.sleep(PAUSE_S)


def _delete_dataset(engine: Engine, dataset_id: int) -> None:
    with write(engine) as connection:
        gone = connection.execute(select(DatasetRow.__table__).where(DatasetRow.id == dataset_id)).one_or_none()
        if gone is None:  # somebody else who deleted a dataset was quicker
            return
        connection.execute(delete(DatasetRow).where(DatasetRow.id == dataset_id))
        same = or_(DatasetRow.source_path == gone.source_path, DatasetRow.sha256 == gone.sha256)
        others = connection.execute(select(func.count()).select_from(DatasetRow).where(same)).scalar_one()
        upload = (home(engine) or Path()) / gone.source_path
        # Only a file that we named by its content is ours to delete.
        if not others and upload.name == gone.sha256:
            upload.unlink(missing_ok=True)


def take(upload: Path) -> None:
    """Mark an upload as a dataset's, by making it read-only.

    The mark is the file's own: a database that was opened for the first time beside the uploads of another one must
    not take them for abandoned.
    """
    if _BY_CONTENT.fullmatch(upload.name):  # only a file that we named is ours to change
        with suppress(PermissionError):  # a file of another account, whose mark it has to be
            upload.chmod(upload.stat().st_mode & ~_WRITABLE)


def forget_unimported(engine: Engine, uploads_dir: Path) -> int:
    """Remove uploads that no dataset was made of within seven days.

    Returns:
        How many were removed.
    """
    removed = 0
    for upload in uploads_dir.glob("*"):
        if _is_left(upload):
            # In a writing transaction, so that no dataset is made of it in the same moment.
            with write(engine) as connection:
                named = connection.execute(select(DatasetRow.id).where(DatasetRow.sha256 == upload.name).limit(1))
                if named.first() is None and _is_left(upload):
                    upload.unlink(missing_ok=True)
                    removed += 1
    return removed


def _is_left(upload: Path) -> bool:
    try:
        known = upload.lstat()
    except FileNotFoundError:  # received again, or cleared away, in the same moment
        return False
    is_ours = stat.S_ISREG(known.st_mode) and _BY_CONTENT.fullmatch(upload.name) is not None
    is_taken = not known.st_mode & _WRITABLE
    return is_ours and not is_taken and time.time() - known.st_mtime > UNIMPORTED_S
