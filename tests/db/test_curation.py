"""The fold of scores, thresholds and decisions, as a stream and as files."""

import json

import pytest
from db_kit import preference, score
from reviewable import seed

from clear_core.apply import apply_decisions
from clear_core.io import read_decisions, write_records
from clear_core.propose import Gamma, Thresholds, propose
from clear_core.types import Decision
from db.curation import Curation, export_dataset, forget_exports, proposals
from db.datasets import delete_dataset, get_dataset
from db.leases import Progress, claim_run
from db.records import RunConfig
from db.results import save_preferences, save_scores
from db.reviews import append_decision, effective_fates, undo_last
from db.runs import create_run
from db.scores import iter_preferences, iter_scores, score_table

ROWS = 40


@pytest.fixture
def curation(engine, data_dir):
    ids = seed(engine, data_dir, ROWS)
    return Curation(ids.dataset, ids.score, ids.correct, Thresholds())


def say(engine, curation, row, action, fate, response=None):
    uid = f"{action}-{row}"
    decision = Decision(uid, f"mail-{row:03}", row, action, fate, "ann", "2026-01-01T00:00:00Z", response)
    append_decision(engine, curation.dataset_id, decision, policy_id=None)


def outcomes(engine, curation):
    return apply_decisions(proposals(engine, curation), effective_fates(engine, curation.dataset_id))


def changed(exported):
    return {outcome["row"]: outcome for outcome in map(json.loads, exported.changes.read_text().splitlines())}


def test_the_stream_gives_what_the_library_gives(engine, curation):
    for thresholds in (Thresholds(), Thresholds(Gamma.parse("0.3"), 0.5, "all")):
        streamed = list(
            proposals(engine, Curation(curation.dataset_id, curation.score_run_id, curation.correct_run_id, thresholds))
        )
        scores = iter_scores(engine, curation.score_run_id)
        assert streamed == list(propose(scores, iter_preferences(engine, curation.correct_run_id), thresholds))
        assert {p.fate for p in streamed} == {"keep", "drop", "replace", "unscored"}


def test_without_candidates_nothing_is_replaced(engine, curation):
    bare = Curation(curation.dataset_id, curation.score_run_id, None, Thresholds())
    assert "replace" not in {proposal.fate for proposal in proposals(engine, bare)}


def test_a_decision_changes_its_row_and_no_other(engine, curation):
    before = {outcome.row: outcome for outcome in outcomes(engine, curation)}
    dropped = next(outcome for outcome in before.values() if outcome.fate == "drop")
    say(engine, curation, dropped.row, "reject", "keep")
    after = {outcome.row: outcome for outcome in outcomes(engine, curation)}
    assert after.pop(dropped.row).author == "ann"
    before.pop(dropped.row)
    assert after == before


def test_an_export_accounts_for_every_row(engine, data_dir, curation):
    say(engine, curation, 39, "edit", "replace", "mine <b>")
    say(engine, curation, 38, "drop", "drop")
    exported = export_dataset(engine, data_dir / "exports", curation)
    counts = exported.facts["counts"]
    assert sum(counts.values()) == ROWS
    original = get_dataset(engine, curation.dataset_id).source_path.read_bytes().splitlines(keepends=True)
    written = exported.curated.read_bytes().splitlines(keepends=True)
    assert len(written) == counts["kept"] + counts["replaced"] + counts["unscored"]
    assert len(set(written) - set(original)) == counts["replaced"]
    assert "mine <b>" in {json.loads(line)["response"] for line in written}
    assert [decision.uid for decision in read_decisions(exported.decisions)] == ["edit-39", "drop-38"]
    told = changed(exported)
    assert len(told) == ROWS - counts["kept"]
    assert all(outcome["reason"] and outcome["author"] for outcome in told.values())
    assert exported.facts["policy"]["gamma_as_set"] == "median"
    assert exported.facts["decisions"] == 2


