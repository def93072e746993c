"""Hostile and broken files: the flaw is named where it stands, and every good row still comes through."""

import codecs
import gzip
import io
import json
import tracemalloc

import pytest
import zstandard
from io_kit import curate, put, read

from clear_core.errors import InputError
from clear_core.io import FieldMap, Source, detect, read_examples
from clear_core.io.unpacking import Unpacker
from clear_core.types import Example

MAP = FieldMap("prompt_response", "prompt", response="response")
GOOD = [b'{"prompt": "p0", "response": "r0"}', b'{"prompt": "p1", "response": "r1"}']

BAD_RECORDS = {
    "nan": (b'{"prompt": "p", "response": "r", "x": NaN}', "NaN is not JSON"),
    "infinity": (b'{"prompt": "p", "response": "r", "x": -Infinity}', "-Infinity is not JSON"),
    "beyond a double": (b'{"prompt": "p", "response": "r", "x": 1e999}', "too large"),
    "lone surrogate": (b'{"prompt": "p", "response": "\\ud83d"}', "half of a character"),
    "lone surrogate in a key": (b'{"prompt": "p", "response": "r", "\\uDC00": 1}', "half of a character"),
    "escaped NUL": (b'{"prompt": "p", "response": "a\\u0000b"}', "NUL"),
    "duplicate keys": (b'{"prompt": "p", "response": "r", "response": "s"}', "'response' stands twice"),
    "duplicate keys within": (b'{"prompt": "p", "response": "r", "x": {"y": 1, "y": 2}}', "'y' stands twice"),
    "300,000 deep": (
        b'{"prompt": "p", "response": "r", "x": ' + b"[" * 300_000 + b"]" * 300_000 + b"}",
        "levels deep",
    ),
    "101 deep": (b'{"prompt": "p", "response": "r", "x": ' + b"[" * 100 + b"]" * 100 + b"}", "levels deep"),
    "100,000 digits": (b'{"prompt": "p", "response": "r", "x": ' + b"9" * 100_000 + b"}", "100,000 digits"),
    "latin-1": ('{"prompt": "p", "response": "caf\u00e9"}'.encode("latin-1"), "(0xe9) is not UTF-8"),
    "surrogate in UTF-8": (b'{"prompt": "p", "response": "\xed\xa0\x80"}', "(0xed) is not UTF-8"),
    "not an object": (b'["p", "r"]', "is a list, not an object"),
    "null": (b"null", "is null, not an object"),
    "a bare word": (b"hello", "Not valid JSON"),
    "single quotes": (b"{'prompt': 'p', 'response': 'r'}", "Not valid JSON"),
    "unescaped quotes": (b'{"prompt": "p", "response": "he said "hi" there"}', "Not valid JSON"),
    "unbalanced quote": (b'{"prompt": "p", "response": "5" tall"}', "Not valid JSON"),
    "a missing brace": (b'{"prompt": "p", "response": "r"', "Not valid JSON"),
    "a missing bracket": (b'{"prompt": "p", "x": [1, 2, "response": "r"}', "Not valid JSON"),
    "an open string": (b'{"prompt": "p", "response": "r}', "Not valid JSON"),
    "a line break in a string": (b'{"prompt": "p", "response": "a\tb"}', "control character"),
    "number as response": (b'{"prompt": "p", "response": 4}', "'response' is a number (4), not text"),
    "null response": (b'{"prompt": "p", "response": null}', "'response' is null, not text"),
    "object as prompt": (b'{"prompt": {"a": 1}, "response": "r"}', "'prompt' is an object"),
    "missing response": (b'{"prompt": "p"}', "'response' is missing"),
    "too long": (b'{"prompt": "p", "response": "' + b"x" * 9_000_000 + b'"}', "bytes; at most"),
}


def check_good_rows_come_through(source, reason):
    examples, problems = read(source, MAP)
    assert [example.response for example in examples] == ["r0", "r1"]
    assert len(problems) == 1
    assert reason in problems[0].reason
    assert problems[0].reason.count(".") >= 2, "a hint follows the complaint"
    assert len(problems[0].raw) <= 64 * 1024
    problems[0].raw.encode()
    return problems[0]


