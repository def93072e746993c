"""Every supported shape: what is prompt, what is response, and what detection makes of it."""

import json

import pytest
from io_kit import curate, outcomes, put, read

from clear_core.errors import InputError
from clear_core.io import (
    FieldMap,
    Source,
    atomic_writer,
    curated_name,
    detect,
    manifest_path,
    read_columns,
    read_examples,
    read_preview,
)
from clear_core.types import Message, RowProblem

USER, BOT, SYSTEM, TOOL = "user", "assistant", "system", "tool"


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def turns(example):
    return [(message.role, message.content) for message in example.prompt]


SHAPES = {
    "alpaca": (
        {"instruction": "Add.", "input": "1 2", "output": "3"},
        FieldMap("alpaca", "instruction", input="input", response="output"),
        [(USER, "Add.\n\n1 2")],
        "3",
        1.0,
    ),
    "alpaca without input": (
        {"instruction": "Hi", "input": "", "output": "Ho"},
        FieldMap("alpaca", "instruction", input="input", response="output"),
        [(USER, "Hi")],
        "Ho",
        1.0,
    ),
    "alpaca with system and history": (
        {"instruction": "c", "output": "d", "system": "s", "history": [["a", "b"]], "id": 7},
        FieldMap("alpaca", "instruction", system="system", response="output", history="history", id="id"),
        [(SYSTEM, "s"), (USER, "a"), (BOT, "b"), (USER, "c")],
        "d",
        1.0,
    ),
    "prompt/response": (
        {"prompt": "a", "response": "b", "category": "x"},
        FieldMap("prompt_response", "prompt", response="response", category="category"),
        [(USER, "a")],
        "b",
        1.0,
    ),
    "prompt/completion": (
        {"prompt": "a", "completion": "b"},
        FieldMap("prompt_response", "prompt", response="completion"),
        [(USER, "a")],
        "b",
        1.0,
    ),
    "prompt/completion as turns": (
        {
            "prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}],
            "completion": [{"role": "assistant", "content": "b"}],
        },
        FieldMap("prompt_response", "prompt", response="completion"),
        [(SYSTEM, "s"), (USER, "a")],
        "b",
        1.0,
    ),
    "question/answer": (
        {"question": "a", "answer": "b"},
        FieldMap("prompt_response", "question", response="answer"),
        [(USER, "a")],
        "b",
        0.8,
    ),
    "query/response": (
        {"query": "a", "response": "b"},
        FieldMap("prompt_response", "query", response="response"),
        [(USER, "a")],
        "b",
        0.8,
    ),
    "instruction/context/response": (
        {"instruction": "a", "context": "p", "response": "b", "category": "qa"},
        FieldMap("alpaca", "instruction", input="context", response="response", category="category"),
        [(USER, "a\n\np")],
        "b",
        0.8,
    ),
    "context/response": (
        {"context": "a", "response": "b"},
        FieldMap("prompt_response", "context", response="response"),
        [(USER, "a")],
        "b",
        0.8,
    ),
    "instruction, context and question": (
        {"instruction": "Answer.", "context": "Rome fell.", "question": "Who fell?", "response": "Rome"},
        FieldMap("alpaca", "instruction", input="question", response="response", context="context"),
        [(USER, "Answer.\n\nRome fell.\n\nWho fell?")],
        "Rome",
        0.8,
    ),
    "names in capitals": (
        {"Prompt": "a", "Expected Output": "x", "Response": "b"},
        FieldMap("prompt_response", "Prompt", response="Response"),
        [(USER, "a")],
        "b",
        0.8,
    ),
    "messages": (
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "a"},
                {"role": BOT, "content": "b"},
            ]
        },
        FieldMap("messages", "messages"),
        [(SYSTEM, "s"), (USER, "a")],
        "b",
        1.0,
    ),
    "messages, many turns": (
        {
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": [{"type": "text", "text": "c"}, {"type": "text", "text": "d"}]},
                {"role": "assistant", "content": "e", "weight": 1},
                {"role": "user", "content": "thanks"},
            ]
        },
        FieldMap("messages", "messages"),
        [(USER, "a"), (BOT, "b"), (USER, "c\nd")],
        "e",
        1.0,
    ),
    "messages with tools": (
        {
            "messages": [
                {"role": "developer", "content": "s"},
                {"role": "user", "content": "time?"},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
                {"role": "tool", "content": "12:00", "tool_call_id": "1"},
                {"role": "assistant", "content": "noon"},
            ],
            "tools": [{"type": "function"}],
        },
        FieldMap("messages", "messages"),
        [(SYSTEM, "s"), (USER, "time?"), (BOT, '[{"id": "1"}]'), (TOOL, "12:00")],
        "noon",
        1.0,
    ),
    "sharegpt": (
        {
            "system": "s",
            "conversations": [
                {"from": "human", "value": "a"},
                {"from": "function_call", "value": "f()"},
                {"from": "observation", "value": "1"},
                {"from": "gpt", "value": "b"},
            ],
        },
        FieldMap("sharegpt", "conversations", system="system"),
        [(SYSTEM, "s"), (USER, "a"), (BOT, "f()"), (TOOL, "1")],
        "b",
        1.0,
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_detected_and_read(tmp_path, name):
    row, field_map, prompt, response, certainty = SHAPES[name]
    source = put(tmp_path, "a.jsonl", lines(row))
    detection = detect(source)
    assert detection.field_map == field_map
    assert detection.certainty == certainty
    assert detection.columns == tuple(row)
    assert "1 of the first 1 records" in detection.why
    (example,), problems = read(source)
    assert not problems
    assert turns(example) == prompt
    assert example.response == response
    used = set(field_map.text_columns)
    assert example.meta == {column: value for column, value in row.items() if column not in used}


@pytest.mark.parametrize("name", SHAPES)
def test_a_replaced_response_is_read_back_and_the_rest_of_the_row_is_equal(tmp_path, name):
    row, field_map, prompt, *_ = SHAPES[name]
    source = put(tmp_path, "a.jsonl", lines(row))
    examples, _ = read(source, field_map)
    written, counts = curate(source, outcomes(examples, ["replace"], ["NEW"]))
    assert counts.replaced == 1
    (again,), _ = read(put(tmp_path, "b.jsonl", written), field_map)
    assert again.response == "NEW"
    assert turns(again) == prompt
    assert again.meta == examples[0].meta
    assert len(written) - len("NEW") == len(lines(row)) - len(examples[0].response)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_becomes_openai_chat(tmp_path, name):
    row, field_map, prompt, response, _ = SHAPES[name]
    source = put(tmp_path, "a.jsonl", lines(row, row))
    examples, _ = read(source, field_map)
    written, counts = curate(source, outcomes(examples, ["keep", "replace"], ["", "NEW"]), to="openai")
    assert (counts.kept, counts.replaced) == (1, 1)
    again, problems = read(put(tmp_path, "b.jsonl", written), FieldMap("messages", "messages"))
    assert not problems
    assert [(turns(example), example.response) for example in again] == [(prompt, response), (prompt, "NEW")]
    last = [json.loads(line)["messages"][-1] for line in written.splitlines()]
    assert [message["role"] for message in last] == [BOT, BOT]
    if "tools" in row:
        assert all(json.loads(line)["tools"] == row["tools"] for line in written.splitlines())


BAD_TURNS = {
    "no assistant": ([{"role": "user", "content": "a"}], "no assistant turn"),
    "empty": ([], "no assistant turn"),
    "unknown role": ([{"role": "narrator", "content": "a"}], "unknown role 'narrator'"),
    "no role": ([{"content": "a"}], "has no role"),
    "not an object": (["a"], "Turn 1 of 'messages' is text"),
    "an image": (
        [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
            {"role": BOT, "content": "b"},
        ],
        "not text (image_url)",
    ),
    "a number": (
        [{"role": "user", "content": "a"}, {"role": BOT, "content": 4}],
        "content of turn 2 of 'messages' is a number",
    ),
    "null": ([{"role": BOT, "content": None}], "is null"),
    "a tool call last": ([{"role": BOT, "content": "x", "tool_calls": [{}]}], "calls a tool"),
    "text": ("hello", "no list of turns"),
    "an object": ({"role": BOT}, "an object, not a list of turns"),
    "null instead of turns": (None, "null, not a list of turns"),
}


@pytest.mark.parametrize("name", BAD_TURNS)
def test_turns_that_are_none_are_a_problem_of_their_row(tmp_path, name):
    value, reason = BAD_TURNS[name]
    source = put(tmp_path, "a.jsonl", lines({"messages": value}))
    _, (problem,) = read(source, FieldMap("messages", "messages"))
    assert problem.field == "messages"
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("history", "reason"), [("x", "no list"), ([["a"]], "Item 1"), ([["a", 1]], "Item 1"), ({"a": 1}, "an object")]
)
def test_a_history_that_is_none_is_a_problem(tmp_path, history, reason):
    row = {"instruction": "a", "output": "b", "history": history}
    _, (problem,) = read(put(tmp_path, "a.jsonl", lines(row)))
    assert (problem.field, reason in problem.reason) == ("history", True)


