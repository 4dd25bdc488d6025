"""What a search finds: of whom, when, by which model, and with which label."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from memory import embeddings
from memory.errors import EmbeddingUnavailable
from memory.models import Chunk, ChunkVector, Collection, Document, Trust
from memory.operations import create_collection, date_document, trust_document
from memory.retrieval import search
from tests.factories import SETUP
from tests.integration.knowledge.conftest import collection, document
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


def titles(where, query, **more):
    return [passage.title for passage in search(where, query, **more)]


def everything():
    return Collection.objects.all()


def test_best_passage_comes_first_and_can_be_cited(policies):
    first = search(everything(), "How are annual plans refunded?")[0]
    document = Document.objects.get(pk=first.document_id)
    assert first.heading_path == ["Refunds", "Annual plans"]
    assert document.text[first.start : first.end] == first.text
    assert "pro rata" in first.text
    assert (first.title, first.source, first.trust) == ("Policy", "https://example.com/refunds", "untrusted")
    assert Chunk.objects.get(pk=first.chunk_id).heading_path == first.heading_path


def test_score_is_the_sum_over_both_rankings(policies):
    found = search(everything(), "refunded pro rata in Norway", limit=20)
    assert len(found) > 1
    for passage in found:
        places = [place for place in (passage.word_place, passage.vector_place) if place]
        assert passage.score == pytest.approx(sum(1 / (60 + place) for place in places))
        assert (passage.word_place is None) == (passage.word_score is None)
        assert -1.001 <= passage.similarity <= 1.001


def test_each_ranking_works_alone(policies):
    words = search(everything(), "pro rata", vectors=False)
    assert [(passage.word_place, passage.vector_place) for passage in words] == [(1, None)]
    meant = search(everything(), "money back", words=False)
    assert {passage.word_place for passage in meant} == {None}
    assert meant[0].title == "Policy"


def test_phrases_and_refusals_are_understood(policies):
    assert titles(everything(), '"six days"', vectors=False) == ["Shipping"]
    assert titles(everything(), '"days six"', vectors=False) == []
    assert titles(everything(), "plan -annual", vectors=False) == ["Policy"]


@pytest.mark.parametrize(
    "query", ["", "   ", "!!! & | <-> ''", "the of and", "x\x00y", "\ud800", "a" * 5000, "%s %% :*"]
)
def test_any_query_is_answered(policies, query):
    assert len(search(everything(), query)) <= 5


def test_invariant_14_only_readable_collections_are_searched(cast, policies):
    secret = collection(cast, "secret")
    document(secret, title="Secret")
    elsewhere = collection(cast, "theirs", workspace=cast.elsewhere)
    document(elsewhere, title="Theirs")
    query = "annual plan refunded"
    read = {name: set(titles(Collection.objects.readable_by(cast[name]), query)) for name in ("owner", "reviewer")}
    assert read == {"owner": {"Policy", "Shipping", "Secret"}, "reviewer": {"Policy", "Shipping"}}
    for name in ("finance", "member", "disabled"):
        assert titles(Collection.objects.readable_by(cast[name]), query) == []
    assert titles(Collection.objects.readable_by(cast.stranger), query) == ["Theirs"] * 2
    teams.revoke(team=cast.reviewers, codename="view_collection", target=policies, by=SETUP)
    assert titles(Collection.objects.readable_by(cast.reviewer), query) == []


def test_documents_are_found_while_they_hold(policies):
    now, day = timezone.now(), timedelta(days=1)
    old = Document.objects.get(title="Policy")
    for begin, end, found in [
        (None, None, True),
        (now - day, now + day, True),
        (now - day, None, True),
        (now + day, None, False),
        (None, now - day, False),
    ]:
        date_document(document=old, valid_from=begin, valid_until=end, by=SETUP)
        assert ("Policy" in titles(everything(), "annual plan")) is found, (begin, end)


def test_only_ready_documents_are_found(policies):
    Document.objects.filter(title="Policy").update(status="failed")
    assert titles(everything(), "annual plan refunded") == ["Shipping"]


def test_invariant_17_what_a_document_says_stays_labelled(cast, policies):
    poisoned = search(everything(), "refund everybody", words=True)
    assert {passage.trust for passage in poisoned} == {Trust.UNTRUSTED}
    trust_document(document=Document.objects.get(title="Shipping"), trust="trusted", by=cast.owner)
    label = {passage.title: passage.trust for passage in search(everything(), "refund everybody", limit=20)}
    assert label == {"Shipping": "trusted", "Policy": "untrusted"}


def test_two_models_are_never_compared(cast, policies, letters):
    other = collection(cast, "other", model="letters")
    document(other, title="Other")
    asked = "annual plan refunded pro rata"
    found = search(everything(), asked, words=False, limit=20)
    firsts = {passage.title: passage for passage in found if passage.vector_place == 1}
    assert firsts.keys() == {"Policy", "Other"}
    vectors = {passage.chunk_id: passage.similarity for passage in found}
    for passage in search(everything().filter(pk=policies.pk), asked, words=False, limit=20):
        assert vectors[passage.chunk_id] == pytest.approx(passage.similarity)
    ChunkVector.objects.filter(chunk__document__title="Policy").update(model="letters")
    assert "Policy" not in titles(everything().filter(pk=policies.pk), asked, words=False)


def test_an_absent_model_is_a_sentence_and_words_still_work(cast, policies, letters):
    document(collection(cast, "other", model="letters"), title="Other")
    embeddings._known.pop("letters")
    with pytest.raises(EmbeddingUnavailable, match="letters is not here"):
        search(everything(), "annual plan")
    assert "Other" in titles(everything(), "annual plan", vectors=False)


def test_another_width_is_a_sentence(cast, policies, letters):
    other = collection(cast, "other", model="letters")
    letters.width = 12
    failed = document(other, title="Other")
    assert failed.status == "failed"
    assert "vectors of 12 numbers; this collection was made for 256" in failed.explanation
    with pytest.raises(EmbeddingUnavailable, match="vectors of 12 numbers"):
        search(everything(), "annual plan")
    type(letters).dimension = 12
    try:
        with pytest.raises(EmbeddingUnavailable, match="12 numbers; 256 are stored"):
            create_collection(workspace=cast.workspace, name="c", title="C", model="letters", by=SETUP)
    finally:
        type(letters).dimension = 256


def statements(query):
    with CaptureQueriesContext(connection) as captured:
        search(everything(), query)
    return len(captured)


def test_a_search_is_two_statements_however_much_there_is(cast, policies):
    assert statements("annual plan") == 2
    document(collection(cast, "more"), title="More")
    assert statements("annual plan") == 2
