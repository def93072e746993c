"""JSON beside JSON: every field of both is counted once, under a path that names it alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clear_core.fields import fields, matched

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "a", "b", ""])
keys = st.sampled_from(["a", "b", "a.b", "0", "[0]", "", "prix €"])
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)


def test_a_field_is_named_by_its_path():
    value = {"name": "Ann", "items": [{"price": 4}, {"price": 5}], "a.b": 1, "a": {"b": 2}, "none": {}}
    assert fields(value) == {
        "name": "Ann",
        "items[0].price": 4,
        "items[1].price": 5,
        '["a.b"]': 1,
        "a.b": 2,
        "none": {},
    }


def test_what_is_no_text_is_equal_or_not():
    held = matched(
        {"n": 4, "m": 4, "t": True, "u": 1, "z": None, "e": [], "s": "4"},
        {"n": 4.0, "m": 5, "t": True, "u": True, "z": None, "e": [], "s": 4},
    )
    assert held.decided == {"n": 1, "m": 0, "t": 1, "u": 0, "z": 1, "e": 1, "s": 0}
    assert (dict(held.texts), held.match) == ({}, False)


def test_a_number_that_no_float_holds_is_equal_to_itself_alone():
    huge = 10**400
    assert matched({"n": huge}, {"n": huge}).match
    assert matched({"n": huge, "m": float("nan")}, {"n": 1.5, "m": huge}).decided == {"n": 0, "m": 0}


def test_texts_that_differ_are_left_to_a_measure_and_missing_keys_count_nothing():
    held = matched({"name": "Ann", "city": "Paris", "gone": 1}, {"name": "Ann", "city": "Lyon", "new": 2})
    assert held.decided == {"name": 1, "gone": 0, "new": 0}
    assert held.texts == {"city": ("Paris", "Lyon")}
    assert not held.match


def test_the_order_of_keys_does_not_matter_that_of_a_list_does():
    assert matched({"a": 1, "b": 2}, {"b": 2, "a": 1}).match
    assert not matched([1, 2], [2, 1]).match


@given(json_values)
def test_a_value_matches_itself_after_writing_it_down(value):
    held = matched(value, json.loads(json.dumps(value)))
    assert held.match
    assert set(held.decided.values()) == {1.0}


@given(json_values, json_values)
def test_both_sides_are_held_alike_and_every_path_once(one, other):
    forward, backward = matched(one, other), matched(other, one)
    assert forward.match == backward.match
    assert forward.decided == backward.decided
    assert {*forward.decided, *forward.texts} == {*fields(one), *fields(other)}
    assert not {*forward.decided} & {*forward.texts}


@given(json_values)
def test_paths_are_never_mixed_up(value):
    def count(inner):
        if isinstance(inner, dict | list) and inner:
            return sum(count(each) for each in (inner.values() if isinstance(inner, dict) else inner))
        return 1

    assert len(fields(value)) == count(value)


def test_deep_values_are_no_trouble():
    deep = json.loads('{"a":' * 500 + "1" + "}" * 500)
    assert list(fields(deep).values()) == [1]
    assert matched(deep, deep).match


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": Infinity}', '{"a": 1e400}'])
def test_numbers_that_are_none_in_json_equal_themselves(text):
    assert matched(json.loads(text), json.loads(text)).match
