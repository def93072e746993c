"""What stands behind a score is shown whatever its shape, and never as markup."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from clear_core.types import ConfidenceScore, Preference
from pages.parts.score_parts import preference_html, score_html

hostile = st.sampled_from(["<script>x</script>", '"><img src=x onerror=y>', "</section>", "&lt;", "A", "1", "tie"])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), hostile),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile, inner, max_size=3)),
    max_leaves=8,
)
NAMES = ("answer", "similarity", "match", "text", "problem", "letter", "value", "samples", "reflections")
parts = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, values))
evidence = st.fixed_dictionaries(
    {},
    optional={
        "samples": st.one_of(values, st.lists(parts, max_size=3)),
        "reflections": st.one_of(values, st.lists(parts, max_size=2)),
        "orders": st.one_of(values, st.lists(st.one_of(parts, st.fixed_dictionaries({"first": parts})), max_size=3)),
        "gain": values,
        "tokens": values,
        "gain_given": values,
        "gain_candidate": values,
    },
)
OURS = {"section", "h4", "div", "span", "b", "i", "p", "ul", "li", "details", "summary"}


def tags_of(html):
    found = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.add(tag)
            assert {name for name, _ in attrs} <= {"class", "style", "title", "dir"}

    Reader().feed(html)
    return found


@given(evidence, st.one_of(st.none(), st.floats(0, 1)), hostile)
def test_evidence_of_any_shape_is_shown_as_text(found, number, text):
    score = ConfidenceScore("e", 0, number, 0.5, number, number, text, text, problem=text, evidence=found)
    assert tags_of(score_html(score, 0.5)) <= OURS
    judged = Preference("e", 0, text, number, "candidate", text, text, text, problem=text, evidence=found)
    assert tags_of(preference_html(judged, 0.8)) <= OURS


def test_the_labels_of_both_orders_are_told_as_sides():
    order = {"first": {"value": "2"}, "samples": [{"value": "2"}, {"value": "tie"}], "reflections": [{"value": "B"}]}
    judged = Preference("e", 0, "c", 0.9, "candidate", evidence={"orders": [order, order]})
    html = preference_html(judged, 0.8)
    assert '<span>Given first</span><span dir="auto"><b>candidate</b>; sampled: 1 candidate, 1 tie' in html
    assert '<span>Candidate first</span><span dir="auto"><b>given</b>; sampled: 1 given, 1 tie' in html
    assert "sure? incorrect" in html


def test_a_candidate_turned_down_before_judging_says_why():
    html = preference_html(Preference("e", 0, "x", None, None, rejected="refusal"), 0.8)
    assert "turned down before judging: refusal" in html
    assert preference_html(None, 0.8) == ""


def test_a_candidate_that_is_not_proposed_can_be_read():
    html = preference_html(Preference("e", 0, "Paris <i>it is</i>", 0.6, "candidate"), 0.8)
    assert "Paris &lt;i&gt;it is&lt;/i&gt;" in html
