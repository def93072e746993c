"""Parquet in, Parquet out: the same schema, every untouched value as it was."""

import datetime as dt
import decimal
import gzip
import io
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from io_kit import FATES, TEXT, curate, outcomes, put, read

from clear_core.errors import InputError
from clear_core.io import detect, write_curated

CHAT = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())]))


def as_parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def from_parquet(data):
    return pq.read_table(pa.BufferReader(data))


class Unseekable(io.RawIOBase):
    """Takes bytes as an HTTP response does."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data, /):
        self.data += data
        return len(data)


def odd_table():
    """A table with every kind of column that could be damaged on its way."""
    return pa.table(
        {
            "prompt": pa.array(["007", "NA", "a\r\nb", "é😀"]),
            "response": pa.array(["1", "2", "3", "4"], pa.large_string()),
            "when": pa.array([dt.datetime(2020, 1, n + 1, tzinfo=dt.UTC) for n in range(4)]),
            "price": pa.array([decimal.Decimal("1.10"), None, decimal.Decimal("2.00"), None]),
            "score": pa.array([1.0, math.nan, None, math.inf]),
            "label": pa.array(["x", "y", "x", None]).dictionary_encode(),
            "image": pa.array([b"\0\xff", b"", None, b"x"]),
            "tags": pa.array([["a"], [], None, ["b", None]]),
        },
    ).replace_schema_metadata({"huggingface": "{}"})


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
def test_untouched_rows_keep_every_value_and_the_schema(tmp_path, compression):
    data = as_parquet(odd_table(), compression=compression)
    table = from_parquet(data)
    source = put(tmp_path, "a.parquet", data)
    examples, problems = read(source)
    assert not problems
    assert [example.response for example in examples] == ["1", "2", "3", "4"]
    assert examples[1].meta["score"] is None
    assert examples[0].meta["image"] == "(2 bytes)"

    written, counts = curate(source, outcomes(examples, ["keep", "drop", "replace", "keep"], ["", "", "new", ""]))
    back = from_parquet(written)
    assert back.schema.equals(table.schema, check_metadata=True)
    left = table.take([0, 2, 3])
    assert back.drop_columns(["response", "score"]).equals(left.drop_columns(["response", "score"]))
    assert back["score"].to_pylist() == [1.0, None, math.inf]
    assert back["response"].to_pylist() == ["1", "new", "4"]
    assert (counts.kept, counts.replaced, counts.dropped) == (2, 1, 1)
    codec = pq.ParquetFile(pa.BufferReader(written)).metadata.row_group(0).column(0).compression
    assert codec.lower().replace("uncompressed", "none") == compression


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(data=st.data(), texts=st.lists(TEXT, min_size=1, max_size=6))
def test_chats_in_parquet_change_only_where_decided(tmp_path, data, texts):
    fates = data.draw(st.lists(FATES, min_size=len(texts), max_size=len(texts)))
    chats = [
        [{"role": "user", "content": "q", "name": None}, {"role": "assistant", "content": text, "name": "bot"}]
        for text in texts
    ]
    table = pa.table({"messages": pa.array(chats, CHAT), "n": list(range(len(texts)))})
    source = put(tmp_path, "a.parquet", as_parquet(table, row_group_size=2))
    examples, problems = read(source)
    assert not problems
    written, _ = curate(source, outcomes(examples, fates, ["NEW"] * len(texts)))
    back = from_parquet(written)
    assert back.schema.equals(table.schema)
    expected = table.to_pylist()
    for row, fate in zip(expected, fates, strict=True):
        if fate == "replace":
            row["messages"][1]["content"] = "NEW"
    assert back.to_pylist() == [row for row, fate in zip(expected, fates, strict=True) if fate != "drop"]


def test_a_row_that_is_no_example_is_a_problem_with_its_values_shown(tmp_path):
    table = pa.table({"prompt": ["a", "b", "c"], "response": ["x", None, "n\0ul"], "n": [1, 2, 3]})
    source = put(tmp_path, "a.parquet", as_parquet(table))
    examples, problems = read(source)
    assert [example.row for example in examples] == [0]
    assert "null, not text" in problems[0].reason
    assert '"n": 2' in problems[0].raw
    assert "NUL" in problems[1].reason
    written, counts = curate(source, [])
    assert from_parquet(written).to_pylist() == [{"prompt": "a", "response": "x", "n": 1}]
    assert counts.rejected == 2


def test_text_that_is_no_utf8_spoils_its_own_row_alone(tmp_path):
    bad = pa.array([b"a", b"\xff", b"c"]).cast(pa.binary()).view(pa.string())
    source = put(tmp_path, "a.parquet", as_parquet(pa.table({"prompt": ["p"] * 3, "response": bad})))
    examples, problems = read(source)
    assert [example.response for example in examples] == ["a", "c"]
    assert [problem.row for problem in problems] == [1]
    assert "UTF-8" in problems[0].reason
    written, counts = curate(source, outcomes(examples, ["keep", "replace"], ["", "new"]))
    assert from_parquet(written)["response"].to_pylist() == ["a", "new"]
    assert counts.rejected == 1


def test_a_numeric_response_is_a_problem_and_not_a_string(tmp_path):
    source = put(tmp_path, "a.parquet", as_parquet(pa.table({"prompt": ["a"], "response": [4]})))
    _, (problem,) = read(source)
    assert "is a number (4), not text" in problem.reason


def test_parquet_inside_an_archive_and_into_a_pipe(tmp_path):
    table = pa.table({"prompt": ["a", "b"], "response": ["x", "y"]})
    source = put(tmp_path, "a.parquet.gz", gzip.compress(as_parquet(table)))
    detection = detect(source)
    assert (detection.file_format, detection.compression) == ("parquet", "gz")
    sink = Unseekable()
    write_curated(source, detection.field_map, [], sink)
    assert from_parquet(bytes(sink.data)).equals(table)


def test_all_rows_dropped_leaves_an_empty_table_with_the_schema(tmp_path):
    table = pa.table({"prompt": ["a"], "response": ["x"]})
    source = put(tmp_path, "a.parquet", as_parquet(table))
    examples, _ = read(source)
    back = from_parquet(curate(source, outcomes(examples, ["drop"], [""]))[0])
    assert back.num_rows == 0
    assert back.schema.equals(table.schema)


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.table([["a"], ["b"], ["c"]], names=["prompt", "response", "prompt"])
    with pytest.raises(InputError, match="Two columns are called 'prompt'"):
        detect(put(tmp_path, "a.parquet", as_parquet(table)))


def test_a_damaged_page_gives_the_rows_before_it(tmp_path):
    rows = 4000
    table = pa.table({"prompt": [f"p{n}" for n in range(rows)], "response": [f"r{n}" for n in range(rows)]})
    data = bytearray(as_parquet(table, row_group_size=1000, compression="zstd"))
    column = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(2).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    source = put(tmp_path, "a.parquet", bytes(data))
    examples, problems = read(source)
    assert 1000 < len(examples) <= 2000
    assert len(problems) == 1
    assert "damaged" in problems[0].reason
    written, counts = curate(source, [])
    assert from_parquet(written).equals(table.slice(0, len(examples)))
    assert counts.rejected == 1
