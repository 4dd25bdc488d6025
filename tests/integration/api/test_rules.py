"""Review queues and policies over the API: a company sets up who is asked, and when, without the admin."""

import pytest

from approvals.models import Policy, PolicyVersion, ReviewQueue
from tests.house import ALLOW, REVIEW, events, house, world

__all__ = ["house", "world"]
pytestmark = pytest.mark.django_db
QUEUES, POLICIES = "/api/v1/queues/", "/api/v1/policies/"
LEGAL = {"name": "legal", "title": "Legal", "quorum": 2, "time_limit_seconds": 3600, "on_expiry": "reject"}


def test_queue_is_set_up_changed_and_keeps_what_is_left_out(house, client_of):
    owner = client_of("owner")
    answers = [owner.post(QUEUES, LEGAL, "json", HTTP_IDEMPOTENCY_KEY="q") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    made = answers[0].json()
    assert {name: made[name] for name in LEGAL} == LEGAL
    assert (made["is_default"], made["editors_may_approve"]) == (False, False)
    where = answers[0].headers["Location"]
    assert owner.patch(where, {"quorum": 3}, "json").json() == {**made, "quorum": 3}
    assert owner.patch(where, {"quorum": 3}, "json").status_code == 200
    assert owner.get(where).json()["quorum"] == 3
    assert events(ReviewQueue.objects.get(name="legal")) == ["queue.created", "queue.changed"]


def test_one_queue_is_the_default(house, client_of):
    owner = client_of("owner")
    made = [owner.post(QUEUES, {**LEGAL, "name": name, "is_default": True}, "json").json() for name in ("a", "b")]
    owner.patch(f"{QUEUES}{made[0]['id']}/", {"is_default": True}, "json")
    assert [queue.name for queue in ReviewQueue.objects.filter(is_default=True)] == ["a"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Two words"}, "name"),
        ({"quorum": 0}, "quorum"),
        ({"quorum": 21}, "quorum"),
        ({"time_limit_seconds": 1}, "time_limit_seconds"),
        ({"on_expiry": "approve"}, "on_expiry"),
        ({"title": ""}, "title"),
    ],
)
def test_unusable_queue_is_refused_by_its_field(house, client_of, change, field):
    answer = client_of("owner").post(QUEUES, {**LEGAL, **change}, "json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert not ReviewQueue.objects.filter(title="Legal").exists()


def test_name_of_a_queue_is_taken_once(house, client_of):
    owner = client_of("owner")
    owner.post(QUEUES, LEGAL, "json")
    answer = owner.post(QUEUES, {**LEGAL, "quorum": 1}, "json")
    assert (answer.status_code, ReviewQueue.objects.get(name="legal").quorum) == (422, 2)
    assert "already" in answer.json()["detail"]


def test_policy_judges_from_its_activation_on_and_not_before(house, client_of):
    owner = client_of("owner")
    house.policy(ALLOW)
    said = {"name": "rules", "title": "Rules", "rules": [{**REVIEW, "reason": "Said over the API."}]}
    drafted = owner.post(POLICIES, said, "json", HTTP_IDEMPOTENCY_KEY="p")
    assert (drafted.status_code, drafted.json()["status"]) == (201, "draft")
    assert owner.post(POLICIES, said, "json", HTTP_IDEMPOTENCY_KEY="p").json() == drafted.json()
    assert house.clear(house.propose("look")).status == "approved"
    way = f"/api/v1/policy-versions/{drafted.json()['id']}/activate/"
    assert owner.post(way).json()["status"] == "active"
    assert house.asked("look").reasons == ["Said over the API."]
    assert owner.post(way).status_code == 409
    assert events(PolicyVersion.objects.get(pk=drafted.json()["id"])) == ["policy.drafted", "policy.activated"]


def test_name_that_is_taken_drafts_the_next_version(house, client_of):
    owner = client_of("owner")
    said = {"name": "more", "title": "More", "rules": [ALLOW]}
    numbers = [owner.post(POLICIES, {**said, "title": title}, "json").json()["number"] for title in ("More", "Less")]
    assert numbers == [1, 2]
    assert Policy.objects.get(name="more").title == "More"


@pytest.mark.parametrize("rules", [[{**ALLOW, "when": "nothing.known"}], ["all"], [ALLOW, ALLOW], "x"])
def test_rules_that_cannot_be_read_are_refused_and_not_stored(house, client_of, rules):
    answer = client_of("owner").post(POLICIES, {"name": "x", "title": "X", "rules": rules}, "json")
    assert answer.status_code == 422, answer.content
    assert not Policy.objects.filter(name="x").exists()
