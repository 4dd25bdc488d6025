"""The second factor: setting it up, signing in with it, losing it, and workspaces that ask for it."""

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from axes.models import AccessAttempt
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.ledger.models import Event
from tests.factories import PASSWORD, SETUP
from workspaces import crypto
from workspaces.errors import DomainError, Forbidden
from workspaces.models import User
from workspaces.operations import factors as operations
from workspaces.operations import people
from workspaces.operations.rotating import rotate_secrets
from workspaces.signin import factors, sealing

pytestmark = pytest.mark.django_db


def code_of(secret, later=0):
    """The code that the app shows now, or the one ``later`` steps on, which clocks that differ may show already."""
    counter = list(totp.yield_hotp_counters_from_time())[1] + later
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def enrol(user):
    """Set a second factor up and return its secret; its first code is spent."""
    secret = factors.new_secret()
    operations.set_up_factor(user=user, secret=secret, code=code_of(secret), by=user)
    return secret


def sign_in(client, name="member", **more):
    return client.post("/sign-in/", {"username": f"{name}@example.com", "password": PASSWORD, **more})


def verbs():
    return list(Event.objects.filter(subject_type="user").order_by("sequence").values_list("verb", flat=True))


def text(answer):
    return answer.content.decode()


def test_person_sets_it_up_sees_the_codes_once_and_signs_in_with_it(cast, browse):
    member, elsewhere = browse("member"), browse("member")
    page = member.get("/second-factor/")
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7 ]+)"', text(page))[1].replace(" ", "")
    assert "<svg" in text(page)
    assert "no-store" in page["Cache-Control"]
    assert secret not in str(dict(member.session))
    wrong = {"code": "000000", "password": PASSWORD}
    assert member.post("/second-factor/", wrong).status_code == 422
    assert "not your password" in text(member.post("/second-factor/", {"code": code_of(secret), "password": "x"}))
    shown = member.post("/second-factor/", {"code": code_of(secret), "password": PASSWORD})
    codes = re.findall(r"<li>(\d{4} \d{4})</li>", text(shown))
    assert len(set(codes)) == 10
    assert codes[0] not in text(member.get("/second-factor/"))
    assert member.get("/inbox/").status_code == 200
    assert elsewhere.get("/inbox/").status_code == 302, "other sessions did not see it"
    assert verbs()[-1] == "user.second_factor_set_up"
    client = Client()
    assert sign_in(client, next="/runs/")["Location"] == "/sign-in/code/"
    assert "_auth_user_id" not in client.session
    assert client.get("/inbox/")["Location"] == "/sign-in/?next=/inbox/"
    assert client.post("/sign-in/code/", {"code": code_of(secret)}).status_code == 422, "used when it was set up"
    assert client.post("/sign-in/code/", {"code": code_of(secret, 1)})["Location"] == "/runs/"
    other = Client()
    sign_in(other)
    assert other.post("/sign-in/code/", {"code": code_of(secret, 1)}).status_code == 422, "it serves once"
    assert other.post("/sign-in/code/", {"code": codes[3]})["Location"] == "/"
    assert "9 are left" in text(other.get("/inbox/"))
    third = Client()
    sign_in(third)
    assert third.post("/sign-in/code/", {"code": codes[3].replace(" ", "")}).status_code == 422


def test_secrets_are_sealed_for_their_person_and_follow_new_keys(cast, settings):
    secret = enrol(cast.member)
    rows = {row.type: row for row in Authenticator.objects.filter(user=cast.member)}
    assert secret not in str([row.data for row in rows.values()])
    sealed = rows["totp"].data["secret"]
    with pytest.raises(crypto.Unreadable):
        sealing.unseal(sealed, cast.owner.pk)
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["next:" + base64.b64encode(b"n" * 32).decode(), *old]
    done = rotate_secrets(by=SETUP)
    assert (done.renewed, done.unreadable) == (2, [])
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert factors.spend(cast.member, code_of(secret, 1)) == "totp"
    assert factors.codes_left(cast.member) == 10
    assert verbs()[-1] == "user.second_factor_rewrapped"