def test_a_preview_is_the_beginning_of_the_rows(tmp_path):
    source = put(tmp_path, "a.jsonl", lines(*({"prompt": str(n), "response": "r"} for n in range(9))) + b"bad\n")
    field_map = detect(source).field_map
    assert read_preview(source, field_map) == list(read_examples(source, field_map))[:5]
    assert isinstance(read_preview(source, field_map, 10)[9], RowProblem)


def test_detection_reads_only_a_prefix(tmp_path):
    good = lines({"prompt": "p", "response": "r"}) * 60
    assert "50 of the first 50" in detect(put(tmp_path, "a.jsonl", good + b"x\n" * 50)).why
    mixed = detect(put(tmp_path, "b.jsonl", lines({"prompt": "p", "response": "r"}) * 30 + b"x\n" * 30))
    assert mixed.certainty == pytest.approx(0.6)


def test_two_answers_in_a_row_make_detection_less_certain(tmp_path):
    detection = detect(put(tmp_path, "a.jsonl", lines({"prompt": "p", "response": "r", "answer": "a"})))
    assert detection.field_map.response == "response"
    assert detection.certainty == pytest.approx(0.75)


def test_columns_can_be_mapped_by_hand_where_no_shape_fits(tmp_path):
    source = put(tmp_path, "a.jsonl", lines({"frage": "a", "antwort": "b"}, {"frage": "c", "antwort": "d", "note": 1}))
    with pytest.raises(InputError, match="frage, antwort, note"):
        detect(source)
    assert read_columns(source) == ("frage", "antwort", "note")
    examples, _ = read(source, FieldMap("prompt_response", "frage", response="antwort"))
    assert [example.response for example in examples] == ["b", "d"]