def test_the_same_export_is_written_once_and_a_new_one_after_a_change(engine, data_dir, curation):
    first = export_dataset(engine, data_dir / "exports", curation)
    assert export_dataset(engine, data_dir / "exports", curation).facts == first.facts
    say(engine, curation, 39, "drop", "drop")
    second = export_dataset(engine, data_dir / "exports", curation)
    undo_last(engine, curation.dataset_id, "ann", policy_id=None)
    third = export_dataset(engine, data_dir / "exports", curation)
    assert len({first.curated, second.curated, third.curated}) == 3
    assert first.curated.read_bytes() == third.curated.read_bytes() != second.curated.read_bytes()
    openai = export_dataset(engine, data_dir / "exports", curation, "openai")
    assert "messages" in json.loads(openai.curated.read_text().splitlines()[0])


def test_a_decision_made_during_an_export_belongs_to_the_next(engine, data_dir, curation, monkeypatch):
    say(engine, curation, 38, "drop", "drop")

    def meanwhile(path, items):
        if path.name == "decisions.jsonl":
            say(engine, curation, 39, "drop", "drop")
        return write_records(path, items)

    monkeypatch.setattr("db.curation.write_records", meanwhile)
    exported = export_dataset(engine, data_dir / "exports", curation)
    assert [decision.row for decision in read_decisions(exported.decisions)] == [38]
    assert exported.facts["decisions"] == 1
    assert '"mail-039"' in exported.curated.read_text()
    assert '"mail-039"' not in exported.changes.read_text()


def test_what_a_run_brings_in_during_an_export_belongs_to_the_next(engine, data_dir, dataset, scored, monkeypatch):
    five = dataset(5)
    scoring = create_run(engine, five, RunConfig("score", model="m"), "ada")
    scorer = claim_run(engine, scoring)
    save_scores(engine, scorer, [score(0, 0.9), score(1, 0.1), score(2, None)], Progress())
    correcting = create_run(engine, five, RunConfig("correct", score_run_id=scoring), "ada")
    corrector = claim_run(engine, correcting)
    curation = Curation(five, scoring, correcting, Thresholds(Gamma.parse("0.5")))
    looks = []

    def meanwhile(*runs):
        looks.append(score_table(*runs))
        if len(looks) == 1:
            save_scores(engine, scorer, [score(2, 0.2), score(3, 0.3)], Progress())
            save_preferences(engine, corrector, [preference(1, 0.99)], Progress())
        return looks[-1]

    monkeypatch.setattr("db.curation.score_table", meanwhile)
    first = export_dataset(engine, data_dir / "exports", curation)
    assert len(looks) == 1
    assert {row: outcome["fate"] for row, outcome in changed(first).items()} == {
        1: "drop",
        2: "unscored",
        3: "unscored",
        4: "unscored",
    }
    assert "no candidate was written" in changed(first)[1]["reason"]
    assert "Not scored" in changed(first)[2]["reason"]
    assert [json.loads(line)["id"] for line in first.curated.read_text().splitlines()] == ["q0", "q2", "q3", "q4"]
    counts = {"kept": 1, "replaced": 0, "dropped": 1, "unscored": 3, "rejected": 0}
    assert {fate: first.facts["counts"][fate] for fate in counts} == counts
    second = export_dataset(engine, data_dir / "exports", curation)
    assert {row: outcome["fate"] for row, outcome in changed(second).items()} == {
        1: "replace",
        2: "drop",
        3: "drop",
        4: "unscored",
    }


def test_exports_go_with_their_dataset(engine, data_dir, curation):
    exported = export_dataset(engine, data_dir / "exports", curation)
    forget_exports(engine, data_dir / "exports")
    assert exported.curated.exists()
    delete_dataset(engine, curation.dataset_id)
    forget_exports(engine, data_dir / "exports")
    assert list((data_dir / "exports").iterdir()) == []


def test_rows_beyond_a_trial_are_unscored_and_stay(engine, dataset, scored):
    five = dataset(5)
    run = scored(five, {0: 0.9, 1: 0.1})
    fates = [o.fate for o in outcomes(engine, Curation(five, run, None, Thresholds(Gamma.parse("0.5"))))]
    assert fates == ["keep", "drop", "unscored", "unscored", "unscored"]