def test_first_step_is_worth_ten_minutes_and_one_password(cast):
    secret = enrol(cast.member)
    client, changed = Client(), Client()
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"
    sign_in(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post("/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"
    sign_in(changed)
    user = User.objects.get(pk=cast.member.pk)
    user.set_password("another long password")
    user.save()
    assert changed.post("/sign-in/code/", {"code": code_of(secret, 1)})["Location"] == "/sign-in/"
    people.disable_user(user=cast.member, by=cast.owner)
    assert changed.get("/sign-in/code/")["Location"] == "/sign-in/"


def test_removing_and_new_codes_ask_for_the_factor_again(cast):
    secret, member = enrol(cast.member), Client()
    sign_in(member)
    member.post("/sign-in/code/", {"code": code_of(secret, 1)})
    for place in ("codes", "remove"):
        assert member.post(f"/second-factor/{place}/", {"code": "123"}).status_code == 422
        assert member.post(f"/second-factor/{place}/", {}).status_code == 422
    assert member.post("/second-factor/", {"code": "1"}).status_code == 409
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        shown = member.post("/second-factor/codes/", {"code": code_of(secret)})
        code = re.findall(r"<li>(\d{4} \d{4})</li>", text(shown))[0]
        assert member.post("/second-factor/remove/", {"code": code})["Location"] == "/second-factor/"
    assert not Authenticator.objects.exists()
    assert "Set it up" in text(member.get("/second-factor/"))
    assert sign_in(Client())["Location"] == "/"
    assert verbs()[-2:] == ["user.recovery_codes_renewed", "user.second_factor_removed"]


def test_owner_sees_who_has_one_and_resets_it_for_whoever_lost_it(cast, browse, mailoutbox):
    secret, member = enrol(cast.member), Client()
    sign_in(member)
    member.post("/sign-in/code/", {"code": code_of(secret, 1)})
    owner, address = browse("owner"), f"/people/{cast.member.id}/"
    assert text(owner.get("/people/")).count("set up</span>") == 1
    assert "A second factor is set up" in text(owner.get(address))
    assert owner.post(f"{address}second-factor/reset/")["Location"] == address
    assert mailoutbox[-1].to == ["member@example.com"]
    assert "Owner has reset your second factor" in mailoutbox[-1].body
    assert member.get("/inbox/").status_code == 302
    assert sign_in(Client())["Location"] == "/"
    assert verbs()[-1] == "user.second_factor_reset"
    assert owner.post(f"{address}second-factor/reset/").status_code == 409
    people.add_member(workspace=cast.elsewhere, user=cast.member, by=SETUP)
    enrol(cast.member)
    with pytest.raises(Forbidden):
        operations.reset_factor(user=cast.member, by=cast.owner)
    with pytest.raises(Forbidden):
        operations.reset_factor(user=cast.owner, by=cast.owner)


def test_nobody_changes_the_second_factor_of_somebody_else(cast):
    secret = factors.new_secret()
    with pytest.raises(Forbidden):
        operations.set_up_factor(user=cast.member, secret=secret, code=code_of(secret), by=cast.owner)
    enrol(cast.member)
    for operation in (operations.remove_factor, operations.renew_codes):
        with pytest.raises(Forbidden):
            operation(user=cast.member, code="1", by=cast.owner)
    with pytest.raises(DomainError, match="already"):
        enrol(cast.member)


def test_operator_resets_it_for_the_only_owner(cast, capsys):
    enrol(cast.owner)
    call_command("reset_second_factor", "Owner@example.com")
    assert "is reset, and they were told" in capsys.readouterr().out
    for address in ("owner@example.com", "nobody@example.com"):
        with pytest.raises(CommandError):
            call_command("reset_second_factor", address)


def test_workspace_that_asks_for_one_lets_nobody_go_on_without(cast, browse, desk):
    owner, member = browse("owner"), browse("member")
    assert owner.post("/people/second-factor/", {"required": "yes"}).status_code == 403, "the owner has none"
    secret = enrol(cast.owner)
    owner = Client()
    sign_in(owner, "owner")
    owner.post("/sign-in/code/", {"code": code_of(secret, 1)})
    assert owner.post("/people/second-factor/", {"required": "yes"}).status_code == 302
    assert owner.post("/people/second-factor/", {"required": "yes"}).status_code == 409
    assert "missing" in text(owner.get("/people/"))
    for place in ("/inbox/", "/runs/", "/admin/", "/live/"):
        assert member.get(place)["Location"] == "/second-factor/"
    assert member.post("/workspaces/switch/", {}).status_code == 403
    api = member.get("/api/v1/me/")
    assert (api.status_code, api.json()["code"]) == (403, "second_factor_required")
    key = {"authorization": f"Bearer {cast.service_key}"}
    assert Client().get("/api/v1/me/", headers=key).status_code == 200
    page = text(member.get("/second-factor/"))
    assert "asks its people for a second factor" in page
    assert "/inbox/" not in page
    secret = re.search(r'id="secret"[^>]*value="([A-Z2-7 ]+)"', page)[1].replace(" ", "")
    member.post("/second-factor/", {"code": code_of(secret), "password": PASSWORD})
    assert member.get("/inbox/").status_code == 200
    assert "An owner of it can reset yours" in text(member.get("/second-factor/"))
    assert member.post("/second-factor/remove/", {"code": code_of(secret, 1)}).status_code == 403
    assert owner.post("/people/second-factor/", {}).status_code == 302
    assert browse("finance").get("/inbox/").status_code == 200
    made = Event.objects.filter(subject_type="workspace").order_by("sequence").values_list("verb", flat=True)
    assert list(made)[-2:] == ["workspace.second_factor_required", "workspace.second_factor_optional"]


def test_wrong_codes_lock_the_person_wherever_they_come_from(cast, browse, settings):
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 3
    secret = enrol(cast.member)
    clients = [Client(REMOTE_ADDR=f"192.0.2.{number}") for number in range(4)]
    for client in clients:
        sign_in(client)
    tries = [client.post("/sign-in/code/", {"code": "000000"}).status_code for client in clients[:3]]
    assert tries == [422, 422, 429]
    locked = clients[3].post("/sign-in/code/", {"code": code_of(secret, 1)})
    assert (locked.status_code, locked["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes" in text(locked)
    assert Client().get("/api/v1/me/", headers={"authorization": f"Bearer {cast.service_key}"}).status_code == 200
    owner = Client()
    sign_in(owner, "owner")
    assert owner.post(f"/people/{cast.member.id}/unlock/").status_code == 302
    assert clients[3].post("/sign-in/code/", {"code": code_of(secret, 1)}).status_code == 302
    assert "000000" not in str(list(AccessAttempt.objects.values()))
    assert verbs()[-1] == "user.unlocked"


def test_open_session_does_not_let_codes_be_guessed(cast, settings):
    secret, member = enrol(cast.member), Client()
    sign_in(member)
    member.post("/sign-in/code/", {"code": code_of(secret, 1)})
    settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 2
    tries = [member.post("/second-factor/remove/", {"code": "000000"}).status_code for _ in range(3)]
    assert tries == [422, 429, 429]
