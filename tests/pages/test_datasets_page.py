from page_kit import ROWS, said

from clear_core.io import FieldMap, Source
from db.datasets import get_dataset, list_datasets
from pages.parts.check import checked


def test_a_first_visit_says_what_this_is_and_offers_the_two_ways_in(app):
    at = app.open()
    assert not at.exception
    assert "leaves the last word to you" in said(at)
    assert at.button(key="demo").label == "Load the demo"


def test_an_upload_is_shown_as_a_reader_sees_it_with_what_cannot_be_used(app):
    at = app.open(upload=app.upload(), file="rows.jsonl")
    text = said(at)
    assert not at.exception
    assert "What is 2+2?" in text
    assert "Prompt and response" in text
    assert "4 rows read, 1 row can&#x27;t be used." in text or "4 rows read, 1 row can't be used." in text
    assert "&#x27;response&#x27; is missing" in text
    assert "Import 3 rows" in text
    assert "Download 1 bad row" in text
    assert "/api/problems?ticket=" in text


def test_a_look_at_a_file_of_long_bad_rows_keeps_little_of_them(app):
    rows = [{"prompt": "p", "response": 1, "more": "x" * 60_000} for _ in range(300)]
    sha256 = app.upload([ROWS[0]] * 100 + rows)
    source = Source(app.data_dir / "uploads" / sha256, "rows.jsonl")
    check = checked(source, sha256, source.name, FieldMap("prompt_response", "prompt", response="response"))
    assert (check.good, check.bad, len(check.problems)) == (100, 300, 100)
    assert sum(len(problem.raw) for problem in check.problems) < 110_000
    assert all(problem.raw.endswith("… cut") for problem in check.problems)
    text = said(app.open(upload=sha256, file="rows.jsonl"))
    assert "… cut" in text
    assert "The first 100 of 300 are listed." in text
    assert "Download 300 bad rows" in text


def test_another_column_can_be_the_response(app):
    at = app.open(upload=(sha256 := app.upload()), file="rows.jsonl")
    at.selectbox(key=f"{sha256[:12]}_prompt_response_response").select("topic").run()
    text = said(at)
    assert not at.exception
    assert "sums" in text
    assert ">4<" not in text


def test_one_column_with_two_meanings_is_refused_in_words(app):
    at = app.open(upload=(sha256 := app.upload()), file="rows.jsonl")
    at.selectbox(key=f"{sha256[:12]}_prompt_response_response").select("prompt").run()
    assert "chosen twice" in said(at)
    assert not any(button.label.startswith("Import") for button in at.button)


def test_columns_that_fit_no_shape_are_mapped_by_hand(app):
    rows = [{"left": "Say hello", "right": "Hello"}, {"left": "Say bye", "right": "Bye"}]
    at = app.open(upload=(sha256 := app.upload(rows)), file="rows.jsonl")
    assert "no known shape fits" in said(at)
    name = sha256[:12]
    at.selectbox(key=f"{name}_prompt_response_prompt").select("left").run()
    at.selectbox(key=f"{name}_prompt_response_response").select("right").run()
    assert "Import 2 rows" in said(at)


def test_a_file_without_a_readable_row_says_so(app):
    at = app.open(upload=app.upload(["nothing\n", "of use\n"]), file="rows.jsonl")
    assert not at.exception
    assert "can be read" in said(at)
    assert not any(button.label.startswith("Import") for button in at.button)


def test_an_upload_that_is_gone_says_so(app):
    at = app.open(upload="0" * 64, file="rows.jsonl")
    assert "This upload is gone." in said(at)
    assert "upload" not in at.query_params


def test_a_hash_that_is_none_reaches_no_file(app):
    at = app.open(upload="../review.db", file="x.jsonl")
    assert "This upload is gone." in said(at)


def test_a_dataset_shows_its_rows_and_the_rows_that_cannot_be_used(app):
    at = app.open(dataset=app.dataset())
    text = said(at)
    assert not at.exception
    assert "Capital of France?" in text
    assert "1 row that can't be used" in text
    assert "Download 1 bad row" in text
    assert "/api/problems?ticket=" in text


def test_hostile_text_stays_text(app):
    hostile = "<img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](http://foreign.example/b.png)"
    rows = [{"id": hostile, "prompt": hostile, "response": hostile}, {"prompt": 3, "response": hostile}]
    at = app.open(dataset=app.dataset(rows, name=hostile[:20].replace("/", "")))
    assert not at.exception
    assert "<img" not in "".join(element.value for element in at.html)
    assert not any(hostile in element.value for kind in ("markdown", "caption") for element in at.get(kind))


def test_a_wrong_dataset_in_the_address_is_answered_in_words(app):
    app.dataset()
    at = app.open(dataset=999)
    assert not at.exception
    assert "There is no dataset 999" in said(at)


def test_rename_and_delete(app):
    dataset_id = app.dataset()
    at = app.open(dataset=dataset_id)
    at.text_input(key=f"name_{dataset_id}").set_value("a better name").run()
    at.button(key=f"rename_{dataset_id}").click().run()
    assert get_dataset(app.engine, dataset_id).name == "a better name"
    assert at.button(key=f"delete_{dataset_id}").disabled
    at.checkbox(key=f"sure_{dataset_id}").check().run()
    at.button(key=f"delete_{dataset_id}").click().run()
    assert list_datasets(app.engine) == []
    assert "dataset" not in at.query_params


def test_an_import_that_never_ran_says_how_to_go_on(app, monkeypatch):
    sha256 = app.upload(ROWS)
    at = app.open(upload=sha256, file="rows.jsonl")
    started = []
    monkeypatch.setattr("pages.parts.shell.start_worker", lambda run_id, **_: started.append(run_id))
    next(button for button in at.button if button.label == "Import 3 rows").click().run()
    assert not at.exception
    assert len(started) == 1
    assert "Starting" in said(at)
    assert at.query_params["dataset"] == str(list_datasets(app.engine)[0].id)


def test_the_demo_is_one_click_and_found_again(app):
    at = app.open()
    at.button(key="demo").click().run()
    assert not at.exception
    assert "Demo: customer e-mails" in said(at)
    assert at.query_params["dataset"] == "1"
    at.button(key="demo").click().run()
    assert len(list_datasets(app.engine)) == 1


def test_the_demo_says_who_wrote_its_candidates(app):
    app.open().button(key="demo").click().run()
    words = said(app.open("correct", dataset=1))
    assert "a person (demo)" in words
    assert "the base model, the weaker variant" not in words
