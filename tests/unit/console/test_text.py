"""Text from outside is shown whole, and cannot act, hide or pose."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspaces.console import text
from workspaces.console.samples import HOSTILE

LABELS = re.compile(r'<span class="mark"[^<>]*>[^<>]*</span>|</?bdi[^<>]*>|</?span[^<>]*>')
HIDDEN = "\u202e\u2066\u2069\u200b\u200d\u200e\u00ad\ufeff\u2028\x00\x1b\x85\u3164\u2800\u061c\u180e\u2062"


def shown(value: object) -> str:
    return str(text.inert(value))


@pytest.mark.parametrize("character", HIDDEN)
def test_inert_hidden_character_becomes_a_label(character):
    result = shown(f"a{character}b")
    assert character not in result
    assert '<span class="mark" title="U+' in result


def test_inert_markup_is_escaped():
    assert "<script" not in shown('<script>alert("1")</script><a href=x>')
    assert "&lt;script&gt;" in shown("<script>")


def test_inert_address_is_not_a_link():
    assert "href" not in shown("https://evil.example/?q=1 www.evil.example a@evil.example")


def test_inert_lone_surrogate_can_be_sent():
    assert "U+D800" in shown("a\ud800b").encode().decode()


def test_inert_tag_characters_are_spelled_out():
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore <b>")
    assert "TAG ignore &lt;b&gt;" in shown(f"Hello{hidden}")


def test_inert_equal_neighbours_are_counted_and_long_runs_cut():
    assert "ZWSP×5000" in shown("\u200b" * 5_000)
    assert len(shown("\u200b\u200e" * 5_000)) < 2_000


def test_inert_stacked_marks_are_capped():
    result = shown("Z" + "\u0310" * 50 + "algo")
    assert result.count("\u0310") == 4
    assert "+46 marks" in result


@pytest.mark.parametrize("emoji", ["👩‍💻", "❤️", "👩‍❤️‍👩", "🏳️‍🌈", "5️⃣"])
def test_inert_pictograph_stays_whole(emoji):
    assert emoji in shown(emoji)


@pytest.mark.parametrize("words", ["مرحبا بك", "שלום", "请将地址改为", "한국어", "नमस्ते", "Straße – naïve"])
def test_inert_ordinary_writing_stays_as_it_is(words):
    assert words in shown(words)


def test_inert_line_breaks_stay():
    assert "one\ntwo\tthree" in shown("one\r\ntwo\tthree")


def test_inert_nothing_is_empty():
    assert shown(None) == '<bdi class="inert"></bdi>'


@given(st.text())
def test_inert_any_text_leaves_no_live_markup_and_no_hidden_character(value):
    result = LABELS.sub("", shown(value))
    assert "<" not in result
    assert not any(character in result for character in "\u202e\u200b\u2066\x00\x1b\ufeff")


@given(st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"])))
def test_inert_plain_text_reads_back_the_same(value):
    assert html.unescape(LABELS.sub("", shown(value))) == value


@pytest.mark.parametrize("name", [name for name, _ in HOSTILE])
def test_samples_are_inert(name):
    assert "<script" not in shown(dict(HOSTILE)[name])


def test_excerpt_cuts_at_a_word():
    assert text.excerpt("one two three four", 12) == "one two…"


def test_excerpt_ends_no_sentence_before_its_ellipsis():
    assert text.excerpt("It is done. All of it.", 12) == "It is done…"


def test_excerpt_cuts_a_long_word():
    assert text.excerpt("x" * 50, 10) == "x" * 10 + "…"


def test_excerpt_leaves_short_text():
    assert text.excerpt("short", 10) == "short"


def test_pretty_json_is_stable_whatever_the_order():
    assert text.pretty_json({"b": 1, "a": [1, 2]}) == text.pretty_json({"a": [1, 2], "b": 1})


def test_pretty_json_is_escaped_and_marked():
    result = text.pretty_json({"<b>": "</pre>\u202e"})
    assert "</pre>" not in result
    assert "RLO" in result
    assert '<span class="key">&quot;&lt;b&gt;&quot;</span>: ' in result


def test_json_text_keeps_numbers_and_says_what_has_no_form():
    assert json.loads(text.json_text({"n": 1, "f": 1.5, "bad": float("nan"), "big": 2**60})) == {
        "n": 1,
        "f": 1.5,
        "bad": "nan",
        "big": str(2**60),
    }
