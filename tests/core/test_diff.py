"""The word diff: both texts can be read back from it, and nothing of a dataset becomes markup."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pages.parts.diff import Piece, diff, diff_html

words = st.lists(
    st.sampled_from(["red", "apple", "<b>", "&amp;", " ", "  ", "\n", ",", "é", "日本", "\t", "</ins>"]), max_size=30
)
texts = st.one_of(st.text(max_size=80), words.map("".join))


def old_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != "new")


def new_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if piece.kind != "old")


class Reader(HTMLParser):
    """Reads the old and the new text back from the HTML, and notes every tag met."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.old = self.new = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        classes = (dict(attrs).get("class") or "").split()
        self.open.append("sign" if {"cr-sign", "cr-speaker"} & set(classes) else tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() in {tag, "sign"}

    def handle_data(self, data: str) -> None:
        if "sign" in self.open:
            return
        self.old += "" if "ins" in self.open else data
        self.new += "" if "del" in self.open else data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def unified(old: str, new: str) -> str:
    return diff_html(old, new, sides=False, old_title="Given", new_title="Candidate")


@given(texts, texts)
def test_both_texts_can_be_read_back_from_the_pieces(old: str, new: str) -> None:
    pieces = diff(old, new)
    assert (old_of(pieces), new_of(pieces)) == (old, new)
    assert all(piece.text for piece in pieces)


@given(texts)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert {piece.kind for piece in diff(text, text)} <= {"same"}


@given(texts, texts)
def test_both_texts_can_be_read_back_from_the_html_and_no_markup_of_theirs_survives(old: str, new: str) -> None:
    reader = read(unified(old, new))
    if old or new:
        assert (reader.old, reader.new) == (old, new)
    assert reader.tags <= {"div", "span", "ins", "del"}


@given(texts, texts)
def test_side_by_side_shows_each_text_whole(old: str, new: str) -> None:
    html = diff_html(old, new, sides=True, old_title="Given", new_title="Candidate")
    assert html.count('class="cr-side"') == 2
    assert "<ins>" not in html.split('class="cr-side"')[1]
    assert "<del>" not in html.split('class="cr-side"')[2]


def test_hostile_text_stays_text() -> None:
    html = unified("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    assert "<script" not in html
    assert "<img" not in html


def test_a_changed_word_is_one_change_with_a_sign_on_each_side() -> None:
    assert diff("the answer is Lyon.", "the answer is Paris.") == [
        Piece("same", "the answer is "),
        Piece("old", "Lyon"),
        Piece("new", "Paris"),
        Piece("same", "."),
    ]
    assert '<del><span class="cr-sign">−</span>Lyon</del><ins><span class="cr-sign">+</span>Paris</ins>' in unified(
        "Lyon", "Paris"
    )


def test_changes_parted_by_a_blank_are_told_as_one() -> None:
    assert diff("a red apple here", "a green pear here") == [
        Piece("same", "a "),
        Piece("old", "red apple"),
        Piece("new", "green pear"),
        Piece("same", " here"),
    ]


def test_a_changed_line_break_can_be_seen() -> None:
    assert '<ins><span class="cr-sign">+</span><span class="cr-sign">↵</span>\n</ins>' in unified("ab", "ab\n")


def test_texts_too_long_for_words_are_compared_by_lines_and_stay_whole() -> None:
    old = "".join(f"line {i} of the old text\n" for i in range(1500))
    new = old.replace("line 700 ", "row 700 ")
    pieces = diff(old, new)
    assert (old_of(pieces), new_of(pieces)) == (old, new)
    assert [piece.text for piece in pieces if piece.kind == "old"] == ["line 700 of the old text\n"]


def test_what_is_not_shown_is_said() -> None:
    assert "more characters are not shown here" in unified("a " * 11_000, "b")
