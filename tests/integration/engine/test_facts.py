"""What agents remember: let in by people, about the right subject, with its label, and forgotten wherever it stands."""

import pytest
from django.apps import apps
from django.core.serializers import serialize

from agents.memories import context_seen, facts_used
from agents.models import Run
from agents.operations import cancel_run, confirm_rollback, fork_run, preview_rollback
from agents.operations.facts import correct_fact, forget
from approvals.models import Request
from audit.ledger.models import Event
from audit.ledger.recording import salted_digest
from memory.models import Fact
from memory.operations.facts import claim_of
from tools.models import Action
from workspaces.canonical import canonical
from workspaces.errors import NotFound, StaleState

pytestmark = pytest.mark.django_db
NUTS = "allergic to hazelnuts"


@pytest.fixture
def mind(desk):
    """The tool by which the desk's agent remembers."""
    return desk.desk.remember


def afresh(talker):
    """Forget what the last run's script ended with, which would be repeated."""
    talker.turns.left.clear()
    return talker


def learn(desk, talker, value=NUTS, key="diet", customer=None, **more):
    """Let the agent look the customer up and propose to remember something; return the run."""
    who = customer or desk.crm.anybody("standard")
    afresh(talker).calls(("crm.customer.find", {"email": who["email"]}))
    talker.calls(("memory.remember", {"key": key, "value": value, **more})).says("Noted.")
    return desk.start(f"I am {value}.")


def learned(desk, talker, value=NUTS, **more):
    """Have it remembered, with a person's approval; return the fact."""
    run = learn(desk, talker, value, **more)
    desk.answer(desk.request_for(run, "memory.remember"))
    assert desk.rest(run).status == "succeeded"
    return Fact.objects.get(run_id=run.id)


def everything():
    """Return all that is stored, as text."""
    return "\n".join(serialize("json", model.objects.all()) for model in apps.get_models() if model._meta.managed)


def test_invariant_17_a_fact_is_let_in_by_a_person_and_stays_untrusted(desk, talker, mind):
    run = learn(desk, talker, confidence=0.8)
    (request,) = desk.requests(run)
    assert not Fact.objects.exists()
    customer = desk.crm.anybody("standard")
    assert request.evidence["before"] == {"subject": f"customer {customer['id']}", "key": "diet", "value": None}
    assert request.evidence["predicted"]["value"] == NUTS
    desk.answer(request)
    assert desk.rest(run).status == "succeeded"
    fact = Fact.objects.get()
    assert (fact.subject_kind, fact.subject_ref) == ("customer", str(customer["id"]))
    assert (fact.value, fact.trust, fact.source, str(fact.confidence)) == (NUTS, "untrusted", "ticket", "0.80")


def test_follow_up_is_told_what_holds_and_records_it(desk, talker, mind, client):
    fact = learned(desk, talker)
    email = desk.crm.anybody("standard")["email"]
    mail = {"to": email, "subject": "Menu", "body": f"You are {NUTS}."}
    afresh(talker).calls(("crm.customer.find", {"email": email})).calls(("mail.reply", mail)).says("Sent.")
    run = desk.start("What may I eat?")
    told = [item["content"] for item in talker.heard[-1]["input"] if item.get("role") == "user"]
    assert f'- diet: "{NUTS}" [untrusted, since' in told[-1]
    assert facts_used(run) == [fact.id]
    (request,) = desk.requests(run)
    assert [(one["id"], one["trust"]) for one in request.evidence["facts"]] == [(str(fact.id), "untrusted")]
    (*_, step) = run.steps.filter(kind="model")
    seen = {part["kind"]: part for part in context_seen(step)["parts"]}
    assert NUTS in seen["fact"]["text"]
    assert seen["fact"]["trust"] == "untrusted"

    client.force_login(desk.cast.reviewer)
    shown = client.get(f"/requests/{request.id}/").content.decode()
    assert "Remembered of the same subject" in shown
    shown = client.get(f"/runs/{run.id}/").content.decode()
    assert "memory: diet (untrusted)" in shown
    assert NUTS in shown.partition('class="run-side"')[2]


def test_contradiction_closes_the_older_claim(desk, talker, mind):
    old = learned(desk, talker, "German", key="language")
    new = learned(desk, talker, "Dutch", key="language")
    old.refresh_from_db()
    assert (old.status, new.status) == ("closed", "valid")
    assert old.valid_until == new.valid_from
    ended = correct_fact(fact_id=new.id, value=None, by=desk.cast.owner)
    assert ended.status == "ended"
    assert not Fact.objects.valid().exists()


def test_one_customers_facts_are_never_told_of_another(desk, talker, mind):
    learned(desk, talker)
    afresh(talker).calls(("crm.customer.find", {"email": desk.crm.anybody("gold")["email"]})).says("Hello.")
    assert facts_used(desk.start("Hello")) == []
    assert NUTS not in talker.last_heard


def test_nobody_in_particular_is_remembered(desk, talker, mind):
    talker.calls(("memory.remember", {"key": "diet", "value": NUTS})).says("Then not.")
    run = desk.start("Hello")
    action = Action.objects.get(run_id=run.id)
    assert action.status == "cancelled"
    assert "about nobody" in action.explanation


def test_person_corrects_and_others_may_not(desk, talker, mind):
    fact = learned(desk, talker)
    for person, error in ((desk.cast.member, NotFound), (desk.cast.stranger, NotFound)):
        with pytest.raises(error):
            correct_fact(fact_id=fact.id, value="nothing", by=person)
    fresh = correct_fact(fact_id=fact.id, value="vegan", by=desk.cast.reviewer)
    assert (fresh.value, fresh.trust, fresh.source) == ("vegan", "trusted", "a person")
    with pytest.raises(StaleState):
        correct_fact(fact_id=fact.id, value="again", by=desk.cast.reviewer)


