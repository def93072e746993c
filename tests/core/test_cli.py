"""The command line, on a scripted endpoint over real HTTP: files in, files out, exit codes."""

import json

import pytest
from click.testing import CliRunner
from serving import serving

from clear_core.cli import main
from clear_core.llm.fake import FakeLikelihoodLLM
from clear_core.llm.openai_chat import OpenAIChat
from clear_core.llm.stub import StubEndpoint

ROWS = 30
ANSWERS = {f"What is the capital of land {n}?": f"The capital of land {n} is Town-{n * 7}." for n in range(ROWS)}
BAD = {n for n in range(ROWS) if n % 5 == 0}  # 20% of the responses belong to another prompt


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    keys = ("CLEAR_API_KEY", "CLEAR_CANDIDATE_API_KEY", "OPENAI_API_KEY")
    for name in (*keys, "CLEAR_BASE_URL", "OPENAI_BASE_URL", "CLEAR_MODEL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def dataset(tmp_path):
    responses = list(ANSWERS.values())
    rows = [
        {"id": f"q{n}", "prompt": prompt, "response": responses[(n + 11) % ROWS if n in BAD else n], "source": "test"}
        for n, prompt in enumerate(ANSWERS)
    ]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def endpoint():
    stub = StubEndpoint(ANSWERS, error_rate=0.1)
    with serving(stub) as stub.url:
        yield stub


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def at(stub):
    return ("--base-url", stub.url, "--model", "stub")


def test_the_whole_loop_at_twenty_per_cent_noise_leaves_less_noise(run, dataset, endpoint, tmp_path):
    """All of it at once: scored, corrected, proposed and exported, the wrong responses are gone."""
    assert run("score", dataset, "--out", "s.jsonl", *at(endpoint)).exit_code == 0
    assert run("correct", dataset, "--scores", "s.jsonl", "--out", "pref.jsonl", *at(endpoint)).exit_code == 0
    proposing = ("propose", dataset, "--scores", "s.jsonl", "--preferences", "pref.jsonl", "--out", "p.jsonl")
    assert run(*proposing).exit_code == 0
    assert run("export", dataset, "--proposals", "p.jsonl", "--out", "c.jsonl").exit_code == 0

    curated = {row["id"]: row for row in records(tmp_path / "c.jsonl")}
    truth = {f"q{n}": response for n, response in enumerate(ANSWERS.values())}
    assert len(curated) >= ROWS // 2
    assert all(row["response"] == truth[key] for key, row in curated.items())
    fates = {proposal["id"]: proposal["fate"] for proposal in records(tmp_path / "p.jsonl")}
    assert {f"q{n}" for n in BAD} <= {key for key, fate in fates.items() if fate in ("drop", "replace")}
    assert "replace" in fates.values()

    originals = dict(zip(truth, dataset.read_bytes().splitlines(keepends=True), strict=True))
    written = (tmp_path / "c.jsonl").read_bytes().splitlines(keepends=True)
    for line in written:
        key = json.loads(line)["id"]
        assert fates[key] == "replace" or line == originals[key]

    manifest = json.loads((tmp_path / "c.jsonl.manifest.json").read_text())
    assert manifest["counts"]["kept"] + manifest["counts"]["replaced"] == len(written)
    assert manifest["scoring"]["model"] == "stub"
    assert (manifest["policy"]["eta"], manifest["policy"]["scope"]) == (0.8, "low")
    both_orders = {"candidate_model": "stub", "judge": "stub", "preference_measure": "bsdetector/both-orders"}
    assert manifest["correction"] == both_orders


def test_scores_have_the_promised_keys(run, dataset, endpoint, tmp_path):
    run("score", dataset, "--out", "s.jsonl", "--limit", 3, "--samples", 2, *at(endpoint))
    for number, score in enumerate(records(tmp_path / "s.jsonl")):
        promised = "id row confidence consistency reflection measure model samples calls problem"
        assert set(promised.split()) <= score.keys()
        assert (score["id"], score["row"]) == (f"q{number}", number)
        assert 0 <= score["confidence"] <= 1
        assert (score["samples"], score["calls"]) == (2, 4)
        assert score["measure"].startswith("bsdetector/")


def test_a_stopped_command_goes_on_and_pays_nothing_twice(run, dataset, endpoint, tmp_path):
    first = run("score", dataset, "--out", "s.jsonl", "--max-calls", 50, *at(endpoint))
    assert first.exit_code == 1
    assert endpoint.calls == 50
    capped = [score for score in records(tmp_path / "s.jsonl") if score["problem"] == "capped"]
    assert 0 < len(capped) < ROWS
    assert all(score["confidence"] is None for score in capped)
    assert run("score", dataset, "--out", "s.jsonl", *at(endpoint)).exit_code == 0
    assert endpoint.calls == ROWS * 3  # two reflections, and five samples in one request
    assert run("score", dataset, "--out", "again.jsonl", *at(endpoint)).exit_code == 0
    assert endpoint.calls == ROWS * 3
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "s.jsonl").read_text()


