"""Inviting by e-mail: the link serves one address, once, for a while, and only a POST joins."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from audit.ledger.models import Event
from tests.factories import PASSWORD, SETUP
from tests.house import at_once
from workspaces.access import role_in
from workspaces.errors import DomainError
from workspaces.models import Invitation, Membership, User
from workspaces.operations import invitations, people

pytestmark = pytest.mark.django_db
ADDRESS = "ada@example.org"
NEW = {"name": "Ada Byron", "password": "a long and winding road"}


def text(answer):
    return answer.content.decode()


def words(answer):
    """What is read of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", "", text(answer)).split())


def link_in(mail):
    return re.search(r"http://testserver(/join/\S+/)", mail.body)[1]


@pytest.fixture
def invited(browse, mailoutbox, cast):
    """Return a function that lets the owner invite an address, and returns the link in the e-mail."""

    def invite(email=ADDRESS, role="member"):
        answer = browse("owner").post("/people/invitations/", {"email": email, "role": role})
        assert answer.status_code == 302, text(answer)
        assert mailoutbox[-1].to == [email.lower()]
        return link_in(mailoutbox[-1])

    return invite


def test_new_person_chooses_a_name_and_a_password_and_is_in(cast, invited):
    link, client = invited(email="Ada@Example.org", role="auditor"), Client()
    for _ in range(2):
        page = client.get(link)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
    assert "Owner invites ada@example.org as auditor" in words(page)
    assert not User.objects.filter(email=ADDRESS).exists()
    assert client.post(link, NEW)["Location"] == "/inbox/"
    ada = User.objects.get(email=ADDRESS)
    assert (ada.name, ada.check_password(NEW["password"]), ada.is_staff) == ("Ada Byron", True, False)
    assert role_in(ada, cast.workspace.id) == "auditor"
    assert "You belong to Here now." in words(client.get("/inbox/"))
    assert "accepted already" in text(Client().post(link, NEW))
    verbs = Event.objects.filter(subject_type="invitation").order_by("sequence").values_list("verb", flat=True)
    assert list(verbs) == ["invitation.created", "invitation.sent", "invitation.accepted"]
    assert ADDRESS not in str(list(Event.objects.values()))


def test_unusable_name_or_password_is_said_and_typed_text_stays(cast, invited):
    link = invited()
    answer = Client().post(link, {**NEW, "password": "short"})
    assert answer.status_code == 422
    assert 'value="Ada Byron"' in text(answer)
    assert "too short" in text(answer)
    assert "short" not in re.sub(r"too short", "", re.findall(r"<input[^>]*password[^>]*>", text(answer))[0])
    assert Client().post(link, {**NEW, "name": " "}).status_code == 422
    assert Client().post(link, {**NEW, "name": "two\x07bells"}).status_code == 422
    assert Client().post(link, {}).status_code == 422
    assert not User.objects.filter(email=ADDRESS).exists()


def test_known_person_signs_in_and_joins_with_the_account_they_have(cast, browse, invited):
    link = invited(email=cast.stranger.email)
    anonymous = Client()
    assert f"/sign-in/?next={link}" in text(anonymous.get(link))
    assert anonymous.post(link, NEW)["Location"] == f"/sign-in/?next={link}"
    assert anonymous.post(link, NEW).status_code == 302
    assert User.objects.get(pk=cast.stranger.pk).check_password(PASSWORD)
    other = browse("member")
    assert "signed in as Member" in words(other.get(link))
    refused = other.post(link)
    assert refused.status_code == 403
    assert "for somebody else" in text(refused)
    stranger = browse("stranger")
    assert stranger.post(link)["Location"] == "/inbox/"
    assert role_in(cast.stranger, cast.workspace.id) == "member"
    assert stranger.get(link).status_code == 409


def test_link_is_nobody_elses_to_make_and_ends(cast, browse, invited, mailoutbox):
    link, owner = invited(), browse("owner")
    for wrong in (link[:-3] + "xx/", "/join/x/", "/join/" + "a" * 3000 + "/"):
        assert Client().get(wrong).status_code == 404
    invitation = Invitation.objects.get()
    assert owner.post(f"/people/invitations/{invitation.id}/repeat/").status_code == 302
    assert "later e-mail" in text(Client().post(link, NEW))
    again = link_in(mailoutbox[-1])
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "has run out" in text(Client().post(again, NEW))
    assert "run out" in text(owner.get("/people/invitations/"))
    assert owner.post(f"/people/invitations/{invitation.id}/withdraw/").status_code == 302
    assert "withdrawn" in text(Client().get(again))
    for end in ("withdraw", "repeat"):
        assert owner.post(f"/people/invitations/{invitation.id}/{end}/").status_code == 409
    assert not User.objects.filter(email=ADDRESS).exists()


