"""A collection on its way to another model: whole before and after, whatever dies or changes meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import ClassVar

import pytest
from django.db import connection
from django.utils import timezone

from memory import embeddings, engine
from memory.embeddings import WordLlama, name_of
from memory.engine import reembed
from memory.errors import EmbeddingUnavailable
from memory.models import Chunk, ChunkVector, Collection, Document, Reembedding
from memory.operations import begin_reembedding, cancel_reembedding, forget_document
from memory.operations.reembedding import claim_reembedding, forget_old_vectors, store_batch, swap_reembedding
from memory.retrieval import search
from tests.factories import SETUP
from tests.house import events
from tests.integration.knowledge.conftest import Letters, collection, document
from workspaces.errors import Forbidden, NotFound, StaleState
from workspaces.failpoints import Failpoint, acting

pytestmark = pytest.mark.django_db
OLD = "wordllama-l2-256"


class Died(BaseException):
    """A worker that is killed: nothing catches it, nothing is tidied up."""


class Failing(Letters):
    """Serves some requests, and then what ``then`` does."""

    name: ClassVar[str] = "failing"

    def __init__(self, good, then):
        self.good, self.then = good, then

    def embed(self, texts):
        self.good -= 1
        return super().embed(texts) if self.good >= 0 else self.then(texts)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(engine, "BATCH", 2)


@pytest.fixture
def shelf(cast, letters):
    """A collection of seven passages, embedded by the built-in model."""
    made = collection(cast)
    text = b"\n".join(b"## Part %d\n\nRefunds of part %d take a week.\n" % (n, n) for n in range(7))
    document(made, text, title="Parts")
    return made


@pytest.fixture
def serving():
    """Make further models known, and forget them."""
    added = []

    def serve(model):
        embeddings.register(model)
        added.append(model.name)
        return model

    yield serve
    for name in added:
        embeddings._known.pop(name, None)


def begin(shelf, model="letters"):
    return begin_reembedding(collection=shelf, model=model, by=SETUP)


def in_force(shelf):
    return Collection.objects.get(pk=shelf.pk).model


def made_by(shelf):
    found = ChunkVector.objects.filter(chunk__document__collection=shelf).values_list("model", flat=True)
    return {model: list(found).count(model) for model in set(found)}


def similar(shelf):
    found = search(Collection.objects.filter(pk=shelf.pk), "refund of part 3", words=False, limit=20)
    return [(passage.chunk_id, round(passage.similarity, 6)) for passage in found]


def expire(one):
    Reembedding.objects.filter(pk=one.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_the_old_vectors_serve_whole_until_the_new_are_complete(shelf):
    before, one = similar(shelf), begin(shelf)
    seen = []
    with acting(lambda point: point == Failpoint.BATCH_STORED and seen.append((in_force(shelf), similar(shelf)))):
        assert reembed()
    one.refresh_from_db()
    assert seen == [(OLD, before)] * 4
    assert (one.status, one.done, one.total, in_force(shelf)) == ("complete", 7, 7, "letters")
    after = similar(shelf)
    assert len(after) == 7
    assert after != before
    assert made_by(shelf) == {OLD: 7, "letters": 7}  # searches that had begun may still look
    Reembedding.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
    assert reembed()
    assert made_by(shelf) == {"letters": 7}
    assert similar(shelf) == after
    assert not reembed()
    assert events(one) == ["reembedding.begun", "reembedding.complete"]


def test_a_search_that_began_before_the_swap_keeps_to_its_model(shelf, monkeypatch):
    before, one = similar(shelf), begin(shelf)
    real = WordLlama.embed

    def slow(self, texts):  # the swap happens while the query itself is embedded
        if not Reembedding.objects.get(pk=one.pk).finished_at:
            reembed()
        return real(self, texts)

    monkeypatch.setattr(WordLlama, "embed", slow)
    assert similar(shelf) == before
    assert in_force(shelf) == "letters"


@pytest.mark.parametrize(("point", "kept"), [(Failpoint.BATCH_EMBEDDED, 2), (Failpoint.BATCH_STORED, 4)])
def test_a_worker_that_is_killed_loses_no_batch_but_its_own(shelf, point, kept):
    one, left = begin(shelf), [2]

    def kill(here):
        left[0] -= here == point
        if here == point and not left[0]:
            raise Died

    with pytest.raises(Died), acting(kill):
        reembed()
    assert made_by(shelf) == {OLD: 7, "letters": kept}
    assert in_force(shelf) == OLD
    assert claim_reembedding() is None  # its lease holds yet
    expire(one)
    assert reembed()
    one.refresh_from_db()
    assert (one.status, one.done, one.attempt, in_force(shelf)) == ("complete", 7, 2, "letters")


def test_one_that_was_believed_dead_changes_nothing_any_more(shelf):
    begin(shelf)
    slow = claim_reembedding()
    chunks = list(Chunk.objects.all()[:2])
    expire(slow)
    quick = claim_reembedding()
    assert quick.attempt == slow.attempt + 1
    assert not store_batch(slow, chunks, [None, None])
    assert "letters" not in made_by(shelf)
    assert swap_reembedding(slow)  # nothing is left for it to do
    assert in_force(shelf) == OLD


def test_a_worker_that_ends_hands_over_at_once(shelf):
    begin(shelf)
    answers = iter([False, True])
    assert reembed(lambda: next(answers))
    assert made_by(shelf) == {OLD: 7, "letters": 2}
    assert reembed()
    assert in_force(shelf) == "letters"


def test_documents_added_and_forgotten_during_the_run_are_in_it_and_out_of_it(shelf):
    one, done = begin(shelf), []

    def change(point):
        if point == Failpoint.BATCH_EMBEDDED and not done:
            done.append(document(shelf, b"A parcel takes six days.", "New", media_type="text/plain"))
            forget_document(document=Document.objects.get(title="Parts"), by=SETUP)

    with acting(change):
        reembed()
    one.refresh_from_db()
    assert (one.status, in_force(shelf)) == ("complete", "letters")
    assert made_by(shelf) == {OLD: 1, "letters": 1}
    assert [passage.title for passage in search(Collection.objects.all(), "parcel", words=False)] == ["New"]


def test_a_document_that_was_embedded_by_the_old_model_while_it_was_swapped_is_embedded_again(shelf, monkeypatch):
    begin(shelf)
    real = WordLlama.embed

    def swapped(self, texts):
        found = real(self, texts)
        monkeypatch.setattr(WordLlama, "embed", real)
        reembed()
        return found

    monkeypatch.setattr(WordLlama, "embed", swapped)
    shelf.refresh_from_db()
    made = document(shelf, b"A parcel takes six days.", "New", media_type="text/plain")
    assert {vector.model for chunk in made.chunks.all() for vector in chunk.vectors.all()} == {"letters"}


def test_changed_again_during_the_run_the_latest_word_holds(shelf, serving):
    serving(Failing(99, None))
    first, later = begin(shelf), []

    def change(point):
        if point == Failpoint.BATCH_STORED and not later:
            later.append(begin(shelf, "failing"))

    with acting(change):
        reembed()
    first.refresh_from_db()
    assert (first.status, in_force(shelf)) == ("cancelled", OLD)
    assert reembed()
    assert in_force(shelf) == "failing"
    Reembedding.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
    while forget_old_vectors():
        pass
    assert made_by(shelf) == {"failing": 7}


@pytest.mark.parametrize("width", [8, 512])
def test_another_width_in_the_middle_stops_it_with_a_sentence_and_it_goes_on_later(shelf, serving, width):
    model = serving(Failing(2, lambda texts: [[1.0] * width for _ in texts]))
    one = begin(shelf, "failing")
    reembed()
    one.refresh_from_db()
    assert (one.status, one.done, in_force(shelf)) == ("stopped", 4, OLD)
    assert f"gave vectors of {width} numbers" in one.explanation
    assert "begin it again" in one.explanation
    assert len(similar(shelf)) == 7
    assert not reembed()
    model.good = 99
    again = begin(shelf, "failing")
    assert (again.pk, again.explanation) == (one.pk, "")
    reembed()
    assert (in_force(shelf), model.good) == ("failing", 97)  # the first four were not asked for again


def test_an_endpoint_that_fails_in_the_middle_stops_it_and_cancelling_keeps_the_model(shelf, serving):
    def refuse(texts):
        raise EmbeddingUnavailable("The embedding endpoint answered 503.", "Check EMBEDDINGS_URL.")

    serving(Failing(1, refuse))
    one = begin(shelf, "failing")
    reembed()
    one.refresh_from_db()
    assert (one.status, "answered 503" in one.explanation) == ("stopped", True)
    cancel_reembedding(collection=shelf, by=SETUP)
    Reembedding.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
    assert forget_old_vectors() == 2
    assert made_by(shelf) == {OLD: 7}
    with pytest.raises(NotFound):
        cancel_reembedding(collection=shelf, by=SETUP)


def test_the_same_model_again_gets_a_label_of_its_own(shelf):
    one = begin(shelf, OLD)
    assert (one.model, name_of(one.model)) == (f"{OLD}#2", OLD)
    before = similar(shelf)
    reembed()
    assert in_force(shelf) == f"{OLD}#2"
    assert similar(shelf) == before
    assert begin(shelf, OLD).model == f"{OLD}#3"


def test_only_owners_begin_it_and_only_with_a_model_that_is_here(cast, shelf, letters):
    for by in (cast.reviewer, cast.member, cast.service):
        with pytest.raises(Forbidden):
            begin_reembedding(collection=shelf, model="letters", by=by)
    with pytest.raises(NotFound):
        cancel_reembedding(collection=shelf, by=cast.stranger)
    with pytest.raises(EmbeddingUnavailable, match="gone is not here"):
        begin(shelf, "gone")
    type(letters).dimension = 12
    try:
        with pytest.raises(EmbeddingUnavailable, match="12 numbers; 256 are stored"):
            begin(shelf)
    finally:
        type(letters).dimension = 256
    begin(shelf)
    with pytest.raises(StaleState, match="already"):
        begin(shelf)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_share_one_claim_and_two_people_begin_one(cast, letters):
    shelf = collection(cast)
    document(shelf)
    together = Barrier(2)

    def race(act):
        together.wait()
        try:
            return act()
        except StaleState:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        begun = list(pool.map(race, [lambda: begin(shelf)] * 2))
        claimed = list(pool.map(race, [claim_reembedding] * 2))
    assert sum(one is not None for one in begun) == Reembedding.objects.count() == 1
    assert sum(one is not None for one in claimed) == 1


def test_the_api_begins_it_shows_how_far_it_is_and_cancels(cast, client, shelf):
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    url = f"/api/v1/collections/{shelf.id}/reembedding/"
    assert client.get(url).status_code == 404
    begun = client.post(url, {"model": "letters"}, content_type="application/json")
    assert (begun.status_code, begun.json()["status"], begun.json()["total"]) == (202, "running", 7)
    assert client.post(url, {"model": "letters"}, content_type="application/json").status_code == 409
    absent = client.post(url, {"model": "gone"}, content_type="application/json")
    assert (absent.status_code, list(absent.json()["errors"])) == (422, ["model"])
    made = {"name": "new", "title": "New", "model": "gone"}
    assert client.post("/api/v1/collections/", made, content_type="application/json").status_code == 422
    assert client.delete(url).json()["status"] == "cancelled"
    assert client.delete(url).status_code == 404


def test_the_console_shows_progress_and_the_sentence(cast, client, shelf, serving):
    serving(Failing(1, lambda texts: [[1.0] for _ in texts]))
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    page = f"/knowledge/{shelf.id}/"
    assert client.post(f"{page}reembedding/", {"model": "failing"}).status_code == 302
    assert "0 of 7 passages" in client.get(page).content.decode()
    reembed()
    shown = client.get(page).content.decode()
    assert "2 of 7 passages" in shown
    assert "gave vectors of 1 numbers" in shown
    assert "searches use what wordllama-l2-256 made" in shown
    assert client.post(f"{page}reembedding/cancel/").status_code == 302
    assert "of 7 passages" not in client.get(page).content.decode()
