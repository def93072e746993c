"""Datasets: recorded, imported without loss, renamed, deleted with all that hangs on them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from clear_core.errors import InputError, StateError
from clear_core.types import Message
from db.datasets import (
    delete_dataset,
    examples_by_row,
    find_demo,
    get_dataset,
    import_examples,
    iter_row_problems,
    list_datasets,
    rename_dataset,
    row_problems,
)
from db.deletion import mark_for_deletion, purge
from db.engine import open_engine, read
from db.importing import BATCH
from db.leases import Progress, claim_run, release_run
from db.models import Base, ExampleRow
from db.records import RunConfig
from db.runs import create_run

Upload = Callable[..., int]

ROWS = [{"id": f"q{n}", "prompt": f"p{n}", "response": f"r{n}", "tag": n % 3} for n in range(7)]


def test_an_import_keeps_every_row_as_it_is(engine: Engine, upload: Upload) -> None:
    awkward = {"id": "007", "prompt": "Grüße ‘✓’ \\n \t", "response": "4", "tag": {"nested": [1, None]}}
    dataset_id = upload([*ROWS, awkward])
    assert get_dataset(engine, dataset_id).status == "importing"
    assert import_examples(engine, dataset_id) == (8, 0)
    record = get_dataset(engine, dataset_id)
    assert (record.status, record.examples, record.problems, record.created_by) == ("ready", 8, 0, "ada")
    example = examples_by_row(engine, dataset_id, [7])[0]
    assert example.id == "007"
    assert example.prompt == (Message("user", "Grüße ‘✓’ \\n \t"),)
    assert example.response == "4"
    assert example.meta["tag"] == {"nested": [1, None]}


def test_rows_come_in_the_order_asked_for(engine: Engine, upload: Upload) -> None:
    dataset_id = upload(ROWS)
    import_examples(engine, dataset_id)
    assert [example.row for example in examples_by_row(engine, dataset_id, [5, 0, 99, 3])] == [5, 0, 3]


def test_bad_rows_cost_no_good_row(engine: Engine, upload: Upload) -> None:
    bad = ['{"id": "x", "prompt": "p", "response": 4}', "{broken", '{"prompt": "a\\ud800b", "response": "r"}']
    dataset_id = upload([*ROWS, *bad, {"id": "last", "prompt": "p", "response": "r"}])
    assert import_examples(engine, dataset_id) == (8, 3)
    problems = row_problems(engine, dataset_id)
    assert [problem.row for problem in problems] == [7, 8, 9]
    assert "{broken" in problems[1].raw
    assert row_problems(engine, dataset_id, after_row=7, limit=1) == problems[1:2]
    assert list(iter_row_problems(engine, dataset_id)) == problems
    assert [example.id for example in examples_by_row(engine, dataset_id, [10])] == ["last"]


def test_an_import_goes_on_where_it_was_stopped(engine: Engine, upload: Upload) -> None:
    records = [{"id": str(n), "prompt": f"p{n}", "response": f"r{n}"} for n in range(3 * BATCH + 5)]
    dataset_id = upload(records)
    assert import_examples(engine, dataset_id, should_stop=lambda: True) == (BATCH, 0)
    assert get_dataset(engine, dataset_id).status == "importing"
    seen: list[int] = []
    assert import_examples(engine, dataset_id, on_progress=lambda rows, _: seen.append(rows)) == (3 * BATCH + 5, 0)
    assert seen == [2 * BATCH, 3 * BATCH, 3 * BATCH + 5]
    with read(engine) as connection:
        ids = connection.execute(select(ExampleRow.example_id).order_by(ExampleRow.row)).scalars().all()
    assert ids == [str(n) for n in range(3 * BATCH + 5)]


def test_a_file_without_a_usable_record_fails_with_its_problems_kept(engine: Engine, upload: Upload) -> None:
    good_then_bad = upload(ROWS)
    stored = get_dataset(engine, good_then_bad)
    stored.source_path.unlink()
    stored.source_path.write_text('{"prompt": "p", "response": 1}\n')
    with pytest.raises(InputError, match="No record"):
        import_examples(engine, good_then_bad)
    assert get_dataset(engine, good_then_bad).status == "failed"
    assert len(row_problems(engine, good_then_bad)) == 1


def test_names_and_listing(engine: Engine, upload: Upload) -> None:
    first, second = upload(ROWS), upload(ROWS, name="demo.jsonl", is_demo=True)
    assert [record.id for record in list_datasets(engine)] == [second, first]
    assert find_demo(engine) is None
    import_examples(engine, second)
    assert find_demo(engine) == get_dataset(engine, second)
    rename_dataset(engine, first, "  Customer mails ")
    assert get_dataset(engine, first).name == "Customer mails"
    with pytest.raises(InputError):
        rename_dataset(engine, first, " ")
    with pytest.raises(StateError, match="no dataset 99"):
        rename_dataset(engine, 99, "x")


def _counts(engine: Engine) -> dict[str, int]:
    with read(engine) as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }


def test_a_deleted_dataset_leaves_nothing(engine: Engine, reviewed: int) -> None:
    assert all(_counts(engine).values()), "the dataset should have something in every table"
    upload = get_dataset(engine, reviewed).source_path
    delete_dataset(engine, reviewed)
    assert not any(_counts(engine).values())
    assert not upload.exists()
    with pytest.raises(StateError):
        get_dataset(engine, reviewed)


def test_the_number_of_a_deleted_dataset_is_not_used_again(engine: Engine, upload: Upload) -> None:
    first = upload(ROWS)
    delete_dataset(engine, first)
    assert upload(ROWS) > first


def test_a_shared_upload_stays_until_its_last_dataset_goes(engine: Engine, upload: Upload) -> None:
    first, second = upload(ROWS), upload(ROWS)
    path = get_dataset(engine, first).source_path
    delete_dataset(engine, first)
    assert path.exists()
    delete_dataset(engine, second)
    assert not path.exists()


def test_a_deletion_that_was_cut_short_is_hidden_and_finished_later(engine: Engine, upload: Upload) -> None:
    dataset_id = upload(ROWS)
    mark_for_deletion(engine, dataset_id)
    assert list_datasets(engine) == []
    assert purge(engine) == 1
    assert purge(engine) == 0


def test_several_who_delete_at_once_get_in_nobodys_way(engine: Engine, upload: Upload) -> None:
    for _ in range(3):
        mark_for_deletion(engine, upload(ROWS))
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: purge(engine), range(4))) >= 3
    assert not any(_counts(engine).values())


def test_a_dataset_is_not_deleted_under_a_worker(engine: Engine, dataset: Callable[[int], int]) -> None:
    dataset_id = dataset(2)
    run_id = create_run(engine, dataset_id, RunConfig(kind="score"), "ada")
    lease = claim_run(engine, run_id)
    with pytest.raises(StateError, match="Cancel it first"):
        delete_dataset(engine, dataset_id)
    release_run(engine, lease, "paused", "", Progress())
    mark_for_deletion(engine, dataset_id)
    with pytest.raises(StateError):
        claim_run(engine, run_id)


def test_the_data_folder_can_move(engine: Engine, upload: Upload, data_dir: Path) -> None:
    dataset_id = upload(ROWS)
    engine.dispose()
    moved = data_dir.rename(data_dir.with_name("elsewhere"))
    again = open_engine(f"sqlite:///{moved / 'review.db'}")
    assert get_dataset(again, dataset_id).source_path.is_relative_to(moved)
    assert import_examples(again, dataset_id) == (7, 0)
    again.dispose()
