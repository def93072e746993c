"""Export: what the page counts is what the files hold."""

import json

import pytest
from page_kit import said
from reviewable import candidate_of, seed
from starlette.applications import Starlette
from starlette.testclient import TestClient

from clear_core.types import ConfidenceScore, Decision
from db.records import RunConfig
from db.reviews import append_decision
from pages.parts import tickets
from pages.parts.export_route import PATH, export_route

DECIDED = [
    Decision("u1", "mail-014", 14, "reject", "keep", "ada", "2030-01-01T00:00:00Z"),
    Decision("u2", "mail-013", 13, "edit", "replace", "ada", "2030-01-01T00:00:01Z", response="Edited & sound"),
    Decision("u3", "mail-012", 12, "drop", "drop", "bob", "2030-01-01T00:00:02Z"),
]


@pytest.fixture
def ids(app):
    seeded = seed(app.engine, app.data_dir)
    for decision in DECIDED:
        append_decision(app.engine, seeded.dataset, decision, policy_id=None)
    return seeded


@pytest.fixture
def client(app):
    return TestClient(Starlette(routes=[export_route()]), base_url="http://localhost")


def ticket(ids, what, **changed):
    grant = {
        "what": what,
        "dataset": ids.dataset,
        "run": ids.score,
        "correct": ids.correct,
        "policy": None,
        "gamma": "median",
        "eta": 0.8,
        "scope": "low",
    }
    return tickets.issue("export", **grant | changed)


def get(client, ids, what, **changed):
    return client.get(PATH, params={"ticket": ticket(ids, what, **changed)})


def test_the_page_shows_counts_authors_checks_and_changes(app, ids):
    at = app.open("export", dataset=ids.dataset)
    assert not at.exception
    words = said(at)
    for expected in (
        "All 30 records of the file are accounted for: 21 are written, 9 dropped, 0 can&#x27;t be read.",
        "1 unscored example stays in the dataset as they came.",
        "8 proposed drops and 3 proposed replacements were not reviewed",
        "no format is broken",
        "Replaced by ada with an edited response.",
        "Edited &amp; sound",
        "ada",
        "bob",
    ):
        assert expected in words, expected
    commands = at.code[0].value
    assert "clear-review propose mails.jsonl --scores scores.jsonl --preferences preferences.jsonl" in commands
    assert "--gamma median --eta 0.8 --scope low" in commands


def test_the_curated_file_is_what_the_page_counts(app, ids, client):
    answer = get(client, ids, "same")
    assert answer.status_code == 200
    assert 'filename="mails.curated.jsonl"' in answer.headers["content-disposition"]
    written = {json.loads(line)["id"]: line for line in answer.content.splitlines(keepends=True)}
    original = {json.loads(line)["id"]: line for line in (app.data_dir / "mails.jsonl").read_bytes().splitlines(True)}
    assert len(written) == 21
    assert written["mail-014"] == original["mail-014"]
    assert json.loads(written["mail-013"]) == json.loads(original["mail-013"]) | {"response": "Edited & sound"}
    assert json.loads(written["mail-003"])["response"] == candidate_of(3)
    assert "mail-012" not in written
    assert written["mail-000"] == original["mail-000"]


def test_the_other_files_belong_to_the_same_export(app, ids, client):
    manifest = get(client, ids, "manifest").json()
    assert manifest["counts"] == {"kept": 16, "replaced": 4, "dropped": 9, "unscored": 1, "rejected": 0}
    assert manifest["policy"]["gamma"] == 0.5
    assert manifest["decisions"] == 3
    lines = get(client, ids, "decisions").text.splitlines()
    assert [json.loads(line)["uid"] for line in lines] == ["u1", "u2", "u3"]
    changes = {json.loads(line)["id"]: json.loads(line) for line in get(client, ids, "changes").text.splitlines()}
    assert changes["mail-012"]["author"] == "bob"
    assert changes["mail-001"]["reason"].startswith("The given response has confidence")
    chat = [json.loads(line) for line in get(client, ids, "openai").text.splitlines()]
    assert len(chat) == 21
    assert chat[0]["messages"][-1]["role"] == "assistant"


@pytest.mark.parametrize(("what", "count"), [("scores", 30), ("preferences", 9), ("proposals", 30)])
def test_the_records_behind_it_can_be_taken_away(app, ids, client, what, count):
    assert len(get(client, ids, what).text.splitlines()) == count


def test_without_a_good_ticket_nothing_is_given(app, ids, client):
    good = ticket(ids, "same")
    assert client.get(PATH).status_code == 403
    assert client.get(PATH, params={"ticket": good[:-2]}).status_code == 403
    assert client.get(PATH, params={"ticket": tickets.issue("upload", what="same")}).status_code == 403
    foreign = {"origin": "https://elsewhere.example"}
    assert client.get(PATH, params={"ticket": good}, headers=foreign).status_code == 403


def test_a_dataset_that_is_gone_is_told_in_words(app, ids, client):
    answer = get(client, ids, "same", dataset=999)
    assert answer.status_code == 409
    assert "999" in answer.text


def test_a_replacement_that_breaks_the_format_is_named(app):
    rows = [{"id": f"j{i}", "prompt": "?", "response": '{"a": 1}'} for i in range(3)]
    dataset = app.dataset(rows)
    broken = Decision("u1", "j1", 1, "edit", "replace", "ada", "2030-01-01T00:00:00Z", response="not json")
    append_decision(app.engine, dataset, broken, policy_id=None)
    results = [ConfidenceScore(f"j{i}", i, 0.5) for i in range(3)]
    app.run(dataset, RunConfig("score"), results=results)
    at = app.open("export", dataset=dataset)
    assert "1 replacement breaks the given response" in said(at)


def test_rows_that_no_run_reached_are_counted(app, ids):
    app.run(ids.dataset, RunConfig("score"), results=[ConfidenceScore("mail-020", 20, 0.5)])
    at = app.open("export", dataset=ids.dataset)
    words = said(at)
    assert "29 examples were not reached by the score run" in words
    assert "29 are written, 1 dropped" in words
