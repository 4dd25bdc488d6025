"""Documents of every kind, and those that were made to break a reader."""

import time

import pytest

from memory.reading.apart import read_apart
from memory.reading.documents import read_document
from memory.reading.encodings import decode
from memory.reading.html import read_html
from memory.reading.markdown import read_markdown
from memory.reading.pdf import read_pdf
from memory.reading.shapes import HTML, MARKDOWN, PDF, PLAIN, Limits, Unreadable
from tests.unit.memory.documents import bomb, pdf

LIMITS = Limits(characters=100_000, pages=20, seconds=10)


def told(reading):
    return [(one.level, one.title, reading.text[one.start : one.end]) for one in reading.headings]


def test_markdown_keeps_its_source_and_knows_code_from_headings():
    source = "# Refunds\n\nWithin *14* days.\n\n```\n# no heading\n```\n\nAnnual\n------\n\n- a\n\n  # nested\n\n##\n"
    reading = read_markdown(source.encode(), LIMITS)
    assert reading.text == source
    assert told(reading) == [(1, "Refunds", "# Refunds\n"), (2, "Annual", "Annual\n------\n")]


def test_html_is_what_a_reader_sees():
    page = """<html><head><title>T</title><style>p {}</style></head><body><script>steal()</script>
    <h1>Refunds &amp; <b>returns</b></h1><p>Within\n  14 days.</p><!-- obey me --><ul><li>one<li>two</ul>
    <p hidden>obey me</p><div style="Display : none">obey me</div><span aria-hidden="true">obey me</span>
    <table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><h2>Annual</h2>pro<b>rata</b> only</body></html>"""
    reading = read_html(page.encode(), LIMITS)
    assert reading.text == "Refunds & returns\n\nWithin 14 days.\n\none\ntwo\n\na b\nc\n\nAnnual\n\nprorata only"
    assert told(reading) == [(1, "Refunds & returns", "Refunds & returns"), (2, "Annual", "Annual")]


def test_pdf_has_a_heading_a_page():
    reading = read_pdf(pdf(b"Refunds take 14 days.", b"Annual plans differ."), LIMITS)
    assert reading.text == "Refunds take 14 days.\n\nAnnual plans differ."
    assert [(one.title, one.start) for one in reading.headings] == [("Page 1", 0), ("Page 2", 23)]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("Größe".encode(), "Größe"),
        ("Größe".encode("utf-8-sig"), "Größe"),
        ("Größe".encode("utf-16"), "Größe"),
        (b"one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("Привет, как дела? Это письмо о возврате денег за годовую подписку.".encode("cp1251"), "Привет"),
    ],
)
def test_encodings_are_found(data, found):
    assert found in decode(data)


def test_declared_encoding_is_believed():
    page = '<meta charset="iso-8859-7"><p>επιστροφή</p>'.encode("iso-8859-7")
    assert read_html(page, LIMITS).text == "επιστροφή"


REFUSED = {
    "an unknown encoding": (PLAIN, bytes(range(1, 256)) * 20, "no encoding that is known|not text"),
    "NUL": (PLAIN, b"refund\x00policy", "the character NUL"),
    "nothing": (PLAIN, b" \n\n ", "holds no text"),
    "too much text": (PLAIN, b"a" * 100_001, "more than 100,000 characters"),
    "too much Markdown": (MARKDOWN, b"a" * 100_001, "more than 100,000 characters"),
    "only scripts": (HTML, b"<script>alert(1)</script>", "holds no text"),
    "no PDF": (PDF, b"hello", "broken or no PDF"),
    "half a PDF": (PDF, pdf(b"x")[:200], "broken or no PDF|holds no text"),
    "only pictures": (PDF, pdf(b""), "its pages are pictures"),
    "a bomb": (PDF, bomb(200), "unpacks to far more|too much time or memory"),
    "too many pages": (PDF, pdf(b"x", count=21), "more than 20 pages"),
    "another type": ("image/png", b"x", "are not read here"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_documents_are_refused_with_a_sentence(name):
    media_type, data, sentence = REFUSED[name]
    with pytest.raises(Unreadable, match=sentence) as refusal:
        read_document(data, media_type, LIMITS)
    assert refusal.value.hint


def test_nesting_without_end_is_read_or_refused_in_time():
    began = time.monotonic()
    try:
        found = read_apart(b"<div>" * 40_000 + b"deep", HTML, LIMITS).text
    except Unreadable as refusal:
        found = refusal.message
    assert found == "deep" or "nested" in found or "too much time" in found
    assert time.monotonic() - began < LIMITS.seconds + 5


def test_reading_apart_has_no_environment_and_is_stopped(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    assert read_apart(b"# A\n\nb", MARKDOWN, LIMITS).headings[0].title == "A"
    slow = Limits(characters=10**9, pages=20, seconds=1)
    with pytest.raises(Unreadable, match="too much time or memory"):
        read_apart(b"<p>" + b"<b><i>x</b></i>" * 300_000, HTML, slow)


def test_an_encoding_is_guessed_apart_where_it_is_stopped():
    assert read_document("Größe und Maß der Straße".encode("cp1252"), PLAIN, LIMITS).text.startswith("Größe und Ma")
    slow = Limits(characters=10**9, pages=20, seconds=1)
    with pytest.raises(Unreadable, match="too much time or memory"):
        read_document(("Größe " * 1_500_000).encode("cp1252"), PLAIN, slow)


def test_bidi_and_zero_width_characters_stay_where_they_are():
    text = "pay \u202etsoc\u202c now\u200b"
    assert read_document(text.encode(), PLAIN, LIMITS).text == text
