"""Signing in at the real server, behind what the documentation asks of a proxy."""

import re

import httpx2
import pytest

from tests.integration.console.test_single_sign_on import MEMBER
from tests.issuer import CLIENT, SECRET, Issuer

pytestmark = pytest.mark.django_db(transaction=True)


def try_password(base, address, password):
    with httpx2.Client(base_url=base, headers={"X-Forwarded-For": address}) as client:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/sign-in/").text)[1]
        given = {"username": "owner@example.com", "password": password, "csrfmiddlewaretoken": token}
        return client.post("/sign-in/", data=given).status_code


def test_addresses_come_from_the_proxy_and_single_sign_on_works_under_asgi(cast, serve):
    with Issuer(person=dict(MEMBER)) as issuer:
        named = {"OIDC_ISSUER": issuer.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": SECRET}
        allowed = issuer.url.removeprefix("http://")
        _, base = serve(**named, OUTBOUND_ALLOWED=allowed, SIGN_IN_FAILURES="2", FORWARDED_ALLOW_IPS="127.0.0.1")
        with httpx2.Client(base_url=base) as client:
            away = client.get("/sign-in/with/")
            assert away.headers["Location"].startswith(f"{issuer.url}/authorize?")
            assert client.get(issuer.authorize(away.headers["Location"])).headers["Location"] == "/"
            assert "Second factor" in client.get("/inbox/").text
    assert [try_password(base, "192.0.2.1", "wrong") for _ in range(2)] == [200, 429]
    assert try_password(base, "192.0.2.2", "wrong") == 200, "another address is counted for itself"
