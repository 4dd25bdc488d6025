"""Differences say exactly what is added, removed, changed and kept."""

from hypothesis import given
from hypothesis import strategies as st

from tests.timing import ends_within
from workspaces.console import differences
from workspaces.console.differences import Segment


def joined(segments, *, without):
    return "".join(segment.text for segment in segments if segment.kind != without)


def test_fields_every_kind_changed_first():
    found = differences.fields({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4})
    assert [(field.field, field.kind) for field in found] == [
        ("b", "changed"),
        ("c", "removed"),
        ("d", "added"),
        ("a", "same"),
    ]


def test_fields_absent_is_not_null():
    [field] = differences.fields({}, {"a": None})
    assert field.before is None
    assert field.after == ()


def test_fields_number_and_its_text_differ():
    [field] = differences.fields({"a": 1}, {"a": "1"})
    assert field.kind == "changed"
    assert field.before != field.after


def test_fields_true_and_one_differ():
    assert differences.fields({"a": True}, {"a": 1})[0].kind == "changed"


def test_fields_without_a_before_image():
    assert differences.fields(None, {"a": 1})[0].kind == "added"


def test_segments_mark_the_words_that_changed():
    before, after = differences.segments("to the old house", "to the new house")
    assert Segment("removed", "old") in before
    assert Segment("added", "new") in after
    assert before[0] == after[0] == Segment("same", "to the ")


def test_segments_of_very_long_text_are_whole():
    before, after = differences.segments("a " * 5_000, "b " * 5_000)
    assert (len(before), len(after)) == (1, 1)


def test_segments_of_long_texts_that_share_only_blanks_are_found_at_once():
    old, new = (" ".join(f"{letter}{number}" for number in range(900)) for letter in "ab")
    assert ends_within(5, lambda: differences.segments(old, new))  # it took half a minute
    before, after = differences.segments(old, new)
    assert (joined(before, without="added"), joined(after, without="removed")) == (old, new)


@given(st.text(), st.text())
def test_segments_lose_nothing(old, new):
    before, after = differences.segments(old, new)
    assert joined(before, without="added") == old
    assert joined(after, without="removed") == new
