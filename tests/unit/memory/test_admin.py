"""Collections and documents in the admin, by the same operations as everywhere."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from memory import embeddings
from memory.models import Chunk, Collection, CollectionGrant, Document
from memory.operations import prepare_document
from tests.admin_pages import Pages, events, said
from tests.integration.knowledge.conftest import Letters, letters
from workspaces.database import release_connection

__all__ = ["letters"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def pages(cast):
    return Pages(cast.owner)


@pytest.fixture
def collection(cast, pages):
    form = {"workspace": cast.workspace.pk, "name": "policies", "title": "Policies", "model": "wordllama-l2-256"}
    assert pages.add(Collection, **form).status_code == 302
    return Collection.objects.get()


def form(collection, content, **more):
    file = SimpleUploadedFile("refunds.txt", content)
    kind = {"media_type": "text/plain", "title": "Refunds", "source": "", **more}
    return {"collection": collection.pk, "file": file, **kind}


@pytest.fixture
def document(pages, collection):
    answer = pages.add(Document, **form(collection, b"A refund takes a week."))
    assert answer.status_code == 302, said(answer)
    return Document.objects.get()


def test_a_file_becomes_a_document_that_can_be_trusted_and_forgotten(cast, pages, collection, document):
    assert (document.status, document.trust, document.chunks.count()) == ("ready", "untrusted", 1)
    pages.act("trust", document)
    document.refresh_from_db()
    assert document.trust == "trusted"
    assert "trusted already" in pages.act("trust", document).content.decode()
    pages.act("distrust", document)
    assert "cannot become ready" in pages.act("index", document).content.decode()
    assert pages.delete(document).status_code == 200
    assert not Document.objects.exists()
    assert not Chunk.objects.exists()
    for verb in ("collection.created", "document.added", "document.ready", "document.forgotten"):
        assert events(verb, cast.owner) == 1, verb


def test_a_file_is_read_and_embedded_while_no_transaction_is_open(pages, collection, letters):
    class Away(Letters):
        name = "letters"

        def embed(self, texts):
            release_connection()  # as an endpoint does; refused within a transaction
            return super().embed(texts)

    embeddings.register(Away())
    Collection.objects.update(model="letters")
    markdown = form(collection, b"# Terms\n\nA week.", media_type="text/markdown")
    assert pages.add(Document, **markdown).status_code == 302
    assert Document.objects.get().status == "ready"
    with transaction.atomic(), pytest.raises(RuntimeError, match="a transaction is open"):
        prepare_document(content=b"A week.", media_type="text/plain")


def test_a_document_that_cannot_be_embedded_is_kept_and_says_why(pages, collection, letters):
    letters.width = 8
    Collection.objects.update(model="letters")
    assert pages.add(Document, **form(collection, b"A week.")).status_code == 302
    assert "vectors of 8 numbers" in pages.get(Document).content.decode()
    assert Document.objects.get().status == "failed"


def test_a_document_is_dated(pages, document):
    late = {
        "valid_from_0": "2026-02-01",
        "valid_from_1": "00:00",
        "valid_until_0": "2026-01-01",
        "valid_until_1": "00:00",
    }
    assert "end to hold before it begins" in said(pages.change(document, **late))
    assert pages.change(document, **{**late, "valid_until_0": "2026-03-01"}).status_code == 302
    document.refresh_from_db()
    assert document.valid_until.month == 3


def test_an_unreadable_file_is_said_beside_its_field(pages, collection):
    answer = pages.add(Document, **form(collection, b"a\x00b"))
    assert answer.status_code == 200
    assert "the character NUL" in str(answer.context["adminform"].form.errors["file"])
    assert not Document.objects.exists()


def test_a_team_is_given_a_right(cast, pages, collection):
    given = {"content_object": collection.pk, "team": cast.reviewers.pk, "right": "view_collection"}
    assert pages.add(CollectionGrant, **given).status_code == 302
    assert Collection.objects.readable_by(cast.reviewer).get() == collection


def test_pages_open_for_owners_and_stay_closed_to_strangers(cast, pages, document):
    stranger = Pages(cast.stranger)
    for row in (document, document.collection, document.chunks.get()):
        assert (pages.get(row).status_code, pages.get(row, "change").status_code) == (200, 200)
        assert stranger.get(row, "change").status_code == 404
        assert str(row.pk) not in stranger.get(row).content.decode()
