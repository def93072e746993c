"""Scores, preferences, proposals and decisions on disk; files that are whole or not there; the manifest."""

import errno
import hashlib
import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from io_kit import curate, put, read

from clear_core.errors import InputError
from clear_core.io import (
    Source,
    atomic_writer,
    build_manifest,
    detect,
    file_sha256,
    manifest_path,
    read_decisions,
    read_preferences,
    read_proposals,
    read_scores,
    to_line,
    to_record,
    write_manifest,
    write_records,
)
from clear_core.types import ConfidenceScore, Decision, Preference, Proposal

ANY_TEXT = st.text(max_size=20)  # lone surrogates too: replies are cut in the middle of a character
SHARE = st.floats(0, 1)
EVIDENCE = st.dictionaries(ANY_TEXT, ANY_TEXT | st.integers() | st.lists(ANY_TEXT, max_size=2), max_size=2)

scores = st.builds(
    ConfidenceScore, ANY_TEXT, st.integers(0, 10**9), st.none() | SHARE, st.none() | SHARE, evidence=EVIDENCE
)
preferences = st.builds(
    Preference,
    ANY_TEXT,
    st.integers(0),
    st.none() | ANY_TEXT,
    st.none() | SHARE,
    st.sampled_from([None, "candidate", "tie"]),
    rejected=st.none() | ANY_TEXT,
)
proposals = st.builds(
    Proposal, ANY_TEXT, st.integers(0), st.sampled_from(["keep", "drop", "replace", "unscored"]), ANY_TEXT, SHARE, SHARE
)
decisions = st.builds(
    Decision, ANY_TEXT, ANY_TEXT, st.integers(0), st.sampled_from(["accept", "undo"]), st.none(), ANY_TEXT, ANY_TEXT
)
KINDS = {"scores": (scores, read_scores), "preferences": (preferences, read_preferences)}
KINDS |= {"proposals": (proposals, read_proposals), "decisions": (decisions, read_decisions)}


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(data=st.data())
def test_records_survive_the_disk(tmp_path_factory, kind, data):
    one, reader = KINDS[kind]
    items = data.draw(st.lists(one, max_size=4))
    path = tmp_path_factory.mktemp("records") / "a.jsonl"
    assert write_records(path, items) == len(items)
    assert list(reader(path)) == items
    assert len(path.read_bytes().splitlines()) == len(items)


def test_a_score_record_has_the_promised_keys():
    record = to_record(ConfidenceScore("a", 3, 0.5))
    promised = {"confidence", "consistency", "reflection", "measure", "model", "samples", "calls", "problem"}
    assert {"id", "row"} | promised <= record.keys()
    assert json.loads(to_line(ConfidenceScore("a", 3, 0.5))) == record


def test_a_number_that_is_none_is_never_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_line(ConfidenceScore("a", 3, float("nan")))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "is a list"),
        ('{"row": 1, "confidence": 1}', "'id' is missing"),
        ('{"id": "a", "row": 1}', "'confidence' is missing"),
        ('{"id": 1, "row": 1, "confidence": 1}', "'id' is 1, not text"),
        ('{"id": "a", "row": true, "confidence": 1}', "not a whole number"),
        ('{"id": "a", "row": -1, "confidence": 1}', "not a row number"),
        ('{"id": "a", "row": 1, "confidence": 1.5}', "not from 0 to 1"),
        ('{"id": "a", "row": 1, "confidence": "high"}', "not a number or null"),
        ('{"id": "a", "row": 1, "confidence": NaN}', "is no JSON"),
        ('{"id": "a", "row": 1, "confidence": 1, "evidence": []}', "not an object"),
        ('{"id": "a", "id": "b", "row": 1, "confidence": 1}', "stands twice"),
    ],
)
def test_a_score_that_is_none_is_named_with_file_and_line(tmp_path, line, reason):
    path = tmp_path / "scores.jsonl"
    path.write_text('{"id": "a", "row": 0, "confidence": null, "note": "mine"}\n\n' + line + "\n")
    with pytest.raises(InputError, match=reason) as caught:
        list(read_scores(path))
    assert f"{path}, line 3" in caught.value.message
    assert "ConfidenceScore" in caught.value.hint


def test_a_proposal_has_one_of_four_fates(tmp_path):
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "a", "row": 0, "fate": "burn", "reason": "", "gamma": 0.5, "eta": 0.8}\n')
    with pytest.raises(InputError, match="not one of keep, drop, replace, unscored"):
        list(read_proposals(path))


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="can't be read"):
        list(read_decisions(tmp_path / "none.jsonl"))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("old")

    def items():
        yield ConfidenceScore("a", 0, 0.5)
        raise KeyError

    with pytest.raises(KeyError):
        write_records(path, items())
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_records(path, [ConfidenceScore("a", 0, 0.5)])
    assert len(list(read_scores(path))) == 1
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_a_full_disk_is_an_input_error_and_leaves_nothing(tmp_path):
    def items():
        yield ConfidenceScore("a", 0, 0.5)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InputError, match="can't be written: No space left"):
        write_records(tmp_path / "a.jsonl", items())
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="can't be written"), atomic_writer(tmp_path / "no" / "a"):
        pass


def test_the_manifest_tells_what_an_export_rests_on(tmp_path):
    source = put(tmp_path, "a.csv", b"prompt,response\np,r\nbad\n")
    examples, _ = read(source)
    written, counts = curate(source, [])
    curated = put(tmp_path, "a.curated.csv", written)
    manifest = build_manifest(
        source=source,
        field_map=detect(source).field_map,
        curated=curated,
        to="same",
        counts=counts,
        scoring={"model": "m", "prompt_version": "1", "measure": "likelihood"},
        policy={"gamma": "median", "gamma_value": 0.5, "eta": 0.8, "scope": "low"},
        decisions=2,
    )
    path = manifest_path(curated.path)
    assert path.name == "a.curated.csv.manifest.json"
    write_manifest(path, manifest)
    read_back = json.loads(path.read_text())
    assert read_back == manifest
    assert read_back["input"]["sha256"] == hashlib.sha256(source.path.read_bytes()).hexdigest() == file_sha256(source)
    assert read_back["output"]["sha256"] == hashlib.sha256(written).hexdigest()
    assert read_back["counts"] == {"kept": 0, "replaced": 0, "dropped": 0, "unscored": 1, "rejected": 1}
    assert (read_back["input"]["records"], read_back["output"]["records"], read_back["decisions"]) == (
        2,
        len(examples),
        2,
    )
    assert str(tmp_path) not in path.read_text()
    with pytest.raises(InputError):
        file_sha256(Source.at(tmp_path / "gone"))
