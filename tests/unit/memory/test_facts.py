"""People and facts: corrected and forgotten over the API and the admin, by whoever may steer the agent."""

import pytest

from agents.operations.facts import forget
from memory.models import Fact
from memory.operations.facts import LONGEST_VALUE, Origin, Subject, claim_fact
from tests.admin_pages import Pages
from tests.factories import SETUP
from tests.house import at_once, events
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.operations import teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def fact(house):
    return claim(house)


def claim(house, value="vegan", key="diet"):
    subject = Subject(house.cast.workspace.id, house.agent.id, "customer", "7")
    return claim_fact(subject=subject, key=key, value=value, origin=Origin("ticket", "untrusted"), by=SETUP)


def test_api_corrects_ends_and_forgets(house, fact, client):
    client.force_login(house.cast.owner)

    def change(one, value):
        return client.patch(f"/api/v1/facts/{one}/", {"value": value}, content_type="application/json").json()

    fresh = change(fact.id, "kosher")
    assert (fresh["value"], fresh["trust"], fresh["source"], fresh["status"]) == (
        "kosher",
        "trusted",
        "a person",
        "valid",
    )
    ended = change(fresh["id"], None)
    assert (ended["id"], ended["status"]) == (fresh["id"], "ended")
    assert change(fresh["id"], "again")["title"]
    listed = client.get("/api/v1/facts/?status=closed").json()["results"]
    assert [one["id"] for one in listed] == [str(fact.id)]
    receipt = client.delete(f"/api/v1/facts/{fact.id}/").json()
    assert set(receipt) == {"fact_id", "proof", "salt", "copies"}
    assert client.get(f"/api/v1/facts/{fact.id}/").status_code == 404
    assert events(fact) == ["fact.claimed", "fact.closed", "fact.forgotten"]


def test_admin_corrects_and_forgets(house, fact):
    pages = Pages(house.cast.owner)
    assert pages.get(fact, "change").status_code == 200
    assert pages.change(fact, value='"kosher"').status_code == 302
    fresh = Fact.objects.valid().get()
    assert (fresh.value, fresh.trust) == ("kosher", "trusted")
    assert pages.delete(fact).status_code == 200
    assert [one.value for one in Fact.objects.all()] == ["kosher"]
    assert pages.change(fresh, value="null").status_code == 302
    assert not Fact.objects.valid().exists()


def test_invariant_14_only_who_steers_the_agent_may_change_what_it_remembers(house, fact):
    teams.grant(team=house.cast.reviewers, codename="view_agent", target=house.agent, by=SETUP)
    with pytest.raises(Forbidden):
        forget(fact_id=fact.id, by=house.cast.reviewer)
    for person in (house.cast.member, house.cast.stranger, house.cast.disabled):
        with pytest.raises(NotFound):
            forget(fact_id=fact.id, by=person)
    assert Fact.objects.filter(pk=fact.pk).exists()


def test_same_value_under_the_same_key_is_forgotten_whenever_it_held(house, fact):
    claim(house, "kosher")
    again = claim(house, "vegan")
    other = claim(house, "vegan", key="partner_diet")
    forget(fact_id=again.id, by=house.cast.owner)
    assert set(Fact.objects.values_list("value", "key")) == {("kosher", "diet"), ("vegan", "partner_diet")}
    assert events(fact)[-1] == events(again)[-1] == "fact.forgotten"
    assert events(other) == ["fact.claimed"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [True, False], ids=["something is held", "nothing is"])
def test_of_two_people_who_say_something_at_once_the_database_takes_one(house, held):
    if held:
        claim(house)
    answers = at_once(lambda: claim(house, "kosher"), lambda: claim(house, "halal"))
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(one) for one in refused] in ([], [StaleState]), answers
    (valid,) = Fact.objects.valid()
    assert valid in answers
    assert set(Fact.objects.exclude(pk=valid.pk).values_list("status", flat=True)) <= {"closed"}


@pytest.mark.parametrize("value", ["", "  ", "x" * (LONGEST_VALUE + 1), {"a": 1}, ["b"]])
def test_what_is_no_claim_is_refused_and_the_old_one_holds(house, fact, value):
    with pytest.raises(InvalidInput):
        claim(house, value)
    assert Fact.objects.valid().get() == fact