def test_invitation_is_worth_what_the_right_of_its_sender_is_worth_now(cast, invited):
    link = invited()
    people.change_role(workspace=cast.workspace, user=cast.finance, role="owner", by=SETUP)
    people.change_role(workspace=cast.workspace, user=cast.owner, role="member", by=SETUP)
    answer = Client().post(link, NEW)
    assert answer.status_code == 403
    assert "may not do so any more" in text(answer)
    invitations.repeat(invitation=Invitation.objects.get(), by=cast.finance)
    user = invitations.accept_as_new(
        link=invitations.link_text(Invitation.objects.get()), name="A", password="x" * 9 + "Yz1"
    )
    assert role_in(user, cast.workspace.id) == "member"


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"email": "nobody"}, 422, "no e-mail address"),
        ({"email": "a@b.example\nBcc: c@d.example"}, 422, ""),
        ({"email": "reviewer@example.com"}, 409, "already belongs"),
        ({"email": ADDRESS, "role": "king"}, 422, "not one of the available choices"),
        ({"email": "x" * 250 + "@b.example"}, 422, "at most 254"),
    ],
)
def test_unusable_invitation_keeps_what_was_typed(cast, browse, mailoutbox, form, status, said):
    answer = browse("owner").post("/people/invitations/", {"role": "member", **form})
    assert answer.status_code == status
    assert said in text(answer)
    assert form["email"].split("\n")[0] in text(answer)
    assert mailoutbox == []
    assert not Invitation.objects.exists()


def test_address_is_invited_once_at_a_time(cast, browse, invited, mailoutbox):
    invited()
    answer = browse("owner").post("/people/invitations/", {"email": "ADA@example.org", "role": "member"})
    assert answer.status_code == 409
    assert "invited already" in text(answer)
    assert len(mailoutbox) == 1


def test_invitation_goes_out_by_smtp_and_is_kept_where_it_cannot(cast, browse, mail_server, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", mail_server.port, False
    owner = browse("owner")
    assert owner.post("/people/invitations/", {"email": ADDRESS, "role": "member"}).status_code == 302
    assert "/join/" in str(mail_server.mailbox.messages[0])
    settings.EMAIL_PORT = 9
    answer = owner.post("/people/invitations/", {"email": "b@example.org", "role": "member"})
    assert answer.status_code == 503
    assert "did not take it" in text(answer)
    assert "not sent" in text(answer)
    assert Invitation.objects.get(email="b@example.org").sent_at is None
    settings.EMAIL_HOST = ""
    answer = owner.post("/people/invitations/", {"email": "c@example.org", "role": "member"})
    assert answer.status_code == 503
    assert "EMAIL_HOST" in text(answer)
    assert not Invitation.objects.filter(email="c@example.org").exists()


def test_list_asks_no_more_for_more_rows(cast, browse, statements):
    owner = browse("owner")
    before = statements(owner, "/people/invitations/")
    for number in range(3):
        invitations.invite(workspace=cast.workspace, email=f"p{number}@example.org", by=cast.owner)
    assert statements(owner, "/people/invitations/") == before <= 25


def test_api_invites_and_never_answers_with_the_link(cast, browse, mailoutbox):
    owner = browse("owner")
    made = owner.post("/api/v1/invitations/", {"email": ADDRESS}, content_type="application/json")
    assert (made.status_code, made.json()["role"]) == (201, "member")
    link = link_in(mailoutbox[-1])
    assert "/join/" not in text(made) + text(owner.get("/api/v1/invitations/"))
    again = owner.post("/api/v1/invitations/", {"email": ADDRESS}, content_type="application/json")
    assert again.status_code == 409
    assert owner.post(f"/api/v1/invitations/{made.json()['id']}/repeat/").json()["sent_at"]
    assert link_in(mailoutbox[-1]) != link
    assert owner.post(f"/api/v1/invitations/{made.json()['id']}/withdraw/").json()["withdrawn_at"]


@pytest.mark.django_db(transaction=True)
def test_two_who_accept_at_once_are_one(cast):
    made = invitations.invite(workspace=cast.workspace, email=ADDRESS, by=cast.owner)
    link = invitations.link_text(made)

    def accepting():
        try:
            return invitations.accept_as_new(link=link, **NEW)
        except DomainError as error:
            return error

    at_once(accepting, accepting)
    assert User.objects.filter(email=ADDRESS).count() == 1
    assert Membership.objects.filter(user__email=ADDRESS).count() == 1
    assert Event.objects.filter(verb="invitation.accepted").count() == 1
