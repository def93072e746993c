"""What goes in comes out: untouched rows byte for byte, replaced rows changed in the response alone."""

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from io_kit import FATES, TEXT, alpaca_records, csv_records, curate, outcomes, put, read

from clear_core.io import FieldMap

ALPACA = FieldMap("alpaca", "instruction", response="output")
TABLE = FieldMap("prompt_response", "prompt", response="response")
BOM = "\ufeff"
folder_is_shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def expected(records, fates, texts):
    """What must be left of each record: (before, what may be spelled anew or None, after, response)."""
    left = []
    for record, fate, text in zip(records, fates, texts, strict=True):
        if fate == "drop":
            continue
        changed = fate == "replace" and text != record.response
        left.append((record, text if changed else None))
    return left


def check_records(parts, left, parse):
    """Every written part is its record, with only the response changed where it was replaced."""
    assert len(parts) == len(left)
    for part, (record, text) in zip(parts, left, strict=True):
        if text is None:
            assert part == record.text
        else:
            assert part.startswith(record.before)
            assert part.endswith(record.after)
            assert parse(part[len(record.before) : len(part) - len(record.after)]) == text


def check_counts(counts, fates):
    assert counts.kept == fates.count("keep")
    assert counts.replaced == fates.count("replace")
    assert counts.dropped == fates.count("drop")
    assert counts.unscored == fates.count("unscored") + fates.count(None)
    assert counts.rejected == 0
    assert counts.records == len(fates)


@st.composite
def with_fates(draw, record):
    records = draw(st.lists(record, min_size=1, max_size=6))
    size = len(records)
    fates = draw(st.lists(FATES, min_size=size, max_size=size))
    texts = draw(st.lists(TEXT, min_size=size, max_size=size))
    return records, fates, texts


@folder_is_shared
@given(
    job=with_fates(alpaca_records()),
    eol=st.sampled_from(["\n", "\r\n"]),
    blank=st.sampled_from(["", "\n", " \r\n"]),
    bom=st.sampled_from(["", BOM]),
    final=st.booleans(),
)
def test_jsonl_changes_only_what_was_decided(tmp_path, *, job, eol, blank, bom, final):
    records, fates, texts = job
    lines = [record.text + eol for record in records]
    if not final:
        lines[-1] = lines[-1].removesuffix(eol)
    data = bom + blank + blank.join(lines)
    source = put(tmp_path, "a.jsonl", data.encode())
    examples, problems = read(source, ALPACA)
    assert not problems
    assert [example.response for example in examples] == [record.response for record in records]

    written, counts = curate(source, outcomes(examples, fates, texts), field_map=ALPACA)
    check_counts(counts, fates)
    left = expected(records, fates, texts)
    stripped = [line.removesuffix("\r") for line in written.decode().removeprefix(bom).split("\n") if line.strip()]
    check_records(stripped, left, json.loads)
    assert written.decode().startswith(bom)
    if set(fates) <= {"keep", "unscored", None}:
        assert written == data.encode()


@folder_is_shared
@given(
    job=with_fates(alpaca_records()),
    layout=st.sampled_from(["[{}]", "[\n  {}\n]\n", " [ {} ] \r\n", BOM + "[{}]"]),
    comma=st.sampled_from([",", ",\n  ", " , ", "\r\n,"]),
)
def test_json_array_changes_only_what_was_decided(tmp_path, job, layout, comma):
    records, fates, texts = job
    head, tail = layout.split("{}")
    source = put(tmp_path, "a.json", (head + comma.join(record.text for record in records) + tail).encode())
    examples, problems = read(source, ALPACA)
    assert not problems
    assert [example.response for example in examples] == [record.response for record in records]

    written, counts = curate(source, outcomes(examples, fates, texts), field_map=ALPACA)
    check_counts(counts, fates)
    text = written.decode()
    assert text.startswith(head)
    assert text.endswith(tail)
    json.loads(text.removeprefix(BOM))
    rest = text[len(head) : len(text) - len(tail)]
    for number, (record, replaced) in enumerate(expected(records, fates, texts)):
        rest = rest.removeprefix(comma) if number else rest
        end = len(record.text)
        if replaced is not None:
            start = len(record.before)
            assert rest.startswith(record.before)
            said, size = json.JSONDecoder().raw_decode(rest[start:])
            assert said == replaced
            end = start + size + len(record.after)
            assert rest[:end].endswith(record.after)
        else:
            assert rest[:end] == record.text
        rest = rest[end:]
    assert rest == ""