def test_a_column_named_messages_that_holds_none_is_not_taken_for_turns(tmp_path):
    row = {"messages": "3 new", "instruction": "a", "output": "b"}
    assert detect(put(tmp_path, "a.jsonl", lines(row))).field_map.prompt == "instruction"


def test_a_file_without_any_readable_record_has_no_columns(tmp_path):
    with pytest.raises(InputError, match="none of the first 2 records"):
        read_columns(put(tmp_path, "a.jsonl", b"x\ny\n"))


@pytest.mark.parametrize(
    ("fault", "values"),
    [
        ("unknown", {"shape": "poem", "prompt": "a"}),
        ("No column is chosen for the prompt", {"shape": "messages", "prompt": ""}),
        ("No column is chosen for the response", {"shape": "alpaca", "prompt": "a"}),
        ("takes no response", {"shape": "messages", "prompt": "a", "response": "b"}),
        ("'a' is chosen twice", {"shape": "alpaca", "prompt": "a", "response": "a"}),
    ],
)
def test_a_field_map_that_cannot_work_is_refused(fault, values):
    with pytest.raises(InputError, match=fault):
        FieldMap(**values)
    with pytest.raises(InputError, match=fault):
        FieldMap.from_json(json.dumps(values))


def test_a_field_map_survives_json():
    field_map = FieldMap("alpaca", "frägе", input="b", response="c", system="s", history="h", id="i", category="k")
    assert FieldMap.from_json(field_map.to_json()) == field_map


