"""Knowledge over the API: taking documents in as JSON and as files, searching them, and forgetting them."""

import base64

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from memory.models import Chunk, Collection, Document
from memory.operations import index_document
from tests.factories import SETUP
from tests.integration.knowledge.conftest import REFUNDS, collection, document, letters
from tests.unit.memory.documents import bomb, pdf
from workspaces.ids import uuid7
from workspaces.models import IdempotencyRecord
from workspaces.operations import teams

__all__ = ["letters"]

pytestmark = pytest.mark.django_db
API = "/api/v1/"


@pytest.fixture
def policies(cast):
    made = collection(cast)
    teams.grant(team=cast.operators, codename="manage_collection", target=made, by=SETUP)
    return made


@pytest.fixture
def address(policies):
    return f"{API}collections/{policies.id}/documents/"


def as_json(**values):
    return {"title": "Policy", "media_type": "text/plain", "text": "Refunds take a week.", **values}


def upload(client, address, name, data, **fields):
    return client.post(address, {"file": SimpleUploadedFile(name, data), **fields}, format="multipart")


def test_a_program_fills_a_collection_and_searches_it(service_client, client_of, cast):
    made = client_of("owner").post(f"{API}collections/", {"name": "policies", "title": "Policies"})
    assert made.status_code == 201, made.content
    here = made["Location"]
    assert made.json()["model"] == "wordllama-l2-256"
    assert service_client.get(here).status_code == 404
    teams.grant(team=cast.operators, codename="manage_collection", target=Collection.objects.get(), by=SETUP)
    taken = upload(service_client, f"{here}documents/", "refunds.md", REFUNDS, source="https://example.com/refunds")
    assert taken.status_code == 201, taken.content
    shown = service_client.get(taken["Location"]).json()
    assert (shown["title"], shown["media_type"], shown["status"]) == ("refunds", "text/markdown", "ready")
    assert (shown["trust"], shown["characters"]) == ("untrusted", len(REFUNDS))
    passages = service_client.get(f"{taken['Location']}passages/").json()["results"]
    assert [passage["heading_path"][-1] for passage in passages] == ["Monthly plans", "Annual plans"]
    for where in (f"{here}search/", f"{API}search/"):
        found = service_client.post(where, {"query": "annual plan", "limit": 1}).json()["results"]
        assert [(one["chunk_id"], one["source"]) for one in found] == [
            (passages[1]["id"], "https://example.com/refunds")
        ]
    assert service_client.delete(taken["Location"]).status_code == 204
    assert service_client.get(taken["Location"]).status_code == 404
    assert service_client.post(f"{API}search/", {"query": "annual plan"}).json() == {"results": []}


def test_documents_come_as_text_as_base64_and_as_files(service_client, address):
    sent = [
        service_client.post(address, as_json()),
        service_client.post(address, as_json(text=None) | {"content": "x"}),
        service_client.post(address, {**as_json(), "content": "YQ=="}),
        upload(service_client, address, "a.pdf", pdf(b"Parcels take six days.")),
        upload(service_client, address, "b.html", b"<h1>Hi</h1>there", title="Hello"),
        upload(service_client, address, "c.exe", b"MZ"),
        upload(service_client, address, "c.exe", b"plain after all", media_type="text/plain"),
    ]
    bytes_only = as_json(content=base64.b64encode("Größe".encode("utf-16")).decode())
    del bytes_only["text"]
    sent.append(service_client.post(address, bytes_only))
    assert [answer.status_code for answer in sent] == [201, 422, 422, 201, 201, 422, 201, 201]
    titles = list(Document.objects.order_by("id").values_list("title", "text"))
    assert titles == [
        ("Policy", "Refunds take a week."),
        ("a", "Parcels take six days."),
        ("Hello", "Hi\n\nthere"),
        ("c", "plain after all"),
        ("Policy", "Größe"),
    ]


@pytest.mark.parametrize(
    ("name", "data", "status", "sentence"),
    [
        ("a.pdf", bomb(150), 422, "The PDF unpacks|too much time or memory"),
        ("a.pdf", b"%PDF-1.7 broken", 422, "broken or no PDF"),
        ("a.txt", b"a\x00b", 422, "the character NUL"),
        ("a.txt", bytes(range(1, 256)) * 20, 422, "no encoding that is known|not text"),
        ("a.txt", b"x" * 10_000_001, 413, "at most 10,000,000 bytes"),
        ("a.txt", b"", 422, "holds no text"),
    ],
    ids=["bomb", "broken", "nul", "encoding", "large", "empty"],
)
def test_hostile_files_are_a_sentence_and_leave_nothing(service_client, address, name, data, status, sentence):
    answer = upload(service_client, address, name, data)
    assert answer.status_code == status, answer.content
    told = answer.json()
    assert any(part in told["detail"] for part in sentence.split("|")), told
    assert told["hint"]
    assert not Document.objects.exists()


def test_a_form_without_a_file_or_with_two_is_refused(service_client, address):
    none = service_client.post(address, {"title": "x"}, format="multipart")
    two = {"file": SimpleUploadedFile("a.txt", b"a"), "other": SimpleUploadedFile("b.txt", b"b")}
    both = service_client.post(address, two, format="multipart")
    assert [(answer.status_code, answer.json()["detail"]) for answer in (none, both)] == [
        (400, "Send one document, in the field named file.")
    ] * 2