def test_stopping_early_draws_less_and_changes_no_decision(run, dataset, endpoint, tmp_path):
    """Both draw the same samples: the ledger gives those of the full run to the one that stops early."""
    early = ("--stop-early", "share:0.8", "--pilot", 10)
    assert run("score", dataset, "--out", "full.jsonl", *at(endpoint)).exit_code == 0
    told = run("score", dataset, "--out", "early.jsonl", *early, *at(endpoint))
    assert told.exit_code == 0, told.output
    ones, others = records(tmp_path / "full.jsonl"), records(tmp_path / "early.jsonl")
    gamma = next(other["evidence"]["stopped"]["gamma"] for other in others if "stopped" in other["evidence"])
    assert [one["confidence"] >= gamma for one in ones] == [other["confidence"] >= gamma for other in others]
    stopped = [(one, other) for one, other in zip(ones, others, strict=True) if other["lower"] is not None]
    assert 10 <= len(stopped) <= ROWS - 10
    assert all(other["lower"] <= one["confidence"] <= other["upper"] for one, other in stopped)
    assert sum(other["samples"] for other in others) < sum(one["samples"] for one in ones)


def test_another_gamma_than_sampling_stopped_at_tells_which_rows_it_leaves_open(run, dataset, tmp_path):
    stopped = {"lower": 0.3, "upper": 0.65, "confidence": 0.4, "evidence": {"stopped": {"gamma": 0.7}}}
    rows = [{"id": f"q{row}", "row": row, "confidence": row / ROWS} for row in range(ROWS)]
    scores = [row | stopped if row["row"] < 3 else row for row in rows]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(score) + "\n" for score in scores))
    made = ("propose", dataset, "--scores", "s.jsonl", "--out", "p.jsonl")
    told = run(*made, "--gamma", "0.5")
    assert "3 rows whose sampling stopped early might lie on the other side of gamma 0.5" in told.output
    assert "--gamma 0.7 decides every one" in told.output
    assert "stopped early" not in run(*made, "--gamma", "0.7").output


def test_samples_can_be_asked_for_one_by_one_and_letters_counted_as_sampled(run, dataset, endpoint, tmp_path):
    plain = ("--one-by-one", "--sampled-letters", "--temperature", 0.5, "--limit", 2)
    assert run("score", dataset, "--out", "s.jsonl", *plain, *at(endpoint)).exit_code == 0
    assert endpoint.calls == 2 * 7
    for score in records(tmp_path / "s.jsonl"):
        assert score["temperature"] == 0.5
        assert [reflection["by"] for reflection in score["evidence"]["reflections"]] == ["letter"] * 2


def test_the_embedded_model_with_an_adapter_writes_and_an_endpoint_judges(
    run, dataset, endpoint, tmp_path, monkeypatch
):
    run("score", dataset, "--out", "s.jsonl", *at(endpoint))
    worn = []

    def wear(_tell, *, adapter):
        worn.append(adapter)
        return FakeLikelihoodLLM(ANSWERS, model=f"small + {adapter.name}" if adapter else "small")

    monkeypatch.setattr("clear_core.cli_runs.EmbeddedModel", wear)
    writers = ("--candidate", "embedded", "--candidate", f"embedded+{tmp_path / 'tuned'}", "--limit", 1)
    assert run("correct", dataset, "--scores", "s.jsonl", "--out", "p.jsonl", *writers, *at(endpoint)).exit_code == 0
    assert worn == [None, tmp_path / "tuned"]
    preference = records(tmp_path / "p.jsonl")[0]
    assert (preference["model"], preference["measure"]) == ("stub", "bsdetector/both-orders")
    assert (preference["candidate_model"], preference["verdict"]) == ("small", "candidate")
    assert preference["evidence"]["others"][0]["candidate_model"] == "small + tuned"
    assert run("score", dataset, "--adapter", "tuned", "--limit", 1, "--out", "a.jsonl").exit_code == 0
    assert records(tmp_path / "a.jsonl")[0]["model"] == "small + tuned"


def test_a_gamma_that_is_a_number_needs_no_pilot(run, dataset, endpoint):
    told = run("score", dataset, "--out", "s.jsonl", "--stop-early", "0.5", *at(endpoint))
    assert told.exit_code == 0
    assert "Pilot" not in told.output
    assert run("score", dataset, "--out", "s.jsonl", "--stop-early", "soon", *at(endpoint)).exit_code == 2