@pytest.mark.parametrize("text", ["", "[]", '{"shape": "alpaca"}', '{"shape": "messages", "prompt": 1}', '{"x": "y"}'])
def test_a_text_that_is_no_field_map_is_refused(text):
    with pytest.raises(InputError, match="field map"):
        FieldMap.from_json(text)


def test_ids_are_the_rows_own_or_made_from_content_and_row(tmp_path):
    rows = [{"id": i, "prompt": "p", "response": "r"} for i in ("007", 7, 1.5, None, "")]
    source = put(
        tmp_path, "a.jsonl", lines(*rows, {"prompt": "p", "response": "r"}, {"id": [], "prompt": "p", "response": "r"})
    )
    examples, (problem,) = read(source)
    assert [example.id for example in examples[:3]] == ["007", "7", "1.5"]
    made = [example.id for example in examples[3:]]
    assert [one.partition("-")[2] for one in made] == ["3", "4", "5"]
    assert len({one.partition("-")[0] for one in made}) == 1
    assert (problem.row, problem.field) == (6, "id")


def test_an_empty_response_is_an_example_and_not_a_problem(tmp_path):
    (example,), problems = read(put(tmp_path, "a.jsonl", lines({"prompt": "p", "response": ""})))
    assert not problems
    assert (example.prompt, example.response) == ((Message("user", "p"),), "")


def test_outcomes_of_another_file_are_refused(tmp_path):
    source = put(tmp_path, "a.jsonl", lines(*({"prompt": str(n), "response": "r"} for n in range(3))) + b"bad\n")
    examples, _ = read(source)
    good = outcomes(examples, ["keep"] * 3, [""] * 3)
    other, _ = read(put(tmp_path, "b.jsonl", lines(*({"prompt": f"x{n}", "response": "r"} for n in range(5)))))
    wrong = outcomes(other, ["keep"] * 5, [""] * 5)
    for outs in (wrong, wrong[:1], wrong[3:4], [*good, wrong[4]], good[1:] + good[:1], [good[0], good[0]]):
        with pytest.raises(InputError):
            curate(source, outs)


@pytest.mark.parametrize(("text", "reason"), [("\ud800", "half of a character"), ("a\0", "NUL"), (None, "missing")])
def test_a_replacement_that_no_file_can_hold_is_refused(tmp_path, text, reason):
    source = put(tmp_path, "a.jsonl", lines({"prompt": "p", "response": "r"}))
    examples, _ = read(source)
    with pytest.raises(InputError, match=reason):
        curate(source, outcomes(examples, ["replace"], [text]))


@pytest.mark.parametrize(
    ("name", "same", "openai"),
    [
        ("a.jsonl", "a.curated.jsonl", "a.openai.jsonl"),
        ("a.b.csv.gz", "a.b.curated.csv", "a.b.openai.jsonl"),
        ("data.parquet", "data.curated.parquet", "data.openai.jsonl"),
        ("noname", "noname.curated", "noname.openai.jsonl"),
    ],
)
def test_the_curated_file_has_a_name_of_its_own(name, same, openai):
    assert (curated_name(name), curated_name(name, "openai")) == (same, openai)


@pytest.mark.parametrize("name", ["表" * 80 + ".jsonl", "a" * 250, "a." + "b" * 250, "a\0b.csv"])
def test_a_name_of_any_length_gives_one_that_a_file_system_takes(tmp_path, name):
    with atomic_writer(manifest_path(tmp_path / curated_name(name))) as file:
        file.write(b"{}")


def test_a_source_at_a_path_has_the_paths_name(tmp_path):
    assert Source.at(str(tmp_path / "x.csv")) == Source(tmp_path / "x.csv", "x.csv")
