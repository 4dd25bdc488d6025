"""Taking documents in, trusting, dating and forgetting them: who may, what is stored, what is left."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.ledger.models import Event
from memory.models import Chunk, Collection, CollectionGrant, Document
from memory.operations import (
    add_document,
    create_collection,
    date_document,
    forget_document,
    index_document,
    prepare_document,
    trust_document,
)
from memory.retrieval import search
from tests.factories import SETUP
from tests.house import events
from tests.integration.knowledge.conftest import REFUNDS, collection, document
from workspaces.errors import DomainError, Forbidden, InvalidInput, NotFound, StaleState, TooLarge
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


def prepared(content=b"Other text", media_type="text/plain"):
    return prepare_document(content=content, media_type=media_type)


def test_a_document_is_read_cut_and_found(policies):
    made = Document.objects.get(title="Policy")
    assert (made.status, made.trust, made.text) == ("ready", "untrusted", REFUNDS.decode())
    chunks = list(made.chunks.order_by("ordinal"))
    assert [chunk.heading_path[-1] for chunk in chunks] == ["Monthly plans", "Annual plans"]
    assert [made.text[chunk.start : chunk.end] for chunk in chunks] == [chunk.text for chunk in chunks]
    assert {vector.model for chunk in chunks for vector in chunk.vectors.all()} == {policies.model}
    assert events(made) == ["document.added", "document.ready"]


def test_only_managers_fill_and_only_owners_make_and_trust(cast, policies):
    made = Document.objects.get(title="Policy")
    for by in (cast.reviewer, cast.finance, cast.member, cast.stranger, cast.disabled):
        for attempt in (
            lambda by=by: add_document(collection=policies, prepared=prepared(), title="T", by=by),
            lambda by=by: index_document(document=made, by=by),
            lambda by=by: date_document(document=made, valid_from=None, valid_until=None, by=by),
            lambda by=by: forget_document(document=made, by=by),
            lambda by=by: trust_document(document=made, trust="trusted", by=by),
            lambda by=by: create_collection(workspace=cast.workspace, name="n", title="T", by=by),
        ):
            with pytest.raises((Forbidden, NotFound)):
                attempt()
    add_document(collection=policies, prepared=prepared(), title="T", by=cast.service)
    with pytest.raises(Forbidden):
        trust_document(document=made, trust="trusted", by=cast.service)
    trust_document(document=made, trust="trusted", by=cast.owner)
    with pytest.raises(StaleState):
        trust_document(document=made, trust="trusted", by=cast.owner)


def test_rights_stay_in_the_workspace(cast, policies):
    theirs = collection(cast, "theirs", workspace=cast.elsewhere)
    with pytest.raises(NotFound):
        teams.grant(team=cast.reviewers, codename="view_collection", target=theirs, by=SETUP)
    right = CollectionGrant.objects.first()
    with pytest.raises(IntegrityError, match="same workspace"), transaction.atomic():
        CollectionGrant.objects.create(group=right.group, permission=right.permission, content_object=theirs)
    Document.objects.filter(title="Policy").update(collection=theirs)
    with pytest.raises(IntegrityError, match="document_collection_same_workspace"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_same_document_is_taken_once_a_collection(cast, policies):
    with pytest.raises(StaleState, match="in the collection already"):
        document(policies)
    assert document(collection(cast, "other")).status == "ready"
    with pytest.raises(InvalidInput, match="named other already"):
        collection(cast, "other")


def test_a_document_that_is_indexed_already_is_left_alone(policies):
    made = Document.objects.get(title="Policy")
    before = set(made.chunks.values_list("id", flat=True))
    with pytest.raises(StaleState):
        index_document(document=made, by=SETUP)
    assert set(made.chunks.values_list("id", flat=True)) == before


def test_a_document_that_failed_is_indexed_again(cast, letters):
    where = collection(cast, model="letters")
    letters.width = 3
    made = document(where)
    assert (made.status, made.chunks.count()) == ("failed", 0)
    assert index_document(document=made, by=SETUP).status == "failed"
    letters.width = 256
    assert index_document(document=made, by=SETUP).status == "ready"
    made.refresh_from_db()
    assert (made.explanation, made.chunks.count()) == ("", 2)
    assert events(made) == ["document.added", "document.failed", "document.ready"]


@pytest.mark.parametrize(
    "values",
    [
        {"title": ""},
        {"title": "a\u202eb"},
        {"title": "t" * 201},
        {"source": "s" * 501},
        {"source": "a\nb"},
        {"valid_from": timezone.now(), "valid_until": timezone.now() - timedelta(days=1)},
    ],
)
def test_unusable_labels_are_refused(policies, values):
    with pytest.raises(InvalidInput) as refusal:
        add_document(collection=policies, prepared=prepared(), **{"title": "T", **values}, by=SETUP)
    assert refusal.value.hint
    assert Document.objects.count() == 2


def test_too_large_and_unreadable_documents_leave_nothing(policies, settings):
    settings.KNOWLEDGE_UPLOAD_BYTES, settings.KNOWLEDGE_TEXT_CHARACTERS = 1000, 500
    for content, kind in ((b"a" * 1001, TooLarge), (b"a" * 501, InvalidInput), (b"a\x00b", InvalidInput)):
        with pytest.raises(kind) as refusal:
            prepared(content)
        assert refusal.value.message
    with pytest.raises(InvalidInput, match="are not read here"):
        prepared(media_type="image/png")
    assert Document.objects.count() == 2


def test_text_without_words_is_kept_and_has_no_vector(policies):
    made = document(policies, "\u200b\u202e \u2800".encode(), "Odd", "text/plain")
    assert made.status == "ready"
    search(Collection.objects.all(), "\u2800")


def everywhere(word):
    """Return the tables of the application in which any row holds ``word`` in any column."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f'SELECT count(*) FROM "{model._meta.db_table}" t WHERE t::text ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.append(model._meta.label)
    return found


def test_forgetting_leaves_no_text_no_vector_and_an_event_of_ids_alone(cast, policies):
    content = b"Zanzibar is where Zebulon lives."
    made = document(policies, content, "About Zebulon", "text/plain", source="zebulon.txt")
    assert set(everywhere("zebulon")) == {"memory.Document", "memory.Chunk"}
    chunk, digest, key = made.chunks.get().id, made.digest, made.pk
    forget_document(document=made, by=cast.owner)
    assert everywhere("zebulon") == everywhere("zanzibar") == everywhere(digest) == everywhere(str(chunk)) == []
    assert not Chunk.objects.filter(document_id=key).exists()
    last = Event.objects.order_by("sequence").last()
    assert (last.verb, last.subject_id) == ("document.forgotten", str(key))
    assert last.body == {"collection": str(policies.pk), "passages": 1}
    made.pk = key
    for again in (
        lambda: forget_document(document=made, by=SETUP),
        lambda: date_document(document=made, valid_from=None, valid_until=None, by=SETUP),
    ):
        with pytest.raises(DomainError):
            again()
