from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from clear_core.types import Message
from pages.parts.conversation import LONGEST_SHOWN, conversation_html
from pages.parts.text import ago, count, duration, plain, size

HOSTILE = st.lists(
    st.sampled_from(
        ["<img src=x onerror=a>", "</div>", "<!--", "]]>", "&lt;", "`", "*", "[a](b)", "![a](b)", "\n", '"']
    )
    | st.text(max_size=8),
    max_size=8,
).map("".join)


class Nodes(HTMLParser):
    """The elements and the text of a piece of HTML."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_comment(self, _):
        self.tags.add("comment")

    def handle_data(self, data):
        self.texts.append(data)


@given(HOSTILE, HOSTILE)
def test_dataset_text_in_a_conversation_makes_no_element(prompt, response):
    nodes = Nodes(conversation_html([Message("user", prompt), Message("assistant", prompt)], response))
    assert nodes.tags <= {"div", "span"}
    assert nodes.attributes <= {"class", "dir", "tabindex"}
    for text in (prompt, response):
        assert not text or text in "".join(nodes.texts)


def test_what_is_not_shown_of_a_long_text_is_said():
    html = conversation_html([], "x" * (LONGEST_SHOWN + 1234))
    assert "1,234 more characters are not shown here" in html


@given(HOSTILE)
def test_text_made_plain_renders_as_itself_and_as_nothing_else(text):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(plain(text))
    inline = [child for token in tokens for child in token.children or []]
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}
    assert {child.type for child in inline} <= {"text", "text_special"}
    # CommonMark shows a NUL, which no dataset can hold, as the replacement character.
    shown = " ".join(text.split()).replace("\0", "\N{REPLACEMENT CHARACTER}")
    assert "".join(child.content for child in inline) == shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (725, "12 min 5 s"),
        (11_400, "3 h 10 min"),
        (187_200, "2 d 4 h"),
    ],
)
def test_durations_in_two_units(seconds, words):
    assert duration(seconds) == words


def test_counts_sizes_and_times_in_words():
    assert (count(1, "row"), count(12_400, "row"), count(2, "query", "queries")) == (
        "1 row",
        "12,400 rows",
        "2 queries",
    )
    assert (size(918), size(616_200_000), size(4_294_967_296)) == ("918 bytes", "616.2 MB", "4.3 GB")
    now = datetime(2030, 5, 20, 12, tzinfo=UTC)
    assert ago(now - timedelta(seconds=3), now) == "just now"
    assert ago(now - timedelta(minutes=5, seconds=20), now) == "5 min ago"
    assert ago(now - timedelta(days=2, hours=3), now) == "2 d ago"
    assert ago(now - timedelta(days=30), now) == "20 Apr 2030"
