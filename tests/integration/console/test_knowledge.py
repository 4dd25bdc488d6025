"""The pages of knowledge: what they say, who may do what, and that nothing a document says acts."""

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from memory.console.rows import holds
from memory.models import Chunk, Document
from memory.operations import add_document, date_document
from tests.factories import SETUP
from tests.integration.knowledge.conftest import collection, document, letters, read
from workspaces.console.links import passage_url
from workspaces.operations import teams

__all__ = ["letters"]
pytestmark = pytest.mark.django_db
POISON = (
    b"# Terms\n\n<script>alert(1)</script> <img src=x onerror=alert(2)> \xe2\x80\xaeevil [go](https://evil.example)\n"
)


@pytest.fixture
def shelf(cast):
    """A collection that reviewers read and finance manages."""
    made = collection(cast)
    teams.grant(team=cast.reviewers, codename="view_collection", target=made, by=SETUP)
    teams.grant(team=cast.financiers, codename="manage_collection", target=made, by=SETUP)
    return made


def sent(name, content, **more):
    return {"file": SimpleUploadedFile(name, content), **more}


def upload(client, shelf, name="refunds.md", content=b"# Refunds\n\nA refund takes a week.\n", **more):
    return client.post(f"/knowledge/upload/{shelf.id}/", sent(name, content, **more))


def text(answer):
    return answer.content.decode()


def test_a_manager_adds_a_document_that_is_found_with_its_citation(browse, shelf):
    manager, reader = browse("finance"), browse("reviewer")
    answer = upload(manager, shelf)
    made = Document.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/documents/{made.id}/")
    assert (made.title, made.source, made.media_type) == ("refunds", "refunds.md", "text/markdown")
    assert (made.status, made.trust) == ("ready", "untrusted")
    for url in (f"/knowledge/{shelf.id}/search/", "/knowledge/search/"):
        found = text(reader.post(url, {"query": "how long does a refund take"}))
        chunk = made.chunks.get()
        assert passage_url(made.id, chunk.id) in found
        assert "first by words, first by meaning" in found
        assert "refund" not in reader.get(url).request["QUERY_STRING"]


