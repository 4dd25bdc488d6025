"""Single sign-on with a real issuer on loopback: who comes in, who does not, and what an issuer may try."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from audit.ledger.models import Event
from tests.factories import SETUP
from tests.integration.console.test_second_factor import code_of, enrol
from tests.issuer import CLIENT, SECRET, Issuer, key
from workspaces.access import role_in
from workspaces.models import User
from workspaces.operations import people
from workspaces.operations.factors import reset_factor
from workspaces.operations.invitations import invite

pytestmark = pytest.mark.django_db
MEMBER = {"sub": "m-1", "email": "Member@example.com", "email_verified": True, "name": "Member"}


@pytest.fixture
def issuer(settings):
    with Issuer(person=dict(MEMBER)) as running:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = running.url, CLIENT, SECRET
        settings.OIDC_NAME = "Acme ID"
        settings.OUTBOUND_ALLOWED = [running.url.removeprefix("http://")]
        yield running


def begin(client, onward="/people/"):
    return client.get("/sign-in/with/", {"next": onward})


def sign_on(issuer, client):
    return client.get(issuer.authorize(begin(client)["Location"]))


def signed_in(client):
    return User.objects.filter(pk=client.session.get("_auth_user_id")).first()


def test_without_an_issuer_there_is_no_button_and_no_page(db, client):
    assert b"Sign in with" not in client.get("/sign-in/").content
    for name in ("console:single-sign-on", "console:single-sign-on-back"):
        assert client.get(reverse(name)).status_code == 404


def test_person_of_the_workspace_comes_in_and_is_known_by_the_subject_from_then_on(cast, client, issuer):
    assert "Sign in with Acme ID" in client.get("/sign-in/?next=/people/").content.decode()
    answer = sign_on(issuer, client)
    assert (answer.status_code, answer["Location"]) == (302, "/people/")
    assert signed_in(client) == cast.member
    assert issuer.asked == ["/.well-known/openid-configuration"] * 2 + ["/token", "/keys", "/userinfo"]
    assert Event.objects.filter(verb="user.single_sign_on_linked").count() == 1
    issuer.person["email"] = "renamed@example.com"
    again = Client()
    sign_on(issuer, again)
    assert signed_in(again) == cast.member
    assert Event.objects.filter(verb="user.single_sign_on_linked").count() == 1
    issuer.person = {**MEMBER, "sub": "m-2"}
    taken = sign_on(issuer, Client())
    assert taken.status_code == 403
    assert b"another account of the issuer" in taken.content
    reset_factor(user=cast.member, by=cast.owner)
    assert client.get("/inbox/").status_code == 302
    assert sign_on(issuer, Client()).status_code == 302


def test_second_factor_is_asked_for_after_single_sign_on_too(cast, client, issuer):
    secret = enrol(cast.member)
    assert sign_on(issuer, client)["Location"] == "/sign-in/code/"
    assert signed_in(client) is None
    assert client.post("/sign-in/code/", {"code": code_of(secret, 1)})["Location"] == "/people/"
    assert signed_in(client) == cast.member


def test_invited_person_joins_without_a_password_and_others_do_not(cast, client, issuer):
    issuer.person = {"sub": "a", "email": "ada@example.org", "email_verified": True, "name": "Ada  Byron"}
    refused = sign_on(issuer, client)
    assert refused.status_code == 403
    assert b"ask an owner" in refused.content.lower()
    invitation = invite(workspace=cast.workspace, email="ada@example.org", role="auditor", by=cast.owner)
    sign_on(issuer, client)
    ada = signed_in(client)
    assert (ada.email, ada.name, ada.has_usable_password()) == ("ada@example.org", "Ada Byron", False)
    assert role_in(ada, cast.workspace.id) == "auditor"
    invitation.refresh_from_db()
    assert invitation.accepted_by == ada


def test_invitation_of_somebody_who_owns_nothing_any_more_lets_nobody_in(cast, client, issuer):
    issuer.person = {"sub": "a", "email": "ada@example.org", "email_verified": True}
    invite(workspace=cast.workspace, email="ada@example.org", by=cast.owner)
    people.change_role(workspace=cast.workspace, user=cast.finance, role="owner", by=SETUP)
    people.change_role(workspace=cast.workspace, user=cast.owner, role="member", by=SETUP)
    assert sign_on(issuer, client).status_code == 403
    assert not User.objects.filter(email="ada@example.org").exists()


@pytest.mark.parametrize(
    "person",
    [
        {**MEMBER, "email_verified": False},
        {**MEMBER, "email_verified": "yes"},
        {"sub": "m-1", "email": "member@example.com"},
        {"sub": "m-1"},
        {**MEMBER, "email": "disabled@example.com"},
        {**MEMBER, "email": ["member@example.com"]},
    ],
)
def test_unverified_missing_and_disabled_people_stay_out(cast, client, issuer, person):
    issuer.person = person
    assert sign_on(issuer, client).status_code == 403
    assert signed_in(client) is None
    assert not Event.objects.filter(verb="user.single_sign_on_linked").exists()


def test_address_of_the_token_does_not_borrow_the_user_pages_word(cast, client, issuer):
    issuer.person = {"sub": "m-1", "email": "member@example.com"}
    issuer.claims = {"email": "somebody@example.org", "email_verified": True}
    assert sign_on(issuer, client).status_code == 403


def test_somebody_disabled_after_linking_stays_out(cast, client, issuer):
    sign_on(issuer, client)
    people.disable_user(user=cast.member, by=cast.owner)
    assert sign_on(issuer, Client()).status_code == 403


def hostile(issuer, name):
    now = int(time.time())
    claims = {
        "another nonce": {"nonce": "guessed"},
        "no nonce": {"nonce": None},
        "expired": {"exp": now - 120, "iat": now - 600},
        "without an end": {"exp": None},
        "for another application": {"aud": "another"},
        "made for another application": {"aud": [CLIENT, "another"], "azp": "another"},
        "of another issuer": {"iss": "https://evil.example"},
        "of somebody else than the user page": {"sub": "m-9"},
    }
    issuer.claims = claims.get(name, {})
    if name == "signed by somebody else":
        issuer.signs_with = key()
    if name == "signed with the client's secret":
        issuer.signs_with, issuer.algorithm = SECRET.ljust(64, "."), "HS512"
    if name == "an issuer of another name":
        issuer.description = {"issuer": "https://evil.example"}


@pytest.mark.parametrize(
    "name",
    [
        "another nonce",
        "no nonce",
        "expired",
        "without an end",
        "for another application",
        "made for another application",
        "of another issuer",
        "of somebody else than the user page",
        "signed by somebody else",
        "signed with the client's secret",
        "an issuer of another name",
    ],
)
def test_token_that_is_not_to_be_believed_lets_nobody_in(cast, client, issuer, name):
    back = issuer.authorize(begin(client)["Location"])
    hostile(issuer, name)
    answer = client.get(back)
    assert answer.status_code == 403
    assert b"could not be believed" in answer.content
    assert signed_in(client) is None


def test_state_is_of_this_session_and_serves_once(cast, client, issuer):
    back = issuer.authorize(begin(client)["Location"])
    assert Client().get(back).status_code == 403
    assert client.get(back.replace("state=", "state=x")).status_code == 403
    assert issuer.asked.count("/token") == 0
    assert client.get(back).status_code == 302
    assert client.get(back).status_code == 403
    assert Client().get("/sign-in/with/back/").status_code == 403


def test_somebody_who_changed_their_mind_is_told_so(cast, client, issuer):
    state = issuer.authorize(begin(client)["Location"]).split("state=")[1]
    answer = client.get("/sign-in/with/back/", {"error": "access_denied", "state": state})
    assert answer.status_code == 403
    assert b"did not sign on" in answer.content


@pytest.mark.parametrize("place", ["/.well-known/openid-configuration", "/token", "/keys", "/userinfo"])
def test_issuer_that_hangs_holds_nothing_up_for_long(cast, client, issuer, settings, place):
    back = "/sign-in/with/"
    if place != "/.well-known/openid-configuration":
        back = issuer.authorize(begin(client)["Location"])
    issuer.hangs, settings.OIDC_SECONDS = place, 1
    began = time.monotonic()
    answer = client.get(back)
    assert time.monotonic() - began < 10
    assert answer.status_code == 503
    assert b"does not answer" in answer.content


def test_issuer_inside_our_network_is_asked_only_where_it_is_listed(cast, client, issuer, settings):
    settings.OUTBOUND_ALLOWED = []
    assert begin(client).status_code == 503
    assert issuer.asked == []


def test_way_there_leads_back_to_ourselves_only(cast, client, issuer):
    answer = client.get(issuer.authorize(begin(client, "https://evil.example/")["Location"]))
    assert answer["Location"] == "/"
