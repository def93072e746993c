"""Damaged at random: no bytes crash a reader, and what an export writes of them is sound."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from io_kit import curate, put

from clear_core.errors import InputError
from clear_core.io import FieldMap, detect, read_examples
from clear_core.types import Example, RowProblem

MAP = FieldMap("prompt_response", "prompt", response="response")
ROWS = [{"prompt": f"p{n}", "response": f'r "{n}", é', "x": [n, {"y": "z\n"}]} for n in range(5)]
TABLE = [{"prompt": row["prompt"], "response": row["response"]} for row in ROWS]


def parquet():
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(TABLE), sink)
    return sink.getvalue()


WHOLE = {
    "a.jsonl": "\n".join(json.dumps(row) for row in ROWS).encode(),
    "a.json": json.dumps(ROWS, indent=1, ensure_ascii=False).encode(),
    "b.json": json.dumps(ROWS).encode(),
    "a.csv": b'prompt,response\np0,"r ""0"", x"\n"p1\nx",r1\np2,r2\n"p3","r3"\np4,r4',
}
PACKED = {
    "a.jsonl.gz": gzip.compress(WHOLE["a.jsonl"], mtime=0),
    "a.jsonl.zst": zstandard.compress(WHOLE["a.jsonl"]),
    "a.parquet": parquet(),
}


@st.composite
def damaged(draw, data):
    """The data with a few pieces cut out, put in or doubled."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 20])))
        pieces = [
            b"",
            b'"',
            b",",
            b"\n",
            b"{",
            b"}",
            b"[",
            b"]",
            b"\\",
            b"\xff",
            b"\0",
            b"\r",
            b"NaN",
            data[start:end] * 2,
        ]
        data = data[:start] + draw(st.sampled_from(pieces) | st.binary(max_size=3)) + data[end:]
    return data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@pytest.mark.parametrize("name", WHOLE)
@given(data=st.data())
def test_what_is_exported_of_a_damaged_file_is_sound(tmp_path, name, data):
    source = put(tmp_path, name, data.draw(damaged(WHOLE[name])))
    try:
        detect(source)
        rows = list(read_examples(source, MAP))
        written, counts = curate(source, [], field_map=MAP)
    except InputError:
        return
    assert [row.row for row in rows] == list(range(len(rows)))
    good = [row for row in rows if isinstance(row, Example)]
    assert counts.written == len(good)
    assert counts.rejected == len(rows) - len(good)
    assert all(row.reason for row in rows if isinstance(row, RowProblem))
    again = list(read_examples(put(tmp_path, f"again-{name}", written), MAP)) if good else []
    assert [(row.prompt, row.response, row.meta) for row in again] == [
        (row.prompt, row.response, row.meta) for row in good
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
@pytest.mark.parametrize("name", PACKED)
@given(data=st.data())
def test_a_damaged_binary_file_is_a_problem_or_an_input_error(tmp_path, name, data):
    source = put(tmp_path, name, data.draw(damaged(PACKED[name])))
    try:
        detect(source)
        rows = list(read_examples(source, MAP))
        _, counts = curate(source, [], field_map=MAP)
    except InputError:
        return
    assert all(isinstance(row, Example | RowProblem) for row in rows)
    assert counts.records == len(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200), name=st.sampled_from(["a.jsonl", "a.json", "a.csv", "a.parquet", "a"]))
@example(data=b"[", name="a.json")
@example(data=b'{"', name="a")
@example(data=b"\xef\xbb\xbf", name="a.csv")
@example(data=b"\x1f\x8b", name="a.jsonl")
@example(data=b"\x28\xb5\x2f\xfd", name="a.jsonl")
def test_no_bytes_at_all_crash_the_reader(tmp_path, data, name):
    source = put(tmp_path, name, data)
    try:
        detection = detect(source)
    except InputError:
        return
    assert all(isinstance(row, Example | RowProblem) for row in read_examples(source, detection.field_map))
