"""Signing in and out, switching workspaces, and what people are shown when something cannot be done."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone

from tests.factories import PASSWORD
from workspaces.errors import StaleState
from workspaces.operations import people


def stale(request):
    raise StaleState("Somebody was faster <b>.")


def where(request):
    return HttpResponse(request.workspace.name)


def broken(request):
    raise RuntimeError("secret insides")


urlpatterns = [
    path("stale/", stale),
    path("where/", where),
    path("broken/", broken),
    path("", include("config.urls")),
]
handler400, handler403 = "config.problems.bad_request", "config.problems.forbidden"
handler404, handler500 = "config.problems.not_found", "config.problems.broken"
pytestmark = pytest.mark.urls(__name__)


def sign_in(client, name="member", password=PASSWORD, **more):
    return client.post("/sign-in/", {"username": f"{name}@example.com", "password": password, **more})


def test_pages_send_the_anonymous_to_the_sign_in(client, db):
    answer = client.get("/where/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/where/")
    assert ">E-mail<" in client.get("/sign-in/").content.decode()


def test_sign_in_shows_the_persons_workspace_and_sign_out_ends_it(cast, client):
    assert sign_in(client, next="/where/")["Location"] == "/where/"
    assert client.get("/where/").content == b"Here"
    assert client.get("/sign-out/").status_code == 405
    assert client.get("/where/").status_code == 200
    assert client.post("/sign-out/").status_code == 302
    assert client.get("/where/").status_code == 302


def test_sign_in_never_leads_elsewhere(cast, client):
    assert sign_in(client, next="https://evil.example/")["Location"] == "/"


@pytest.mark.parametrize("name", ["disabled", "nobody"])
def test_sign_in_refuses_disabled_and_unknown_people_alike(cast, client, name):
    answer = sign_in(client, name)
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_service_accounts_have_no_password(cast, client):
    client.post("/sign-in/", {"username": cast.service.email, "password": ""})
    assert "_auth_user_id" not in client.session


def test_guessing_passwords_is_slowed_down(cast, client, settings):
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 3
    answers = [sign_in(client, password="wrong").status_code for _ in range(3)]
    assert answers[-1] == 429
    locked = sign_in(client)
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert b"too many wrong passwords" in locked.content


def test_passwords_are_counted_by_account_and_address_and_unknown_accounts_alike(cast, settings):
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 3
    near, far = Client(REMOTE_ADDR="192.0.2.1"), Client(REMOTE_ADDR="192.0.2.2")
    known, unknown = [[sign_in(near, name, "wrong") for _ in range(4)] for name in ("member", "nobody")]
    assert (
        [answer.status_code for answer in known] == [answer.status_code for answer in unknown] == [200, 200, 429, 429]
    )
    shown = [re.sub(rb"\w{64}", b"", answers[-1].content) for answers in (known, unknown)]  # the token of the form
    assert shown[0] == shown[1]
    assert sign_in(near, "MEMBER").status_code == 429
    assert sign_in(near, "owner").status_code == 302
    assert sign_in(far).status_code == 302
    call_command("axes_reset_username", "member@example.com")
    assert sign_in(Client(REMOTE_ADDR="192.0.2.1")).status_code == 302


def test_capitals_do_not_make_more_tries(cast, client, settings):
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 3
    assert [sign_in(client, name, "wrong").status_code for name in ("member", "Member", "MEMBER")] == [200, 200, 429]


def test_lock_out_ends_by_itself_and_is_not_prolonged_by_trying(cast, client, settings):
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 2
    for _ in range(2):
        sign_in(client, password="wrong")
    now = timezone.now()
    with time_machine.travel(now + timedelta(minutes=14)):
        assert sign_in(client).status_code == 429
    with time_machine.travel(now + timedelta(minutes=16)):
        assert sign_in(client).status_code == 302


def test_switching_is_a_post_to_a_workspace_of_ones_own(cast, client):
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=cast.stranger)
    sign_in(client)
    wanted = {"workspace": str(cast.elsewhere.id), "next": "//evil.example"}
    assert client.get("/workspaces/switch/", wanted).status_code == 405
    assert client.post("/workspaces/switch/", wanted)["Location"] == "/"
    assert client.get("/where/").content == b"Elsewhere"


def test_invariant_14_switching_to_a_foreign_workspace_is_404(cast, client):
    sign_in(client)
    answer = client.post("/workspaces/switch/", {"workspace": str(cast.elsewhere.id)})
    assert answer.status_code == 404
    assert b"no such workspace" in answer.content
    assert client.get("/where/").content == b"Here"


def test_domain_error_is_a_page_with_its_sentence_and_hint(cast, client):
    sign_in(client)
    answer = client.get("/stale/")
    assert answer.status_code == 409
    assert b"Somebody was faster &lt;b&gt;." in answer.content
    assert b"Load it again" in answer.content


def test_unknown_page_and_fault_of_ours_are_pages(cast):
    client = Client(raise_request_exception=False)
    sign_in(client)
    assert client.get("/nothing-here/").status_code == 404
    answer = client.get("/broken/")
    assert answer.status_code == 500
    assert b"secret" not in answer.content


def test_forged_form_and_huge_form_are_refused_with_a_sentence(cast):
    client = Client(enforce_csrf_checks=True)
    forged = client.post("/sign-in/", {"username": "a", "password": "b"})
    assert forged.status_code == 403
    assert b"not sent from a page of yours" in forged.content
    huge = Client(raise_request_exception=False).post("/sign-in/", {"username": "x" * (2 * 1024 * 1024 + 1)})
    assert huge.status_code == 413
    assert b"2 MB" in huge.content