@folder_is_shared
@given(
    data=st.data(),
    delimiter=st.sampled_from([",", ";", "\t"]),
    eol=st.sampled_from(["\n", "\r\n"]),
    blank=st.booleans(),
    bom=st.sampled_from(["", BOM]),
    final=st.booleans(),
)
def test_csv_changes_only_what_was_decided(tmp_path, *, data, delimiter, eol, blank, bom, final):
    records, fates, texts = data.draw(with_fates(csv_records(delimiter)))
    header = bom + delimiter.join(["prompt", "response", "extra"]) + eol
    gap = eol if blank else ""
    lines = [record.text + eol for record in records]
    if not final:
        lines[-1] = lines[-1].removesuffix(eol)
    whole = header + gap + gap.join(lines)
    source = put(tmp_path, "a.csv", whole.encode())
    examples, problems = read(source, TABLE)
    assert not problems
    assert [example.response for example in examples] == [record.response for record in records]

    written, counts = curate(source, outcomes(examples, fates, texts), field_map=TABLE)
    check_counts(counts, fates)
    if set(fates) <= {"keep", "unscored", None}:
        assert written == whole.encode()
    rest = written.decode().removeprefix(header)
    for record, replaced in expected(records, fates, texts):
        while rest.startswith(eol):
            rest = rest.removeprefix(eol)
        if replaced is None:
            assert rest.startswith(record.text)
            rest = rest.removeprefix(record.text)
        else:
            assert rest.startswith(record.before)
            rest = rest.removeprefix(record.before)
            cell = next(csv.reader(io.StringIO(rest, newline=""), delimiter=delimiter, strict=True))[0]
            assert cell == replaced
            quoted = '"' + cell.replace('"', '""') + '"'
            rest = rest.removeprefix(quoted if rest.startswith('"') else cell)
            assert rest.startswith(record.after)
            rest = rest.removeprefix(record.after)
        rest = rest.removeprefix(eol)
    assert rest.replace(eol, "") == ""


def test_a_response_inside_json_inside_csv_is_replaced_alone(tmp_path):
    cell = '[{""role"": ""user"", ""content"": ""4""}, {""role"":""assistant"",  ""content"":""1.50""}]'
    source = put(tmp_path, "chat.csv", f'id,messages,n\r\n007,"{cell}",NA\r\n8,"{cell}",\r\n'.encode())
    examples, _ = read(source)
    written, _ = curate(source, outcomes(examples, ["replace", "keep"], ['say "hi"', ""]))
    changed = cell.replace('""1.50""', r'""say \""hi\""""')
    assert written == f'id,messages,n\r\n007,"{changed}",NA\r\n8,"{cell}",\r\n'.encode()
    again, problems = read(put(tmp_path, "again.csv", written))
    assert not problems
    assert [example.response for example in again] == ['say "hi"', "1.50"]
    assert [example.id for example in again] == ["007", "8"]
    assert again[0].meta["n"] == "NA"


def test_numbers_and_escapes_of_untouched_columns_survive_a_replacement(tmp_path):
    line = '{"n": 1.50, "big": 123456789012345678901234567890, "s":"\\u00e9\\/", "output" : "a", "instruction":"b" }\n'
    source = put(tmp_path, "a.jsonl", line.encode())
    examples, _ = read(source)
    written, _ = curate(source, outcomes(examples, ["replace"], ["é"]))
    assert written.decode() == line.replace('"a"', '"é"')


def test_a_cell_that_a_spreadsheet_would_run_is_left_alone(tmp_path):
    data = b"prompt,response\n=1+1,@cmd\n-2,+3\n"
    source = put(tmp_path, "a.csv", data)
    examples, _ = read(source)
    written, _ = curate(source, outcomes(examples, ["replace", "keep"], ["=2+2", ""]))
    assert written == b"prompt,response\n=1+1,=2+2\n-2,+3\n"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_dropped_row_is_gone_and_nothing_else(tmp_path, name):
    rows = [{"prompt": f"p{n}", "response": f"r{n}"} for n in range(4)]
    made = {
        "a.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "a.json": json.dumps(rows, indent=2),
        "a.csv": "prompt,response\n" + "".join(f"{row['prompt']},{row['response']}\n" for row in rows),
    }
    source = put(tmp_path, name, made[name].encode())
    examples, _ = read(source)
    for gone in range(4):
        fates = ["drop" if n == gone else "keep" for n in range(4)]
        written, counts = curate(source, outcomes(examples, fates, [""] * 4))
        left, problems = read(put(tmp_path, f"left-{name}", written))
        assert not problems
        assert [example.response for example in left] == [f"r{n}" for n in range(4) if n != gone]
        assert (counts.dropped, counts.written) == (1, 3)


@pytest.mark.parametrize("shift", range(5))
def test_nothing_is_torn_where_an_array_is_read_in_pieces(tmp_path, shift):
    rows = [{"prompt": "x" * shift, "response": "\u20ac\U0001f600" * 40_000, "n": n} for n in range(3)]
    whole = json.dumps(rows, ensure_ascii=False)
    source = put(tmp_path, "a.json", whole.encode())
    examples, problems = read(source)
    assert not problems
    assert [example.response for example in examples] == [row["response"] for row in rows]
    assert curate(source, [])[0] == whole.encode()

    numbers = "[" + " " * shift + ",".join(["1234567"] * 80_000) + "]"
    _, problems = read(put(tmp_path, "b.json", numbers.encode()), TABLE)
    assert {problem.raw for problem in problems} == {"1234567"}
    assert len(problems) == 80_000