def test_forgetting_leaves_no_copy_and_a_proof_that_names_nothing(desk, talker, mind, client):
    fact = learned(desk, talker)
    email = desk.crm.anybody("standard")["email"]
    mail = {"to": email, "subject": "Menu", "body": f"You are {NUTS.upper()}."}
    afresh(talker).calls(("crm.customer.find", {"email": email})).calls(("mail.reply", mail)).says(f"Told: {NUTS}.")
    run = desk.start("What may I eat?")
    with pytest.raises(StaleState, match="goes on"):
        forget(fact_id=fact.id, by=desk.cast.reviewer)
    desk.answer(desk.request_for(run, "mail.reply"), kind="reject", reason=f"Never mention {NUTS}.")
    desk.rest(run)
    assert NUTS in everything().casefold()
    receipt = forget(fact_id=fact.id, by=desk.cast.reviewer)
    left = everything().casefold()
    assert "hazelnuts" not in left
    event = Event.objects.get(verb="fact.forgotten")
    assert (event.subject_id, event.body["proof"]) == (str(fact.id), receipt.proof)
    assert salted_digest(canonical(claim_of(fact)).decode(), bytes.fromhex(receipt.salt)) == receipt.proof
    assert receipt.salt not in left
    with pytest.raises(NotFound):
        forget(fact_id=fact.id, by=desk.cast.reviewer)

    client.force_login(desk.cast.reviewer)
    for request in Request.objects.all():
        assert client.get(f"/requests/{request.id}/").status_code == 200
    for one in (run.id, fact.run_id):
        assert client.get(f"/runs/{one}/").status_code == 200
        assert client.get(f"/api/v1/actions/?run={one}").status_code == 200
    assert b"forgotten since" in client.get(f"/runs/{run.id}/").content
    assert [item["verdict"] for item in preview_rollback(run_id=fact.run_id, by=desk.cast.reviewer).plan] == [
        "impossible"
    ]


def test_forgetting_reaches_every_run_about_the_subject_and_what_was_shown_to_roll_it_back(desk, talker, mind):
    afresh(talker).calls(("crm.customer.find", {"email": desk.crm.anybody("standard")["email"]}))
    talker.says(f"You are {NUTS}, I see.")
    before = desk.start(f"I am {NUTS}.")  # the fact is not known yet, and nothing is remembered of it
    fact = learned(desk, talker)
    preview = preview_rollback(run_id=fact.run_id, by=desk.cast.reviewer)
    assert NUTS in str(preview.plan)
    with pytest.raises(StaleState, match="goes on: Roll back"):
        forget(fact_id=fact.id, by=desk.cast.reviewer)
    cancel_run(run_id=preview.id, by=desk.cast.reviewer)
    forget(fact_id=fact.id, by=desk.cast.reviewer)
    assert "hazelnuts" not in everything().casefold()
    assert {before.session_id} == set(Run.objects.filter(pk=fact.run_id).values_list("session_id", flat=True))


def test_forgetting_reaches_forks_that_repeat_it_or_simulated_remembering_it(desk, talker, mind):
    fact = learned(desk, talker)
    run = Run.objects.get(pk=fact.run_id)
    remembering = run.steps.get(action__tool=mind).number
    for at, more in ((remembering, {"message": f"They are {NUTS}."}), (remembering - 1, {})):
        afresh(talker).says(f"As they are {NUTS}.")
        assert desk.rest(fork_run(run_id=run.id, at=at, by=desk.cast.owner, **more)).status == "succeeded"
    assert Action.objects.get(tool=mind, is_simulated=True).status == "simulated"
    assert Fact.objects.count() == 1
    forget(fact_id=fact.id, by=desk.cast.reviewer)
    assert "hazelnuts" not in everything().casefold()


def test_forgetting_a_number_takes_it_out_of_the_plan_and_the_report_that_undid_it(desk, talker, mind, client):
    fact = learned(desk, talker, 8675309, key="code")
    preview = preview_rollback(run_id=fact.run_id, by=desk.cast.reviewer)
    undone = confirm_rollback(rollback_id=preview.id, plan_digest=preview.plan_digest, by=desk.cast.reviewer)
    assert desk.rest(undone).status == "succeeded"
    assert "8675309" in str(desk.rest(undone).outcome)
    forget(fact_id=fact.id, by=desk.cast.reviewer)
    shown = Run.objects.get(pk=undone.pk)
    assert "8675309" not in f"{shown.plan}{shown.outcome}"
    client.force_login(desk.cast.reviewer)
    assert client.get(f"/runs/{undone.id}/").status_code == 200
    assert client.get(f"/api/v1/runs/{undone.id}/").status_code == 200


def test_invariant_17_undoing_puts_back_what_was_remembered_with_its_label(desk, talker, mind):
    learned(desk, talker, "German", key="language")
    second = learned(desk, talker, "Dutch", key="language")
    preview = preview_rollback(run_id=second.run_id, by=desk.cast.reviewer)
    assert [item["verdict"] for item in preview.plan] == ["restore"]
    done = desk.rest(confirm_rollback(rollback_id=preview.id, plan_digest=preview.plan_digest, by=desk.cast.reviewer))
    assert done.status == "succeeded", done.explanation
    back = Fact.objects.valid().get()
    assert (back.value, back.trust, back.source) == ("German", "untrusted", "ticket")
