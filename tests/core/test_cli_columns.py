"""What a dataset brings along: scores, candidates and verdicts as columns, and two scorings compared."""

import json

import pytest
from click.testing import CliRunner
from serving import serving

from clear_core.cli import main
from clear_core.llm.stub import StubEndpoint

TOWNS = ["Paris", "Rome", "Bern", "Oslo", "Lima", "Cairo"]
ANSWERS = {f"Capital of land {n}?": town for n, town in enumerate(TOWNS)}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    for name in ("CLEAR_API_KEY", "OPENAI_API_KEY", "CLEAR_CANDIDATE_API_KEY", "CLEAR_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def dataset(tmp_path):
    """Rows 0 and 1 have a wrong response; raters liked rows 2 to 5."""

    def write(**columns):
        rows = [
            {"id": f"q{n}", "prompt": prompt, "response": "Berlin" if n < 2 else town}
            | {name: values[n] for name, values in columns.items()}
            for n, (prompt, town) in enumerate(ANSWERS.items())
        ]
        path = tmp_path / "data.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_ratings_are_scored_proposed_and_exported_without_a_model(run, dataset, tmp_path):
    path = dataset(rating=[1, 2, 5, 4, None, 5])
    scored = run("score", path, "--score-field", "rating", "--scale", "1:5", "--scorer", "gpt-4", "--out", "s.jsonl")
    assert scored.exit_code == 1
    assert "1 row: the row stores no score" in scored.output
    scores = records(tmp_path / "s.jsonl")
    assert [score["confidence"] for score in scores] == [0.0, 0.25, 1.0, 0.75, None, 1.0]
    assert (scores[1]["measure"], scores[1]["model"], scores[1]["evidence"]["value"]) == ("column/rating", "gpt-4", 2)
    assert not (tmp_path / "home").exists()
    assert run("propose", path, "--scores", "s.jsonl", "--gamma", "0.5", "--out", "p.jsonl").exit_code == 1
    fates = ["drop", "drop", "keep", "keep", "unscored", "keep"]
    assert [proposal["fate"] for proposal in records(tmp_path / "p.jsonl")] == fates


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "go from 1 to 5"),
        (("--scale", "nonsense"), "says nothing"),
        (("--scale", "1:5", "--base-url", "http://127.0.0.1:1/v1"), "--base-url"),
        (("--scale", "1:5", "--samples-field", "rating"), "--samples-field"),
        (("--scale", "1:5", "--reflection-field", "rating"), "--reflection-field"),
        (("--scale", "1:5", "--similarity", "exact"), "--similarity"),
        (("--score-field", "mood"), "no column 'mood'"),
        (("--score-field", "response"), "prompt or response"),
        (("--score-field", "", "--scale", "1:5"), "--score-field"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(run, dataset, options, told):
    path = dataset(rating=[1, 2, 5, 4, 4, 5])
    result = run("score", path, "--out", "s.jsonl", "--score-field", "rating", *options)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_two_scorings_are_compared(run, dataset, tmp_path):
    path = dataset(rating=[1, 2, 5, 4, None, 5], loss=[3.5, 0.1, 0.2, 0.3, 0.4, 0.5], drawn=[[town] for town in TOWNS])
    run("score", path, "--score-field", "rating", "--scale", "1:5", "--out", "one.jsonl")
    run("score", path, "--score-field", "loss", "--scale", "rank", "--lower-is-better", "--out", "two.jsonl")
    run("score", path, "--samples-field", "drawn", "--similarity", "exact", "--out", "three.jsonl")
    told = run("compare", "one.jsonl", "two.jsonl", "--gamma-one", "0.5")
    assert told.exit_code == 0
    assert "5 rows scored by both" in told.output
    assert "left out: 1 row unscored in one.jsonl alone" in told.output
    gammas = ("--gamma-one", "0.5", "--gamma-other", "0.5")
    found = json.loads(run("compare", "one.jsonl", "three.jsonl", *gammas, "--json").output)
    assert (found["both"], found["jaccard"], found["kappa"], found["dropped_both"]) == (5, 1.0, 1.0, 2)
    assert found["other"]["measures"] == ["stored samples/exact"]
    assert run("compare", "one.jsonl", "one.jsonl", "--gamma-one", "lots").exit_code == 2


def test_scores_of_two_datasets_are_not_compared(run, dataset, tmp_path):
    path = dataset(rating=[1, 2, 5, 4, 4, 5])
    run("score", path, "--score-field", "rating", "--scale", "1:5", "--out", "one.jsonl")
    (tmp_path / "two.jsonl").write_text((tmp_path / "one.jsonl").read_text().replace('"q1"', '"other"'))
    result = run("compare", "one.jsonl", "two.jsonl")
    assert result.exit_code == 2
    assert "'other'" in result.output


def test_a_row_that_is_scored_twice_is_not_compared(run, dataset, tmp_path):
    path = dataset(rating=[1, 2, 5, 4, 4, 5])
    run("score", path, "--score-field", "rating", "--scale", "1:5", "--out", "one.jsonl")
    (tmp_path / "two.jsonl").write_text((tmp_path / "one.jsonl").read_text() * 2)
    result = run("compare", "one.jsonl", "two.jsonl")
    assert result.exit_code == 2
    assert "two.jsonl has several scores of row 0" in result.output


def test_models_and_columns_compete_before_a_judge_that_is_none_of_them(run, dataset, tmp_path):
    path = dataset(rating=[1, 2, 5, 5, 5, 5], gpt=["Paris", ["Milan", "Oslo"], "x", "x", "x", "x"])
    run("score", path, "--score-field", "rating", "--scale", "1:5", "--out", "s.jsonl")
    judge, tuned = StubEndpoint(ANSWERS), StubEndpoint(ANSWERS)
    with serving(judge) as judge.url, serving(tuned) as tuned.url:
        asked = ("--base-url", judge.url, "--model", "base", "--candidates-field", "gpt", "--samples", 3)
        writers = ("--candidate", f"tuned@{tuned.url}")
        result = run("correct", path, "--scores", "s.jsonl", "--gamma", "0.5", "--out", "pref.jsonl", *asked, *writers)
    assert result.exit_code == 0, result.output
    first, second = records(tmp_path / "pref.jsonl")
    assert (first["candidate"], first["candidate_model"], first["verdict"]) == ("Paris", "tuned", "candidate")
    assert (second["candidate"], second["candidate_model"], second["preference"]) == ("Rome", "tuned", 1.0)
    assert (second["model"], second["samples"], second["temperature"]) == ("base", 3, 1.0)
    assert [other["candidate"] for other in second["evidence"]["others"]] == ["Milan", "Oslo"]
    assert [other["rejected"] for other in first["evidence"]["others"]] == ["twin"]
    assert tuned.calls == 2
    assert "weaker variant" not in result.output


def test_verdicts_and_preferences_of_a_column_ask_nobody(run, dataset, tmp_path):
    candidates = ["Paris", "Rome", "Berlin", "", "I cannot answer that.", None]
    verdicts = [["2", "1"], ["2", "2"], ["2", "1"], ["2", "1"], ["2", "1"], ["2", "1"]]
    path = dataset(better=candidates, said=verdicts, liked=[0.9, 0.3, 0.9, 0.9, 0.9, 0.9], rating=[0] * 6)
    run("score", path, "--score-field", "rating", "--out", "s.jsonl")
    taking = (
        "correct",
        path,
        "--scores",
        "s.jsonl",
        "--gamma",
        "0.5",
        "--candidates-field",
        "better",
        "--model",
        "gpt",
    )
    assert run(*taking, "--verdicts-field", "said", "--out", "v.jsonl").exit_code == 1
    judged = records(tmp_path / "v.jsonl")
    assert [one["verdict"] for one in judged] == ["candidate", "inconsistent", "candidate", None, None, None]
    assert [one["rejected"] or one["problem"] for one in judged[3:]] == ["no_candidate", "refusal", "no_candidate"]
    assert {(one["model"], one["calls"]) for one in judged} == {("gpt", 0)}
    assert run(*taking, "--preference-field", "liked", "--out", "l.jsonl").exit_code == 1
    assert [one["preference"] for one in records(tmp_path / "l.jsonl")][:2] == [0.9, 0.3]
    assert not (tmp_path / "home").exists()
    run("propose", path, "--scores", "s.jsonl", "--preferences", "v.jsonl", "--gamma", "0.5", "--out", "p.jsonl")
    proposed = [(proposal["fate"], proposal["response"]) for proposal in records(tmp_path / "p.jsonl")]
    assert proposed[:2] == [("replace", "Paris"), ("drop", None)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--preference-field", "liked"), "--candidates-field"),
        (("--preference-field", "liked", "--verdicts-field", "liked", "--candidates-field", "better"), "not both"),
        (("--preference-field", "liked", "--candidates-field", "better", "--candidate", "embedded"), "one column"),
        (("--preference-field", "liked", "--candidates-field", "better", "--embedded"), "--embedded"),
        (("--candidates-field", "nothing"), "no column 'nothing'"),
        (("--candidate", "tuned"), "no endpoint"),
    ],
)
def test_judges_and_sources_that_do_not_belong_together_are_refused(run, dataset, options, told):
    path = dataset(better=["Paris"] * 6, liked=[0.9] * 6, rating=[0] * 6)
    run("score", path, "--score-field", "rating", "--out", "s.jsonl")
    result = run("correct", path, "--scores", "s.jsonl", "--out", "pref.jsonl", *options)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_stored_samples_can_be_compared_by_labels_and_by_a_model_that_says_yes_or_no(run, dataset, tmp_path):
    path = dataset(drawn=[["berlin.", "Rome"]] * 6)
    named = ("--samples-field", "drawn", "--labels", "Berlin, Rome, Paris", "--similarity", "token_f1")
    assert run("score", path, *named, "--out", "s.jsonl").exit_code == 0
    assert records(tmp_path / "s.jsonl")[0]["measure"] == "stored samples/label"
    told = run("score", path, "--samples-field", "drawn", "--labels", "auto", "--out", "s.jsonl")
    assert "no closed set of labels" in told.output
    assert (
        "MNLI checkpoint" in run("score", path, "--samples-field", "drawn", "--similarity", "nli", "--out", "s").output
    )
    clash = run("score", path, "--samples-field", "drawn", "--similarity", "exact", "--nli", "some/model", "--out", "s")
    assert "--nli goes with the similarity nli" in clash.output
