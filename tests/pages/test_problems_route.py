import json

import pytest
from page_kit import asked

from clear_core.io import FieldMap
from pages.parts import tickets
from pages.parts.problems_route import problems_route

HOME = {"host": "localhost:8501", "sec-fetch-site": "same-origin"}


def get(ticket, headers=HOME):
    return asked(problems_route(), "GET", f"ticket={ticket}", headers)


def test_bad_rows_come_as_json_lines_with_the_record_as_it_stands(app):
    dataset_id = app.dataset()
    status, headers, body = get(tickets.issue("problems", dataset=dataset_id))
    lines = [json.loads(line) for line in body.splitlines()]
    assert status == 200
    assert [(line["row"], line["field"]) for line in lines] == [(2, "response")]
    assert json.loads(lines[0]["raw"]) == {"id": "c", "prompt": "No response here"}
    assert headers["content-disposition"] == f'attachment; filename="dataset-{dataset_id}-problems.jsonl"'
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("headers", [{"host": "foreign.example"}, HOME | {"sec-fetch-site": "cross-site"}])
def test_a_link_on_another_site_gets_nothing(app, headers):
    status, _, body = get(tickets.issue("problems", dataset=app.dataset()), headers)
    assert status == 403
    assert b"No response here" not in body


def test_a_ticket_is_good_for_its_purpose_and_dataset_only(app):
    dataset_id = app.dataset()
    assert get(tickets.issue("upload", dataset=dataset_id))[0] == 403
    assert get("")[0] == 403
    assert get(tickets.issue("problems", dataset=dataset_id + 1))[0] == 404


COLUMNS = FieldMap("prompt_response", "prompt", response="response").to_json()


def test_an_upload_is_read_again_and_every_bad_row_comes_whole(app):
    long = "x" * 5_000
    rows = [{"prompt": "p", "response": "r" if n % 2 else None, "more": long} for n in range(500)]
    sha256 = app.upload(rows)
    status, _, body = get(tickets.issue("problems", upload=sha256, file="rows.jsonl", columns=COLUMNS))
    lines = [json.loads(line) for line in body.splitlines()]
    assert status == 200
    assert [line["row"] for line in lines] == list(range(0, 500, 2))
    assert all(long in line["raw"] for line in lines)


@pytest.mark.parametrize("name", ["0" * 64, "../review.db"])
def test_an_upload_that_is_gone_is_said_to_be(app, name):
    status, _, body = get(tickets.issue("problems", upload=name, file="rows.jsonl", columns=COLUMNS))
    assert (status, body) == (404, b"This upload is gone.")
