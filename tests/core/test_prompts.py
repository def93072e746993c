"""Dataset text stays data: no text can close its own fence, and the same call has the same prompt every time."""

import re

from hypothesis import given
from hypothesis import strategies as st

from clear_core import prompts
from clear_core.types import Message

hostile = st.text() | st.from_regex(r"(</?(answer|conversation|response-[12]) [0-9a-f]{0,12}>\n?){0,4}", fullmatch=True)


def parts_of(messages: tuple[Message, ...]) -> tuple[str, dict[str, str]]:
    """Read a prompt as a strict reader would: by the tag that its note names."""
    text = messages[-1].content
    tag = re.search(r"lines marked ([0-9a-f]{12}) are data", text)
    assert tag is not None
    opened = re.findall(rf"^<([\w-]+) {tag.group(1)}>$", text, re.MULTILINE)
    parts = {}
    for name in opened:
        head, _, rest = text.partition(f"<{name} {tag.group(1)}>\n")
        assert tag.group(1) not in head.partition("\n\n")[2] or name != opened[0]
        parts[name], closing, _ = rest.partition(f"\n</{name} {tag.group(1)}>")
        assert closing
    return tag.group(1), parts


@given(hostile, hostile)
def test_no_text_closes_its_own_fence(question: str, response: str) -> None:
    prompt = (Message("user", question),)
    for messages in prompts.reflections(prompt, response):
        tag, parts = parts_of(messages)
        assert parts == {"conversation": f"[user]\n{question}", "answer": response}
        assert tag not in question + response
        # The note once, and two lines around each text: nothing else carries the tag.
        assert messages[-1].content.count(tag) == 1 + 2 * 2


@given(hostile, hostile, hostile)
def test_no_response_closes_its_fence_before_the_judge(question: str, one: str, two: str) -> None:
    prompt = (Message("user", question),)
    for messages in (prompts.judgement(prompt, one, two), *prompts.judgement_reflections(prompt, one, two, "1")):
        tag, parts = parts_of(messages)
        assert parts == {"conversation": f"[user]\n{question}", "response-1": one, "response-2": two}
        assert messages[-1].content.count(tag) == 1 + 2 * 3


def test_a_text_that_guesses_the_tag_gets_another() -> None:
    tag = prompts.fence_tag(("a text",))
    assert prompts.fence_tag(("a text",)) == tag
    assert prompts.fence_tag(("a text", tag)) != tag


@given(hostile, hostile)
def test_the_same_call_has_the_same_prompt(question: str, response: str) -> None:
    prompt = (Message("user", question),)
    assert prompts.reflections(prompt, response) == prompts.reflections(prompt, response)


def test_the_rubric_comes_first_and_never_changes() -> None:
    one = prompts.judgement((Message("user", "a"),), "b", "c")
    other = prompts.judgement((Message("user", "d"),), "e", "f")
    assert one[0] == other[0]
    assert one[0].role == "system"


def test_sampling_asks_for_an_explanation_and_then_the_answer() -> None:
    asked = prompts.sampling((Message("system", "Be brief."), Message("user", "Two and two?")))
    assert [message.role for message in asked] == ["system", "user"]
    assert asked[-1].content.startswith("Two and two?\n\n")
    assert "`Answer:`" in asked[-1].content


def test_sampling_adds_a_turn_where_the_user_has_not_the_last_word() -> None:
    asked = prompts.sampling((Message("user", "Look it up."), Message("tool", "42")))
    assert [message.role for message in asked] == ["user", "tool", "user"]
    assert prompts.sampling(()) == (Message("user", prompts.EXPLAIN_THEN_ANSWER),)
