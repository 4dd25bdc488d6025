"""Passages: the same document always the same way, and nothing lost between them."""

from hypothesis import given
from hypothesis import strategies as st

from memory.chunking import LONGEST, pieces_of
from memory.reading.markdown import read_markdown
from memory.reading.shapes import Limits, Reading

LIMITS = Limits(characters=10**7, pages=1, seconds=1)
BLOCKS = st.one_of(
    st.sampled_from(["# One\n", "## Two\n", "### Three\n\n", "\n\n", " ", "\n" * 40, " " * 1500, "x" * 2500]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=300),
    st.builds(
        lambda words: " ".join(words) + ". ", st.lists(st.sampled_from(["refund", "plan", "días"]), max_size=400)
    ),
)


@given(st.lists(BLOCKS, max_size=12).map("".join))
def test_passages_reproduce_the_text_and_lose_nothing(text):
    reading = read_markdown(text.encode(), LIMITS)
    pieces = pieces_of(reading)
    assert pieces == pieces_of(reading)
    at = 0
    for piece in pieces:
        assert reading.text[at : piece.start].strip() == ""
        passage = reading.text[piece.start : piece.end]
        assert passage == passage.strip() != ""
        assert len(passage) <= LONGEST
        at = piece.end
    assert reading.text[at:].strip() == ""


def shown(source):
    reading = read_markdown(source.encode(), LIMITS)
    return [(piece.path, reading.text[piece.start : piece.end]) for piece in pieces_of(reading)]


def test_headings_are_kept_and_never_crossed():
    assert shown("intro\n\n# A\n\n## B\n\nb\n\n## C\n\nc\n\n# D\n\nd\n") == [
        ((), "intro"),
        (("A", "B"), "# A\n\n## B\n\nb"),
        (("A", "C"), "## C\n\nc"),
        (("D",), "# D\n\nd"),
    ]


def test_long_sections_are_cut_where_one_would():
    first, second = "a" * 600, "b" * 600
    assert [text for _, text in shown(f"{first}\n\n{second}")] == [first, second]
    sentences = ("The refund is made at once. " * 60).strip()
    assert all(text.endswith(".") for _, text in shown(sentences))


def test_a_text_without_any_cut_is_cut_anyway():
    assert [piece.end - piece.start for piece in pieces_of(Reading("x" * 2500))] == [1000, 1000, 500]