@pytest.mark.parametrize(
    ("name", "content", "more", "status", "words"),
    [
        ("a.md", b"a\x00b", {}, 422, "NUL"),
        ("a.xyz", b"text", {}, 422, "Choose its kind"),
        ("a.txt", b"   ", {}, 422, "holds no text"),
        ("a.txt", b"", {}, 422, "The file is empty"),
        ("a.txt", b"x" * 2000, {}, 413, "at most 1,000 bytes"),
        ("a.txt", b"text", {"title": "x" * 201}, 422, "200"),
        ("a.pdf", b"no pdf", {}, 422, "PDF"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_in_is_said_in_the_form_and_nothing_typed_is_lost(
    browse, shelf, settings, name, content, more, status, words
):
    settings.KNOWLEDGE_UPLOAD_BYTES = 1000
    answer = upload(browse("finance"), shelf, name, content, source="typed before", **more)
    assert answer.status_code == status
    assert words in text(answer)
    assert "typed before" in text(answer)
    assert not Document.objects.exists()


def test_the_same_form_twice_makes_one_document_and_the_same_file_is_refused(browse, shelf):
    manager = browse("finance")
    first, again = (upload(manager, shelf, once="key") for _ in range(2))
    assert first["Location"] == again["Location"]
    assert Document.objects.count() == 1
    refused = upload(manager, shelf, once="other")
    assert refused.status_code == 409
    assert "in the collection already" in text(refused)


def test_a_poisoned_document_is_text_and_nothing_else(browse, shelf):
    made = document(shelf, POISON, title="<b>Terms</b>")
    page = text(browse("reviewer").get(f"/documents/{made.id}/"))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert 'href="https://evil' not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>Terms" not in page


def test_a_citation_leads_to_its_passage_whichever_page_it_is_on(browse, shelf, statements):
    lines = b"\n".join(b"## Part %d\n\nWords of part %d.\n" % (n, n) for n in range(45))
    made = document(shelf, lines, title="Long")
    reader, chunk = browse("reviewer"), made.chunks.get(ordinal=41)
    page = text(reader.get(passage_url(made.id, chunk.id).split("#")[0]))
    assert f'class="passage stack cited" id="passage-{chunk.id}"' in page
    assert f"/documents/{made.id}/?page=2" in page
    assert "20 of 45 shown" in text(reader.get(f"/documents/{made.id}/?page=2"))
    other = Chunk.objects.exclude(pk=chunk.pk).first()
    other.delete()
    assert "not in this document" in text(reader.get(f"/documents/{made.id}/?passage={other.id}"))
    assert statements(reader, f"/documents/{made.id}/") <= 25


def test_a_document_that_was_not_indexed_says_why_and_is_indexed_again(browse, shelf, letters):
    shelf.model = "letters"
    shelf.save()
    letters.width = 8
    manager = browse("finance")
    said = manager.post(f"/knowledge/upload/{shelf.id}/", sent("a.txt", b"Some words."), follow=True)
    assert "vectors of 8 numbers" in text(said)
    made = Document.objects.get()
    assert "vectors of 8 numbers" in text(manager.get(f"/knowledge/{shelf.id}/"))
    letters.width = 256
    assert manager.post(f"/documents/{made.id}/index/").status_code == 302
    made.refresh_from_db()
    assert made.status == "ready"


def test_a_document_is_dated_archived_vouched_for_and_forgotten(browse, shelf):
    made = document(shelf)
    manager, owner, reader = browse("finance"), browse("owner"), browse("reviewer")
    at = f"/documents/{made.id}/"
    wrong = manager.post(f"{at}dates/", {"valid_from": "2026-02-01T09:00", "valid_until": "2026-01-01T09:00"})
    assert (wrong.status_code, 'value="2026-02-01T09:00"' in text(wrong)) == (422, True)
    assert "before it begins" in text(wrong)
    assert "not a date" in text(manager.post(f"{at}dates/", {"valid_from": "soon"}))
    assert manager.post(f"{at}dates/", {"valid_from": "2026-01-01T09:00"}).status_code == 302
    made.refresh_from_db()
    assert made.valid_from == datetime(2026, 1, 1, 9, tzinfo=UTC)
    assert "Archive it now" not in text(reader.get(at))
    assert manager.post(f"{at}archive/").status_code == 302
    assert "Archived: not found since" in text(reader.get(at))
    assert "Refunds" not in text(reader.post("/knowledge/search/", {"query": "refund"})).split("<main")[1]
    assert manager.post(f"{at}trust/", {"trust": "trusted"}).status_code == 403
    assert owner.post(f"{at}trust/", {"trust": "trusted"}).status_code == 302
    assert Document.objects.get().trust == "trusted"
    asked = text(manager.get(f"{at}forget/"))
    assert "deleted for good" in asked
    assert Document.objects.exists()
    assert manager.post(f"{at}forget/")["Location"] == f"/knowledge/{shelf.id}/"
    assert not Document.objects.exists()
    assert manager.post(f"{at}forget/").status_code == 404


def test_lists_are_narrowed_and_their_statements_do_not_grow(browse, shelf, statements):
    reader = browse("reviewer")
    document(shelf, b"One.", title="One", media_type="text/plain")
    few = [statements(reader, f"/knowledge/{shelf.id}/"), statements(reader, "/knowledge/")]
    for n in range(30):
        add_document(collection=shelf, prepared=read(b"%d." % n, "text/plain"), title=f"Number {n}", by=SETUP)
    assert [statements(reader, f"/knowledge/{shelf.id}/"), statements(reader, "/knowledge/")] == few
    assert max(few) <= 25
    assert "30 not indexed yet" in text(reader.get("/knowledge/"))
    assert f"/knowledge/{shelf.id}/?page=2" in text(reader.get(f"/knowledge/{shelf.id}/"))
    narrowed = reader.get(f"/knowledge/{shelf.id}/?status=ready&title=on").context["page"]
    assert [row.title for row in narrowed.documents] == ["One"]
    assert "Nothing matches" in text(reader.get(f"/knowledge/{shelf.id}/?title=%00nothing"))


@pytest.mark.parametrize("query", ["", "x" * 2001])
def test_a_search_that_says_nothing_or_too_much_gets_a_sentence(browse, shelf, query):
    answer = browse("reviewer").post("/knowledge/search/", {"query": query})
    assert answer.status_code == 422
    assert 'role="alert"' in text(answer)


def test_a_search_without_its_model_says_so(browse, shelf):
    shelf.model = "gone"
    shelf.save()
    answer = browse("reviewer").post("/knowledge/search/", {"query": "refund"})
    assert (answer.status_code, "gone is not here" in text(answer)) == (503, True)


def test_when_a_document_is_found_is_said_in_words(cast, shelf):
    now = timezone.now().replace(microsecond=0)
    made = document(shelf)
    date_document(document=made, valid_from=None, valid_until=None, by=SETUP)
    assert holds(made.valid_from, made.valid_until, now) == ""
    late = now.replace(year=now.year + 1)
    assert holds(None, late, now).startswith("Found until ")
    assert holds(late, None, now).startswith("Found from ")
    assert "until" in holds(late, late.replace(year=now.year + 2), now)
    assert holds(None, now, now).startswith("Archived")
