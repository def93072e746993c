import hashlib
import json

import pytest
from itsdangerous import TimestampSigner
from page_kit import asked

from pages.parts import tickets
from pages.parts.upload_route import upload_route, upload_ticket, uploaded

HOME = {"host": "localhost:8501", "origin": "http://localhost:8501"}


def put(ticket, pieces, headers=HOME, **how):
    """Send a file; returns the status and the JSON answer."""
    status, _, body = asked(upload_route(), "PUT", f"ticket={ticket}", headers, pieces, **how)
    return status, json.loads(body)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "uploads"


def left_in(folder):
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def test_a_file_arrives_in_pieces_under_the_hash_of_its_content(folder):
    pieces = [b"x" * 700_000, b"y" * 700_000, b"z"]
    content = b"".join(pieces)
    status, answer = put(upload_ticket(folder, 10_000_000), pieces)
    assert status == 200
    assert answer == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert uploaded(folder, answer["sha256"]).read_bytes() == content
    assert left_in(folder) == [answer["sha256"]]


@pytest.mark.parametrize(
    "headers",
    [
        HOME | {"origin": "http://foreign.example"},
        HOME | {"origin": "null"},
        HOME | {"origin": "http://localhost:9999"},
        {"host": "rebound.example:8501", "origin": "http://rebound.example:8501"},
        {"host": "localhost:8501", "sec-fetch-site": "cross-site"},
        {"origin": "http://localhost:8501"},
    ],
)
def test_a_foreign_page_is_refused_even_with_a_good_ticket(folder, headers):
    status, answer = put(upload_ticket(folder, 100), [b"abc"], headers)
    assert status == 403
    assert "own page" in answer["error"]
    assert left_in(folder) == []


def test_without_a_ticket_or_with_one_for_something_else_nothing_is_taken(folder):
    granted = {"folder": str(folder), "most": 100}
    for ticket in ("", "nonsense", tickets.issue("export", **granted), upload_ticket(folder, 100)[:-2] + "xx"):
        status, _ = put(ticket, [b"abc"])
        assert status == 403
    assert left_in(folder) == []


def test_an_old_ticket_is_refused_with_the_way_out(folder, monkeypatch):
    ticket = upload_ticket(folder, 100)
    now = TimestampSigner("key").get_timestamp()
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: now + tickets.LIFETIME + 2)
    status, answer = put(ticket, [b"abc"])
    assert status == 403
    assert "Reload" in answer["error"]


@pytest.mark.parametrize("announce", [True, False])
def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(folder, announce):
    status, answer = put(upload_ticket(folder, 1_500_000), [b"x" * 1_000_000] * 3, announce=announce)
    assert status == 413
    assert "larger than 1.5 MB" in answer["error"]
    assert left_in(folder) == []


def test_an_empty_file_is_refused(folder):
    status, answer = put(upload_ticket(folder, 100), [])
    assert (status, answer["error"]) == (422, "The file is empty.")
    assert left_in(folder) == []


def test_an_upload_that_breaks_off_leaves_nothing(folder):
    status, _ = put(upload_ticket(folder, 10_000_000), [b"x" * 2_000_000], broken_off=True)
    assert status == 400
    assert left_in(folder) == []


@pytest.mark.parametrize("name", ["", "../review.db", "a" * 63, "A" * 64, "0" * 64 + "/x"])
def test_only_a_hash_reaches_a_file(folder, name):
    folder.mkdir()
    assert uploaded(folder, name) is None
