"""`clear-review train` and `loop`: the whole of CLEAR in one command, here against the stub endpoint."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from serving import serving

from clear_core.cli import main
from clear_core.demo.places import places
from clear_core.llm.stub import StubEndpoint
from clear_core.llm.stub_tuning import StubTuning

KEY = "sk-test-0123456789"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CLEAR_API_KEY", KEY)
    return tmp_path


def run(*arguments: Any) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert KEY not in result.output
    return result


def file_of(folder: Path, rows: int = 24, wrong: int = 8) -> tuple[Path, dict[str, str]]:
    """A small set, and what an endpoint that knows better answers to its prompts."""
    given, _ = places(rows, wrong, 0)
    path = folder / "rows.jsonl"
    lines = [json.dumps({"id": row.id, "prompt": row.prompt, "response": row.response}) for row in given]
    path.write_text("\n".join(lines))
    return path, {row.prompt: row.right for row in given}


def test_the_loop_scores_filters_trains_corrects_and_trains_again(folder: Path) -> None:
    path, answers = file_of(folder)
    endpoint = StubEndpoint(answers)
    out = folder / "out"
    with serving(endpoint) as base_url:
        command = ["loop", path, "--out", out, "--base-url", base_url, "--model", "small", "--test", path]
        first = run(*command)
        assert first.exit_code == 0, first.output
        calls = endpoint.calls
        again = run(*command)
        assert again.exit_code == 0, again.output
        assert (endpoint.calls, len(endpoint.tuning.jobs), len(endpoint.tuning.files)) == (calls, 2, 2)
    report = json.loads((out / "loop.json").read_text())
    filtered, corrected = report["rounds"]
    assert filtered["trained"] == {"base_url": base_url, "model": "ft:small:stub::1", "adapter": ""}
    assert corrected["counts"]["replaced"] > 0
    trained_on = endpoint.tuning.files["file-2"]["content"].splitlines()
    exported = (out / "round-2" / "curated.jsonl").read_text().splitlines()
    assert [json.loads(line)["messages"][-1]["content"] for line in trained_on] == [
        json.loads(line)["response"] for line in exported
    ], "what is exported is what is trained on"
    assert [test["model"] for test in report["tests"]][1:] == ["tuned on the kept rows", "tuned on the corrected rows"]
    wrong = [line for line in exported if answers[json.loads(line)["prompt"]] != json.loads(line)["response"]]
    assert len(wrong) / len(exported) < 8 / 24
    assert {stage["stage"].split()[0] for stage in report["stages"]} >= {"Score", "Train", "Auto-Correct:", "Answer"}


def test_a_training_at_an_endpoint_is_written_down_and_not_paid_twice(folder: Path) -> None:
    path, _ = file_of(folder)
    endpoint = StubEndpoint()
    with serving(endpoint) as base_url:
        command = ["train", path, "--out", folder / "model", "--base-url", base_url, "--model", "small"]
        told = run(*command)
        assert told.exit_code == 0, told.output
        assert "ft:small:stub::1" in told.output
        assert run(*command).exit_code == 0
        assert len(endpoint.tuning.jobs) == 1
        other = run(*command, "--epochs", 5)
    assert other.exit_code == 2
    assert "not those that this training began with" in other.output
    trained = json.loads((folder / "model" / "trained.json").read_text())
    assert trained["model"]["model"] == "ft:small:stub::1"
    assert trained["facts"]["examples"] == 24
    assert KEY not in "".join(path.read_text() for path in (folder / "model").iterdir())


def test_a_failed_training_says_why(folder: Path) -> None:
    path, _ = file_of(folder)
    with serving(StubEndpoint(tuning=StubTuning(failing="The data was refused."))) as base_url:
        told = run("train", path, "--out", folder / "model", "--base-url", base_url, "--model", "small")
    assert told.exit_code == 2
    assert "The data was refused." in told.output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--base-url", "http://127.0.0.1:9/v1"], "go together"),
        (["--model", "small"], "go together"),
        (["--base", "here", "--base-url", "http://127.0.0.1:9/v1", "--model", "small"], "without --base"),
        (["--learning-rate", "0"], "learning rate"),
    ],
)
def test_options_that_contradict_each_other_are_refused(folder: Path, arguments: list[str], why: str) -> None:
    path, _ = file_of(folder)
    told = run("train", path, "--out", folder / "model", *arguments)
    assert told.exit_code == 2
    assert why in told.output


def test_rows_without_a_score_are_exported_but_never_learned(folder: Path) -> None:
    path, answers = file_of(folder)
    path.write_text(path.read_text() + '\n{"id": "blank", "prompt": "Where is it?", "response": ""}\n')
    endpoint = StubEndpoint(answers)
    with serving(endpoint) as base_url:
        told = run("loop", path, "--out", folder / "out", "--base-url", base_url, "--model", "small", "--gamma", "0")
    assert told.exit_code == 0, told.output
    report = json.loads((folder / "out" / "loop.json").read_text())
    assert report["rounds"][0]["counts"]["unscored"] == 1
    assert (report["rounds"][0]["examples"], report["rows"]) == (24, 25)
    assert "Where is it?" in (folder / "out" / "round-1" / "curated.jsonl").read_text()
    assert "Where is it?" not in endpoint.tuning.files["file-1"]["content"]


def test_the_loops_own_set_has_errors_in_a_third_and_a_test_part_of_its_own() -> None:
    given, test = places()
    assert (len(given), len(test)) == (96, 60)
    assert 30 <= sum(row.response != row.right for row in given) <= 32
    assert all(row.response == row.right for row in test)
    assert not {row.prompt for row in given} & {row.prompt for row in test}
    assert places() == (given, test)
    assert isinstance(json.loads(given[0].response), dict)
