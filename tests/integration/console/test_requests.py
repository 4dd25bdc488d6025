"""The inbox, the request page and its forms, over a real desk."""

import pytest

from tests.factories import PASSWORD

CHANGE, REPLY = "crm.customer.update", "mail.reply"


@pytest.fixture
def asked(desk, cast):
    """A run of the owner's that waits for people on a change and a reply."""
    customer = desk.crm.anybody()
    run = desk.start(f"Hello, I am {customer['name']}, {customer['email']}. Please move me to the gold tier.")
    return run


@pytest.fixture
def signed_in(client):
    def sign_in(name):
        assert client.login(username=f"{name}@example.com", password=PASSWORD)
        return client

    return sign_in


def test_inbox_lists_what_waits(desk, asked, signed_in):
    answer = signed_in("reviewer").get("/inbox/")
    assert answer.status_code == 200
    assert b"Update customer" in answer.content
    assert b"2 waiting for you" in answer.content


def test_request_page_reads_like_a_memo(desk, asked, signed_in):
    request = desk.request_for(asked, CHANGE)
    answer = signed_in("reviewer").get(f"/requests/{request.id}/")
    assert answer.status_code == 200
    for part in (b"Approve", b"Can be undone exactly", b"What changes", b"Evidence", request.evidence_digest.encode()):
        assert part in answer.content


def test_approving_is_one_post_of_the_digest_seen(desk, asked, signed_in):
    request = desk.request_for(asked, CHANGE)
    sent = {"kind": "approve", "binding": request.evidence_digest}
    answer = signed_in("reviewer").post(f"/requests/{request.id}/decisions/", sent)
    assert (answer.status_code, answer["Location"]) == (302, f"/requests/{request.id}/")
    request.refresh_from_db()
    assert request.status == "approved"
