"""People in a browser, and a run that waits for them."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import PASSWORD


@pytest.fixture
def browse(cast):
    """Return a function that signs somebody of the cast in, in a browser of their own; "anonymous" stays out."""

    def sign_in(name: str) -> Client:
        client = Client()
        if name != "anonymous":
            client.login(username=f"{name}@example.com", password=PASSWORD)
        return client

    return sign_in


@pytest.fixture
def asked(desk):
    """A run of the owner's that waits for people on a change and a reply."""
    customer = desk.crm.anybody()
    ticket = f"Hello, I am {customer['name']}, {customer['email']}. Please move me to the gold tier."
    return desk.begin("asked", lambda: desk.start(ticket))


@pytest.fixture
def statements():
    """Return a function that counts the statements of one GET, once everything that is loaded once is loaded."""

    def count(client: Client, address: str, **headers: str) -> int:
        client.get(address, headers=headers)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(address, headers=headers).status_code == 200
        return len(captured)

    return count