def test_a_form_that_cannot_be_read_is_a_problem_in_words(service_client, address):
    long = upload(service_client, address, "a.txt", b"a", title="x" * (2 * 1024 * 1024 + 1))
    assert (long.status_code, long["Content-Type"], long.json()["code"]) == (
        413,
        "application/problem+json",
        "too_large",
    )
    broken = service_client.post(address, b"--", content_type="multipart/form-data")
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed")
    assert "multipart/form-data" in broken.json()["hint"]


def test_what_somebody_else_has_indexed_meanwhile_is_taken(service_client, cast, letters, monkeypatch):
    made, embed = collection(cast, "letters", model="letters"), letters.embed
    teams.grant(team=cast.operators, codename="manage_collection", target=made, by=SETUP)

    def embed_after_another(texts):
        monkeypatch.setattr(letters, "embed", embed)
        index_document(document=Document.objects.get(), by=SETUP)
        return embed(texts)

    monkeypatch.setattr(letters, "embed", embed_after_another)
    answer = service_client.post(f"{API}collections/{made.id}/documents/", as_json())
    assert (answer.status_code, Document.objects.get().status, Chunk.objects.count()) == (201, "ready", 1)


def test_sent_twice_is_taken_once_and_the_stored_answer_tells_nothing(service_client, address):
    first, second = (service_client.post(address, as_json(), HTTP_IDEMPOTENCY_KEY="one") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Document.objects.get().status == "ready"
    assert "Policy" not in str(IdempotencyRecord.objects.values_list("response", flat=True))
    again = service_client.post(address, as_json())
    assert (again.status_code, again.json()["detail"]) == (409, "This very document is in the collection already.")


def test_managers_date_and_owners_trust(service_client, client_of, policies):
    path = f"{API}documents/{document(policies).id}/"
    dated = service_client.patch(path, {"valid_until": "2026-01-01T00:00:00Z"})
    assert (dated.status_code, dated.json()["valid_until"]) == (200, "2026-01-01T00:00:00Z")
    assert service_client.post(f"{API}search/", {"query": "annual"}).json() == {"results": []}
    assert service_client.patch(path, {"valid_from": "2026-02-01T00:00:00Z"}).status_code == 422
    assert service_client.patch(path, {"trust": "trusted"}).status_code == 403
    owner = client_of("owner")
    assert owner.patch(path, {"trust": "trusted", "valid_until": None}).json()["trust"] == "trusted"
    assert owner.patch(path, {"trust": "trusted"}).status_code == 409
    found = owner.post(f"{API}search/", {"query": "annual"}).json()["results"]
    assert {one["trust"] for one in found} == {"trusted"}
    assert owner.post(f"{path}index/").status_code == 409


def test_readers_may_not_forget(client_of, cast, policies):
    teams.grant(team=cast.reviewers, codename="view_collection", target=policies, by=SETUP)
    made = document(policies)
    assert client_of("reviewer").delete(f"{API}documents/{made.id}/").status_code == 403
    assert Chunk.objects.filter(document=made).exists()


def test_invariant_14_foreign_and_absent_are_the_same_statements(client_of, cast):
    theirs = collection(cast, "theirs", workspace=cast.elsewhere)
    foreign = document(theirs, b"text", media_type="text/plain")
    owner = client_of("owner")
    for path, row in (("collections/%s/", theirs), ("documents/%s/", foreign), ("documents/%s/passages/", foreign)):
        assert asked(owner, "get", path % row.id) == asked(owner, "get", path % uuid7())
    search = "collections/%s/search/"
    assert asked(owner, "post", search % theirs.id) == asked(owner, "post", search % uuid7())
    assert owner.post(f"{API}search/", {"query": "text"}).json() == {"results": []}


def asked(client, verb, path):
    with CaptureQueriesContext(connection) as captured:
        answer = getattr(client, verb)(API + path, {"query": "text"} if verb == "post" else None)
    assert answer.status_code == 404
    return len(captured), answer.json()["detail"]


def test_a_search_costs_the_same_however_much_there_is(client_of, policies):
    owner = client_of("owner")

    def count():
        with CaptureQueriesContext(connection) as captured:
            assert owner.post(f"{API}search/", {"query": "annual plan"}).status_code == 200
        return len(captured)

    document(policies, b"One.", media_type="text/plain")
    before = count()
    for number in range(3):
        document(policies, b"Text %d." % number, media_type="text/plain")
    assert count() == before


@pytest.mark.parametrize(
    "body", [{}, {"query": ""}, {"query": "a" * 2001}, {"query": "a", "limit": 0}, {"query": "a", "limit": 21}]
)
def test_unusable_searches_are_refused(client_of, body):
    answer = client_of("owner").post(f"{API}search/", body)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)


def test_a_change_of_which_one_part_cannot_be_changes_nothing(client_of, policies):
    made = document(policies)
    times = {"valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}
    answer = client_of("owner").patch(f"{API}documents/{made.id}/", {"trust": "trusted", **times}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["valid_until"])
    assert Document.objects.get().trust == "untrusted"