def test_rows_that_fail_are_written_unscored_and_stay_in_the_export(run, dataset, tmp_path):
    stub = StubEndpoint(ANSWERS, fault="refusal")
    with serving(stub) as stub.url:
        assert run("score", dataset, "--out", "s.jsonl", "--limit", 4, *at(stub)).exit_code == 1
    scores = records(tmp_path / "s.jsonl")
    assert [score["problem"] for score in scores] == ["refused"] * 4
    assert [score["confidence"] for score in scores] == [None] * 4
    assert run("propose", dataset, "--scores", "s.jsonl", "--out", "p.jsonl").exit_code == 1
    assert {proposal["fate"] for proposal in records(tmp_path / "p.jsonl")} == {"unscored"}
    assert run("export", dataset, "--proposals", "p.jsonl", "--out", "c.jsonl").exit_code == 1
    assert (tmp_path / "c.jsonl").read_bytes() == dataset.read_bytes()


def test_a_refused_key_stops_at_once_and_is_never_shown(run, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-7731")
    stub = StubEndpoint(ANSWERS, fault="unauthorised")
    with serving(stub) as stub.url:
        result = run("score", dataset, "--out", "s.jsonl", "--concurrency", 1, *at(stub))
    assert result.exit_code == 2
    assert "canary" not in result.output
    assert stub.calls <= 7
    assert not (tmp_path / "s.jsonl").exists()
    for file in (tmp_path / "home").rglob("*"):
        assert file.is_dir() or b"canary" not in file.read_bytes()


@pytest.mark.parametrize(
    ("keys", "judges", "writers"),
    [
        ({"CLEAR_API_KEY": "sk-judge"}, "sk-judge", ""),
        ({"CLEAR_API_KEY": "sk-judge", "CLEAR_CANDIDATE_API_KEY": "sk-writer"}, "sk-judge", "sk-writer"),
        ({"OPENAI_API_KEY": "sk-only"}, None, "sk-only"),
    ],
)
def test_the_judges_key_goes_to_no_other_endpoint(run, dataset, endpoint, monkeypatch, keys, judges, writers):
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    run("score", dataset, "--out", "s.jsonl", *at(endpoint))
    opened = []

    def connect(base_url, model, api_key):
        opened.append((base_url, api_key))
        return OpenAIChat(base_url, model, api_key)

    monkeypatch.setattr("clear_core.cli_runs.OpenAIChat", connect)
    monkeypatch.setattr("clear_core.cli_runs.EmbeddedModel", lambda *_, **__: FakeLikelihoodLLM(ANSWERS))
    other = StubEndpoint(ANSWERS)
    with serving(other) as other.url:
        asked = ("--candidate-base-url", other.url, "--candidate-model", "tuned", "--limit", 1)
        judge = at(endpoint) if judges else ()
        result = run("correct", dataset, "--scores", "s.jsonl", "--out", "pref.jsonl", *judge, *asked)
    assert result.exit_code == 0, result.output
    assert opened == ([(endpoint.url, judges)] if judges else []) + [(other.url, writers)]


def test_a_persons_decision_beats_the_proposal(run, dataset, endpoint, tmp_path):
    run("score", dataset, "--out", "s.jsonl", *at(endpoint))
    run("propose", dataset, "--scores", "s.jsonl", "--gamma", "share:0.8", "--out", "p.jsonl")
    dropped = next(p for p in records(tmp_path / "p.jsonl") if p["fate"] == "drop")
    kept = next(p for p in records(tmp_path / "p.jsonl") if p["fate"] == "keep")
    made = [
        {"uid": "1", "id": dropped["id"], "row": dropped["row"], "action": "reject", "fate": "keep"},
        {"uid": "2", "id": kept["id"], "row": kept["row"], "action": "edit", "fate": "replace", "response": "mine"},
    ]
    lines = [json.dumps(decision | {"reviewer": "ann", "at": "2026-01-01T00:00:00Z"}) for decision in made]
    (tmp_path / "d.jsonl").write_text("\n".join(lines))
    arguments = ("--proposals", "p.jsonl", "--decisions", "d.jsonl", "--format", "openai", "--out", "c.jsonl")
    assert run("export", dataset, *arguments).exit_code == 0
    said = {row["messages"][0]["content"]: row["messages"][-1]["content"] for row in records(tmp_path / "c.jsonl")}
    prompts = list(ANSWERS)
    assert prompts[dropped["row"]] in said
    assert said[prompts[kept["row"]]] == "mine"
    assert json.loads((tmp_path / "c.jsonl.manifest.json").read_text())["decisions"] == 2


def test_inspect_names_each_bad_row(run, tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text('{"prompt": "a", "response": "b"}\nnot json\n{"prompt": "c", "response": 4}\n')
    result = run("inspect", path, "--json")
    told = json.loads(result.output)
    assert result.exit_code == 0
    assert (told["rows"], told["examples"], told["shape"]) == (3, 1, "prompt_response")
    assert [(p["row"], p["field"]) for p in told["problems"]] == [(1, ""), (2, "response")]
    assert "row 2, response" in run("inspect", path).output


def test_propose_says_how_many_rows_it_leaves_out(run, dataset, endpoint, tmp_path):
    good = dataset.read_text()
    dataset.write_text(good + "not json\n")
    scores = tmp_path / "s.jsonl"
    run("score", dataset, "--out", scores, "--limit", 4, *at(endpoint))
    proposed = run("propose", dataset, "--scores", scores, "--out", tmp_path / "p.jsonl")
    assert "1 row of data.jsonl can't be read and so left out" in proposed.stderr


def test_columns_can_be_mapped(run, dataset, endpoint, tmp_path):
    rows = [{"id": row["id"], "frage": row["prompt"], "antwort": row["response"]} for row in records(dataset)]
    path = tmp_path / "foreign.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("inspect", path).exit_code == 2
    mapping = ("--map", "prompt=frage", "--map", "response=antwort")
    assert run("inspect", path, *mapping).exit_code == 0
    assert run("score", path, "--out", "s.jsonl", "--limit", 2, *mapping, *at(endpoint)).exit_code == 0
    assert [score["id"] for score in records(tmp_path / "s.jsonl")] == ["q0", "q1"]
    assert "no column 'nope'" in run("inspect", path, "--map", "prompt=nope").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("score", "data.jsonl", "--out", "s.jsonl", "--base-url", "http://127.0.0.1:1/v1"), "model name"),
        (("score", "data.jsonl", "--out", "s.jsonl", "--model", "m"), "--base-url"),
        (("score", "data.jsonl", "--out", "s.jsonl", "--embedded", "--model", "m"), "--embedded"),
        (("score", "missing.jsonl", "--out", "s.jsonl"), "missing.jsonl"),
        (("propose", "data.jsonl", "--scores", "data.jsonl", "--out", "p.jsonl"), "data.jsonl, line 1"),
        (("propose", "data.jsonl", "--scores", "empty.jsonl", "--out", "p.jsonl", "--gamma", "lots"), "gamma"),
        (("export", "data.jsonl", "--proposals", "missing.jsonl", "--out", "c.jsonl"), "missing.jsonl"),
        (("score", "empty.jsonl", "--out", "s.jsonl"), "empty.jsonl"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(run, dataset, tmp_path, arguments, told):
    (tmp_path / "empty.jsonl").write_text("")
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_scores_of_another_file_are_refused(run, dataset, endpoint, tmp_path):
    run("score", dataset, "--out", "s.jsonl", "--limit", 3, *at(endpoint))
    other = tmp_path / "other.jsonl"
    other.write_text("".join(dataset.read_text().splitlines(keepends=True)[5:]))
    result = run("propose", other, "--scores", "s.jsonl", "--out", "p.jsonl")
    assert result.exit_code == 2
    assert "'q0'" in result.output


def test_the_ties_that_a_share_cuts_are_told(run, tmp_path):
    rows = [{"prompt": f"p{n}", "response": "r", "samples": ["r"]} for n in range(6)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("score", "d.jsonl", "--samples-field", "samples", "--out", "s.jsonl").exit_code == 0
    result = run("propose", "d.jsonl", "--scores", "s.jsonl", "--out", "p.jsonl")
    assert "3 rows below gamma tied with kept ones in confidence" in result.output
    assert [p["fate"] for p in records(tmp_path / "p.jsonl")].count("keep") == 3


def test_the_demo_writes_all_six_files(run, tmp_path):
    result = run("demo", "--out", "demo")
    assert result.exit_code == 0
    names = "dataset.jsonl scores.jsonl preferences.jsonl proposals.jsonl curated.jsonl curated.jsonl.manifest.json"
    assert {file.name for file in (tmp_path / "demo").iterdir()} == set(names.split())
    counts = json.loads((tmp_path / "demo/curated.jsonl.manifest.json").read_text())["counts"]
    assert counts["kept"] + counts["dropped"] + counts["replaced"] == len(records(tmp_path / "demo/dataset.jsonl"))


def test_the_help_tells_exit_codes_and_what_a_cell_of_verdicts_looks_like(run):
    told = " ".join(run("--help").output.split())
    for code in ("0 done", "1 finished", "2 unusable", "130 stopped"):
        assert code in told
    assert '["2", "1"]' in " ".join(run("correct", "--help").output.split())
