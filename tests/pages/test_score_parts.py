"""What stands behind a score is shown whatever its shape, and never as markup."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from clear_core.types import ConfidenceScore, Preference
from pages.parts.judge_parts import preference_html
from pages.parts.score_parts import score_html

hostile = st.sampled_from(["<script>x</script>", '"><img src=x onerror=y>', "</section>", "&lt;", "A", "1", "tie"])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), hostile),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile, inner, max_size=3)),
    max_leaves=8,
)
NAMES = ("answer", "similarity", "match", "text", "problem", "letter", "value", "samples", "reflections", "fields")
OTHERS = ("candidate", "candidate_model", "preference", "verdict", "rejected", "problem", "error", "probabilities")
parts = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES + OTHERS, values))
evidence = st.fixed_dictionaries(
    {},
    optional={
        "samples": st.one_of(values, st.lists(parts, max_size=3)),
        "reflections": st.one_of(values, st.lists(parts, max_size=2)),
        "orders": st.one_of(values, st.lists(st.one_of(parts, st.fixed_dictionaries({"first": parts})), max_size=3)),
        "others": st.one_of(values, st.lists(parts, max_size=2)),
        "fields": values,
        "value": values,
        "scale": values,
        "gain": values,
        "tokens": values,
        "gain_given": values,
        "gain_candidate": values,
    },
)
OURS = {"section", "h4", "div", "span", "b", "i", "u", "p", "ul", "li", "details", "summary"}


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
    score = ConfidenceScore(
        "e", 0, number, 0.5, number, number, text, text, text, problem=text, evidence=found, lower=number, upper=number
    )
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


def test_a_score_says_how_it_was_made():
    score = ConfidenceScore(
        "e", 0, 0.7, 0.7, measure="bsdetector/nli", model="m", prompt_version="3", samples=5, temperature=0.9
    )
    assert "bsdetector/nli · m · 5 samples · temperature 0.9 · prompts 3" in score_html(score, 0.5)


def test_a_score_that_stopped_early_shows_between_what_it_lies():
    html = score_html(ConfidenceScore("e", 0, 0.7, lower=0.65, upper=0.9), 0.5)
    assert 'style="left:65.00%;width:25.00%"' in html
    assert "from 0.650 to 0.900" in html
    assert "This gamma lies between them" not in html
    assert "This gamma lies between them" in score_html(ConfidenceScore("e", 0, 0.7, lower=0.65, upper=0.9), 0.9)


def test_letters_by_probability_and_doubtful_fields_are_told():
    evidence = {
        "reflections": [{"letter": "A", "probabilities": {"A": 0.8, "B": 0.15, "C": 0.05}, "text": "fine"}],
        "samples": [{"answer": "{}", "similarity": 0.5, "fields": {"city": 0.2, "zip": 1.0}}],
        "fields": {"zip": 1.0, "city": 0.2},
    }
    html = score_html(ConfidenceScore("e", 0, 0.7, evidence=evidence), 0.5)
    assert "correct 80% · incorrect 15% · not sure 5%" in html
    assert "differs in city 0.20" in html
    assert html.index("city</span>") < html.index("zip</span>")


def test_the_other_candidates_say_who_wrote_them_and_why_they_lost():
    others = [
        {"candidate": "Lyon", "candidate_model": "second", "preference": 0.4, "verdict": "given"},
        {"candidate": "Paris", "candidate_model": "third", "rejected": "twin"},
        {"candidate": None, "candidate_model": "fourth", "problem": "timeout"},
    ]
    html = preference_html(Preference("e", 0, "Paris", 0.9, "candidate", evidence={"others": others}), 0.8)
    assert "<b>second</b>: the given response is better" in html
    assert "<b>third</b>: not judged, another source wrote the same" in html
    assert "<b>fourth</b>: the endpoint did not answer in time" in html