@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_bad_line_is_named_and_the_lines_around_it_are_read(tmp_path, name):
    bad, reason = BAD_RECORDS[name]
    source = put(tmp_path, "a.jsonl", b"\n".join([GOOD[0], bad, GOOD[1]]))
    problem = check_good_rows_come_through(source, reason)
    assert problem.row == 1
    assert problem.raw.startswith(bad[:20].decode())
    written, counts = curate(source, [], field_map=MAP)
    assert written == GOOD[0] + b"\n" + GOOD[1]
    assert (counts.unscored, counts.rejected) == (2, 1)


@pytest.mark.parametrize("comma", [b",", b",\n  "])
@pytest.mark.parametrize("name", BAD_RECORDS)
def test_a_bad_record_of_an_array_is_named_and_those_around_it_are_read(tmp_path, name, comma):
    bad, reason = BAD_RECORDS[name]
    source = put(tmp_path, "a.json", b"[" + comma.join([GOOD[0], bad, GOOD[1]]) + b"]")
    check_good_rows_come_through(source, reason)
    written, _ = curate(source, [], field_map=MAP)
    assert json.loads(written) == [json.loads(record) for record in GOOD]


@pytest.mark.parametrize("first", [b'{"prompt": "p" "response": "r"}', b'{"prompt": "p", "response": "r"', b"nonsense"])
def test_the_first_record_of_an_array_may_be_the_bad_one(tmp_path, first):
    source = put(tmp_path, "a.json", b"[" + b", ".join([first, *GOOD]) + b"]")
    assert check_good_rows_come_through(source, "Not valid JSON").row == 0


def test_many_broken_records_in_an_array_cost_linear_time_and_lose_no_good_one(tmp_path):
    broken = b'{"prompt": "p", "response": "r"'
    source = put(tmp_path, "a.json", b"[" + b",".join([GOOD[0], broken] * 3000 + [GOOD[1]]) + b"]")
    examples, problems = read(source, MAP)
    assert (len(examples), len(problems)) == (3001, 3000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[%s %s]", "A comma is missing"),
        (b"[%s, %s,]", "followed by no record"),
        (b"[%s, %s", "never closed"),
        (b"[%s, %s] [1]", "after the end of the array"),
    ],
)
def test_flaws_between_the_records_of_an_array_are_problems_and_repaired_in_the_export(tmp_path, data, reason):
    source = put(tmp_path, "a.json", data % tuple(GOOD))
    check_good_rows_come_through(source, reason)
    written, counts = curate(source, [], field_map=MAP)
    assert json.loads(written) == [json.loads(record) for record in GOOD]
    assert counts.rejected == 1


