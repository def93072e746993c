"""An upload appears under its hash when it is complete, and not before."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import time
from pathlib import Path

import pytest

from clear_core.errors import InputError
from db.uploads import ABANDONED_S, UploadSink, forget_broken_off, store_file


def test_a_complete_upload_lies_under_its_hash(tmp_path: Path) -> None:
    with UploadSink(tmp_path) as sink:
        sink.write(b"one ")
        sink.write(b"two")
        assert [path.name[:11] for path in tmp_path.iterdir()] == [".receiving-"]
        stored = sink.commit()
    assert stored.sha256 == hashlib.sha256(b"one two").hexdigest()
    assert stored.size == 7
    assert stored.path == tmp_path / stored.sha256
    assert stored.path.read_bytes() == b"one two"
    assert list(tmp_path.iterdir()) == [stored.path]


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def break_off(sink: UploadSink) -> None:
        sink.write(b"half")
        raise ConnectionError

    with pytest.raises(ConnectionError), UploadSink(tmp_path) as sink:
        break_off(sink)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_cleared_away_a_day_later(tmp_path: Path) -> None:
    left, recent = (UploadSink(tmp_path) for _ in range(2))
    old, new = Path(left._file.name), Path(recent._file.name)
    os.utime(old, (time.time() - ABANDONED_S - 60,) * 2)
    (tmp_path / ("a" * 64)).write_bytes(b"an upload")
    forget_broken_off(tmp_path)
    assert not old.exists()
    assert new.exists()
    assert (tmp_path / ("a" * 64)).exists()
    left._file.close()
    recent._file.close()


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="larger than 1 MiB"), UploadSink(tmp_path, max_bytes=2**20) as sink:
        shutil.copyfileobj(io.BytesIO(bytes(3 * 2**19)), sink, 2**19)
    assert list(tmp_path.iterdir()) == []


def test_the_same_bytes_twice_are_one_file(tmp_path: Path) -> None:
    original = tmp_path / "a.jsonl"
    original.write_bytes(b"{}\n")
    first, second = (store_file(tmp_path / "uploads", original) for _ in range(2))
    assert first == second
    assert original.exists()
    assert len(list((tmp_path / "uploads").iterdir())) == 1
