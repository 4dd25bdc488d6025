"""Vectors from an endpoint: in order, as wide as the column, or refused with a sentence; nothing is lost."""

import pytest

from memory import embeddings
from memory.embedding_endpoint import BATCH, EmbeddingEndpoint, register_endpoint
from memory.errors import EmbeddingUnavailable
from memory.models import Collection
from memory.retrieval import search
from tests.integration.knowledge.conftest import Letters as Counting
from tests.integration.knowledge.conftest import collection, document


@pytest.fixture
def endpoint(httpserver, settings):
    """A model behind an endpoint that counts letters and answers in reverse order."""
    settings.OUTBOUND_ALLOWED = [f"{httpserver.host}:{httpserver.port}"]
    settings.EMBEDDINGS_URL = httpserver.url_for("/v1/")
    settings.EMBEDDINGS_MODEL, settings.EMBEDDINGS_KEY = "letters-remote", "sk-hush"
    register_endpoint()
    yield httpserver
    embeddings._known.pop("letters-remote", None)


def speak(server, *, width=256, status=200, body=None):
    def answer(request):
        from werkzeug import Response

        asked = request.get_json()
        assert request.headers["Authorization"] == "Bearer sk-hush"
        assert (asked["model"], asked["dimensions"], len(asked["input"]) <= BATCH) == ("letters-remote", 256, True)
        vectors = Counting().embed(asked["input"])
        rows = [{"index": n, "embedding": vector[:width]} for n, vector in enumerate(vectors)]
        import json

        return Response(body or json.dumps({"data": rows[::-1]}), status, content_type="application/json")

    server.expect_request("/v1/embeddings", method="POST").respond_with_handler(answer)


def test_vectors_come_in_the_order_of_their_texts(endpoint):
    speak(endpoint)
    texts = ["a" * (n + 1) for n in range(BATCH + 3)]
    found = embeddings._known["letters-remote"].embed(texts)
    assert [vector[0] for vector in found] == [float(n + 1) for n in range(BATCH + 3)]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"width": 128}, "vectors of 128 numbers"),
        ({"status": 401}, "answered 401"),
        ({"body": "<html>"}, "can be read"),
        ({"body": '{"data": [{"index": 0}]}'}, "does not follow the protocol"),
        ({"body": '{"data": [{"index": 0, "embedding": [NaN]}]}'}, "does not follow the protocol"),
        ({"body": '{"data": [{"index": 0, "embedding": [1e999]}]}'}, "does not follow the protocol"),
        ({"body": '{"data": [{"index": 1, "embedding": [1.0]}]}'}, "does not follow the protocol"),
        ({"body": '{"data": [{"index": Infinity, "embedding": [1.0]}]}'}, "does not follow the protocol"),
    ],
)
def test_what_is_no_vector_is_refused_with_a_sentence(endpoint, how, words):
    speak(endpoint, **how)
    with pytest.raises(EmbeddingUnavailable, match=words):
        embeddings.vectors_of(["a"], model="letters-remote", dimension=256)


def test_addresses_inside_are_not_reached(settings):
    settings.OUTBOUND_ALLOWED = []
    inside = EmbeddingEndpoint(name="m", url="http://127.0.0.1:9/v1", key="", seconds=1)
    with pytest.raises(EmbeddingUnavailable, match="may not be reached"):
        inside.embed(["a"])


@pytest.mark.django_db
def test_another_width_leaves_the_document_and_says_why(endpoint, cast):
    speak(endpoint, width=128)
    made = collection(cast, "remote", model="letters-remote")
    failed = document(made, b"Some text.", media_type="text/plain")
    assert failed.status == "failed"
    assert "128" in failed.explanation
    assert failed.text == "Some text."


@pytest.mark.django_db
def test_vectors_of_two_models_are_never_mixed(endpoint, cast):
    speak(endpoint)
    for name, model in (("here", "wordllama-l2-256"), ("remote", "letters-remote")):
        document(collection(cast, name, model=model), b"Refunds take a week.", media_type="text/plain")
    found = search(Collection.objects.all(), "refund", words=False)
    assert [passage.vector_place for passage in found] == [1, 1]  # each model ranks its own