BAD_CSV = {
    "too few fields": (b"p", "has 1 fields, the header 2"),
    "too many fields": (b"p,r,x", "has 3 fields, the header 2"),
    "latin-1": ("p,caf\u00e9".encode("latin-1"), "(0xe9) is not UTF-8"),
    "NUL": (b"p,a\0b", "NUL byte"),
    "text after a quoted field": (b'p,"r" x', "can't be split into fields"),
    "an open quote": (b'p,"r', "can't be split into fields"),
    "a carriage return": (b"p,r\rs", "can't be split into fields"),
    "too long": (b"p," + b"x" * 9_000_000, "bytes; at most"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_csv_record_is_named_and_those_around_it_are_read(tmp_path, name):
    bad, reason = BAD_CSV[name]
    source = put(tmp_path, "a.csv", b'prompt,response\np0,r0\n%s\n"p1",r1\n' % bad)
    assert check_good_rows_come_through(source, reason).row == 1
    written, _ = curate(source, [], field_map=MAP)
    assert written == b'prompt,response\np0,r0\n"p1",r1\n'


def test_an_open_quote_at_the_end_takes_no_row_with_it(tmp_path):
    rows = b"".join(b"p%d,r%d\n" % (n, n) for n in range(2, 5))
    source = put(tmp_path, "a.csv", b'prompt,response\np0,r0\np1,"r1\n' + rows)
    examples, problems = read(source, MAP)
    assert [example.response for example in examples] == ["r0", "r2", "r3", "r4"]
    assert [problem.row for problem in problems] == [1]
    assert "runs over 4 lines" in problems[0].reason


def test_a_piece_of_a_broken_csv_record_is_never_taken_for_a_row(tmp_path):
    source = put(tmp_path, "a.csv", b'prompt,response\np,"a\nb" x,c\nd"e,f\np0,r0\n')
    examples, problems = read(source, MAP)
    assert [example.response for example in examples] == ["r0"] or problems
    assert all('"' not in example.response for example in examples)
    assert "broken record above" in problems[1].reason


@pytest.mark.parametrize(
    ("header", "reason"),
    [(b"a,b,a", "Two columns are called 'a'"), (b"a\rb,c\r1,2\r", "carriage returns"), (b'"a,b', "header")],
)
def test_a_csv_header_that_cannot_be_used_is_refused(tmp_path, header, reason):
    with pytest.raises(InputError, match=reason):
        detect(put(tmp_path, "a.csv", header))


REFUSED = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "an object over lines": (b'{\n "prompt": "p",\n "response": "r"\n}', "one JSON object over several lines"),
    "utf-16": (codecs.BOM_UTF16_LE + '{"prompt": "p"}'.encode("utf-16-le"), "UTF-16"),
    "utf-16 without a mark": ('{"prompt": "p", "response": "r"}\n'.encode("utf-16-le"), "not UTF-8 text"),
    "utf-32": ('{"prompt": "p"}'.encode("utf-32"), "UTF-32"),
    "a workbook": (b"PK\x03\x04" + b"x" * 50, "ZIP archive or an Excel workbook"),
    "xz": (b"\xfd7zXZ\x00", "xz archive"),
    "half a Parquet file": (b"PAR1" + b"x" * 50, "no whole Parquet file"),
    "an empty array": (b"[]", "no records"),
    "only bad records": (b'{"a": 1\n{"a": 2', "none of the first|several lines"),
    "no known shape": (b'{"a": "x", "b": "y"}\n', "no known shape fits its columns: a, b"),
    "records inside": (b'{"data": [{"prompt": "p", "response": "r"}]}', "no known shape fits its columns: data"),
    "preference pairs": (b'{"prompt": "p", "chosen": "c", "rejected": "r"}', "preference pairs"),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD[0])), "is a gzip archive inside an archive"),
    "nothing of an archive": (gzip.compress(GOOD[0])[:5], "ends early"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("suffix", [".json", ".csv", ".txt", ".data.gz"])
def test_a_file_that_is_none_is_refused_whatever_its_name(tmp_path, name, suffix):
    data, reason = REFUSED[name]
    with pytest.raises(InputError, match=reason) as caught:
        detect(put(tmp_path, f"a{suffix}", data))
    assert caught.value.hint


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"missing\.jsonl can't be opened"):
        detect(Source.at(tmp_path / "missing.jsonl"))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json", "a.parquet", "a.tsv", "a"])
def test_the_bytes_decide_not_the_name(tmp_path, name):
    examples, _ = read(put(tmp_path, name, b"\n".join(GOOD)))
    assert [example.response for example in examples] == ["r0", "r1"]
    examples, _ = read(put(tmp_path, name, b"[" + b",".join(GOOD) + b"]"), MAP)
    assert [example.response for example in examples] == ["r0", "r1"]


def rows_as(form, count):
    rows = [{"prompt": f"p{n}", "response": f"r{n} " + "x" * (n % 97)} for n in range(count)]
    if form == "json":
        return json.dumps(rows).encode()
    if form == "csv":
        return b"prompt,response\n" + b"".join(f"{r['prompt']},{r['response']}\n".encode() for r in rows)
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def pack(data, how):
    return gzip.compress(data, 1) if how == "gz" else zstandard.compress(data)


@pytest.mark.parametrize("how", ["gz", "zst"])
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_a_compressed_file_reads_as_the_plain_one(tmp_path, form, how):
    data = rows_as(form, 3000)
    plain = put(tmp_path, f"a.{form}", data)
    source = put(tmp_path, f"a.{form}.{how}", pack(data, how) + pack(b"", how))
    assert detect(source).compression == how
    assert list(read_examples(source, MAP)) == list(read_examples(plain, MAP))
    assert curate(source, [])[0] == data


