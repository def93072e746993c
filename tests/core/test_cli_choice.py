"""Which model an option names, and which key goes where: a key goes to no endpoint that it may not be meant for."""

from dataclasses import replace

import pytest

from clear_core.cli_choice import chosen_model, keys_for, label_of, sources_of
from clear_core.errors import InputError, SettingsError
from clear_core.settings import read_settings
from clear_core.types import CandidateSource, ModelRef

HERE, THERE, ELSEWHERE = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", "http://127.0.0.1:3/v1"
JUDGE = ModelRef(HERE, "base")
KEYS = {"api_key": "sk-judge", "candidate_api_key": "sk-writer"}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("CLEAR_API_KEY", "OPENAI_API_KEY", "CLEAR_CANDIDATE_API_KEY", "CLEAR_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLEAR_DATA_DIR", str(tmp_path))
    return read_settings()


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("embedded", ModelRef()),
        ("embedded+out/adapter", ModelRef(adapter="out/adapter")),
        (f"tuned@{THERE}/", ModelRef(THERE, "tuned")),
        (f"claude@2026@{THERE}", ModelRef(THERE, "claude@2026")),
        ("ft:gpt:mine", ModelRef(HERE, "ft:gpt:mine")),
        ("claude@2026", ModelRef(HERE, "claude@2026")),
    ],
)
def test_a_source_is_named_in_one_word(text, model):
    assert sources_of([text], [], JUDGE) == (CandidateSource(model),)


def test_columns_and_models_compete():
    sources = sources_of(["tuned", "embedded"], ["gpt4"], JUDGE)
    assert [source.column for source in sources] == ["", "", "gpt4"]
    with pytest.raises(InputError, match="twice"):
        sources_of(["embedded", "embedded"], [], JUDGE)


@pytest.mark.parametrize("text", ["tuned", f"@{THERE}", "embedded+", ""])
def test_a_source_without_an_endpoint_is_refused(text):
    with pytest.raises(InputError, match="no endpoint"):
        sources_of([text], [], ModelRef())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"embedded": True, "model": "m"}, "--embedded"),
        ({"adapter": "dir", "base_url": HERE}, "--adapter"),
        ({"model": "m"}, "--base-url"),
        ({"base_url": HERE}, "model name"),
    ],
)
def test_options_that_contradict_each_other_are_refused(settings, options, told):
    with pytest.raises(InputError) as raised:
        chosen_model(settings, **({"embedded": False, "base_url": None, "model": None} | options))
    assert told in f"{raised.value.message} {raised.value.hint}"


def test_the_model_of_the_environment_stands_behind_the_options(settings):
    there = replace(settings, base_url=f"{HERE}/", model="base")
    nothing = {"base_url": None, "model": None}
    assert chosen_model(there, embedded=False, **nothing) == JUDGE
    assert chosen_model(there, embedded=True, **nothing) == ModelRef()
    assert chosen_model(there, embedded=False, adapter="dir", **nothing) == ModelRef(adapter="dir")
    assert "dir" in label_of(ModelRef(adapter="dir"))


@pytest.mark.parametrize(
    ("given", "judge", "others", "expected"),
    [
        ({"api_key": "sk-judge"}, JUDGE, [ModelRef(THERE, "w")], {HERE: "sk-judge", THERE: ""}),
        (KEYS, JUDGE, [ModelRef(THERE, "w"), ModelRef()], {HERE: "sk-judge", THERE: "sk-writer"}),
        (KEYS, JUDGE, [ModelRef(HERE, "tuned")], {HERE: "sk-judge"}),
        ({"api_key": "sk-only"}, ModelRef(), [ModelRef(THERE, "w")], {THERE: "sk-only"}),
        ({"api_key": "sk-only"}, None, [ModelRef(THERE, "w")], {THERE: "sk-only"}),
        (KEYS | {"api_keys": {f"{HERE}/": "sk-h"}}, JUDGE, [ModelRef(THERE, "w")], {HERE: "sk-h", THERE: "sk-writer"}),
        ({}, JUDGE, [ModelRef(THERE, "w"), ModelRef(ELSEWHERE, "w")], {THERE: "", ELSEWHERE: ""}),
    ],
)
def test_each_endpoint_gets_its_own_key(settings, given, judge, others, expected):
    assert keys_for(replace(settings, **given), judge, others) == expected


def test_a_key_that_could_be_meant_for_two_endpoints_goes_to_neither(settings):
    others = [ModelRef(THERE, "w"), ModelRef(ELSEWHERE, "w")]
    with pytest.raises(InputError, match="several endpoints") as raised:
        keys_for(replace(settings, **KEYS), JUDGE, others)
    assert "sk-" not in str(raised.value)
    named = replace(settings, **KEYS, api_keys={ELSEWHERE: "sk-third"})
    assert keys_for(named, JUDGE, others)[THERE] == "sk-writer"


@pytest.mark.parametrize("text", ["sk-canary", '["sk-canary"]', '{"url": 1}', "{"])
def test_keys_that_cannot_be_read_are_told_without_being_shown(settings, monkeypatch, text):
    monkeypatch.setenv("CLEAR_API_KEYS", text)
    with pytest.raises(SettingsError) as raised:
        read_settings()
    assert "canary" not in str(raised.value)
    monkeypatch.setenv("CLEAR_API_KEYS", '{"http://127.0.0.1:1/v1": "sk-canary"}')
    assert "canary" not in repr(read_settings())
    assert read_settings().api_keys == {HERE: "sk-canary"}