@pytest.mark.parametrize("how", ["gz", "zst"])
@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
@pytest.mark.parametrize("share", [0.5, 0.98])
def test_a_truncated_archive_gives_the_rows_before_the_cut_and_says_so(tmp_path, form, how, share):
    data = rows_as(form, 10_000)
    packed = pack(data, how)
    source = put(tmp_path, f"a.{form}.{how}", packed[: int(len(packed) * share)])
    examples, problems = read(source, MAP)
    assert [example.prompt[0].content for example in examples] == [f"p{n}" for n in range(len(examples))]
    assert len(examples) > 10_000 * share / 2 - 2000
    assert "ends early" in problems[-1].reason
    assert len(problems) == 1
    written, counts = curate(source, [], field_map=MAP)
    assert counts.unscored == len(examples)
    if form == "json":
        assert len(json.loads(written)) == len(examples)


def test_a_damaged_archive_gives_the_rows_before_the_damage(tmp_path):
    packed = bytearray(gzip.compress(rows_as("jsonl", 20_000), 1))
    packed[len(packed) // 2] ^= 0xFF
    examples, problems = read(put(tmp_path, "a.jsonl.gz", bytes(packed)), MAP)
    assert len(examples) > 5000
    assert "damaged" in problems[-1].reason


@pytest.mark.parametrize("how", ["gz", "zst"])
def test_a_bomb_is_refused_at_its_cap_and_in_little_memory(how):
    packed = pack(b" " * 50_000_000, how)
    with pytest.raises(InputError, match="far beyond its own size"):
        Unpacker(io.BytesIO(packed), how, 10_000_000).readall()


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_hundred_levels_are_read_and_one_more_is_not(tmp_path, opening):
    def nested(levels):
        closing = b"]" if opening == b"[" else b"}"
        return GOOD[0][:-1] + b', "x": ' + opening * (levels - 1) + b"1" + closing * (levels - 1) + b"}"

    examples, problems = read(put(tmp_path, "a.jsonl", nested(100) + b"\n" + nested(101)), MAP)
    assert (len(examples), len(problems)) == (1, 1)
    assert "100 levels" in problems[0].reason


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path, form):
    row = {"prompt": "p" * 10_000, "response": "r" * 10_000}
    one = (",".join(row.values()) if form == "csv" else json.dumps(row)).encode()
    head, between, tail = {
        "jsonl": (b"", b"\n", b""),
        "json": (b"[", b",\n", b"]"),
        "csv": (b"prompt,response\n", b"\n", b""),
    }[form]

    def peak(rows):
        source = put(tmp_path, f"a.{form}", head + between.join([one] * rows) + tail)
        tracemalloc.start()
        assert sum(1 for _ in read_examples(source, MAP)) == rows
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert peak(1_000) < 1.2 * peak(200) + 2**20


def test_a_record_without_end_is_passed_over_in_little_memory(tmp_path):
    endless = b'{"prompt": "p", "response": "' + b"x" * 40_000_000 + b'"}'
    source = put(tmp_path, "a.json", b"[" + b", ".join([GOOD[0], endless, GOOD[1]]) + b"]")
    tracemalloc.start()
    check_good_rows_come_through(source, "bytes; at most")
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < 35_000_000


def test_values_are_never_reinterpreted(tmp_path):
    data = b"prompt,response,n\n007,NA,1e5\nNone,4,\n true , 1.0 ,nan\n"
    examples, problems = read(put(tmp_path, "a.csv", data), MAP)
    assert not problems
    assert [(e.prompt[0].content, e.response, e.meta["n"]) for e in examples] == [
        ("007", "NA", "1e5"),
        ("None", "4", ""),
        (" true ", " 1.0 ", "nan"),
    ]
    source = put(tmp_path, "a.jsonl", b'{"prompt": "007", "response": "4", "n": "NaN", "m": 7, "z": null}')
    example = next(iter(read_examples(source, MAP)))
    assert isinstance(example, Example)
    assert (example.prompt[0].content, example.response) == ("007", "4")
    assert example.meta == {"n": "NaN", "m": 7, "z": None}
