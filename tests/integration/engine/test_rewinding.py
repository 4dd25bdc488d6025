"""Forks of an agent that asks its model: what they repeat, what they simulate, and how they go on live."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from agents.errors import CannotFork, NotSimulated
from agents.models import Run, Step
from agents.operations import cancel_run, fork_run, make_live
from agents.operations.emptying import RETENTION, empty_run, old_runs
from approvals.models import Request, Verdict
from audit.ledger.models import Event
from memory.models import Message
from tests.house import at_once, events
from tools.models import Action, UsageRecord
from workspaces.errors import Forbidden, InvalidInput, NotFound, TooLarge

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(desk):
    return desk.crm.anybody("standard")


@pytest.fixture
def done(desk, customer):
    """A run that looked a customer up and changed their tier, and wrote to them, as people approved."""
    return desk.begin("upgraded", lambda: upgraded(desk, customer))


def upgraded(desk, customer):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    return desk.rest(run)


def fork(desk, run, at, by=None, **more):
    """Fork a run and carry the fork on until it rests."""
    return desk.rest(fork_run(run_id=run.id, at=at, by=by or desk.cast.owner, **more))


def anew(talker):
    """Let the model say what follows from here on."""
    talker.turns.left.clear()
    return talker


def changing(run):
    """Return the number of the model call that proposed the first change."""
    first = run.steps.filter(action__effect="reversible").order_by("number").first()
    return run.steps.filter(kind="model", number__lt=first.number).order_by("-number").first().number


def test_invariant_01_fork_simulates_what_it_would_change_and_nobody_is_asked(desk, done, customer):
    mails, asked = len(desk.mailbox.messages), Request.objects.count()
    desk.crm.change(customer["id"], tier="standard")
    made = fork(desk, done, changing(done))
    assert (made.status, made.mode, made.forked_from_id) == ("succeeded", "simulated", done.id), made.explanation
    actions = list(Action.objects.filter(run_id=made.id).exclude(effect="read"))
    assert {action.status for action in actions} == {"simulated"}
    assert [a.result["expected"]["tier"] for a in actions if a.effect == "reversible"] == ["gold"]
    assert {outcome for (outcome,) in Verdict.objects.filter(action__in=actions).values_list("outcome")} == {"review"}
    assert all("People would have been asked" in action.explanation for action in actions)
    assert not any(action.attempts.filter(kind="execute").exists() or action.cleared_binding for action in actions)
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    assert (len(desk.mailbox.messages), Request.objects.count()) == (mails, asked)
    assert "action.simulated" in events(actions[0])
    assert UsageRecord.objects.filter(run_id=made.id).exists()


def test_steps_before_it_are_repeated_and_never_carried_out_again(desk, done):
    at = changing(done)
    made = fork(desk, done, at)
    before = list(done.steps.filter(number__lte=at).order_by("number"))
    copies = list(made.steps.filter(copies__isnull=False).order_by("number"))
    assert [copy.copies_id for copy in copies] == [step.id for step in before]
    assert {(copy.status, copy.action_id, copy.attempt) for copy in copies} == {("succeeded", None, 0)}
    assert not Action.objects.filter(run_id=made.id, effect="read").exists()
    told = Event.objects.get(verb="run.forked", subject_id=str(made.id))
    assert (told.actor, told.body["from"], told.body["at"]) == (f"user:{desk.cast.owner.id}", str(done.id), at)
    assert made.steps_used == made.steps.filter(copies=None).count()


def test_fork_of_a_fork_repeats_what_the_first_one_repeated(desk, done):
    first = fork(desk, done, changing(done))
    second = fork(desk, first, changing(done), by=desk.cast.reviewer)
    assert (second.status, second.forked_from_id) == ("succeeded", first.id)
    origins = set(second.steps.filter(copies__isnull=False).values_list("copies__run_id", flat=True))
    assert origins == {done.id}
    assert {desk.cast.owner.id, desk.cast.reviewer.id} <= set(second.causes)


def test_fork_at_its_beginning_repeats_nothing(desk, done):
    made = fork(desk, done, 0)
    assert (made.status, made.steps.filter(copies__isnull=False).count()) == ("succeeded", 0)
    assert Action.objects.filter(run_id=made.id, effect="read", status="succeeded").exists()


def test_calls_after_the_chosen_one_are_proposed_anew(desk, talker, customer):
    read = ("crm.customer.find", {"email": customer["email"]})
    talker.calls(read, ("crm.customer.update", {"id": customer["id"], "tier": "gold"})).says("Done.")
    run = desk.start("Please.")
    cancel_run(run_id=run.id, by=desk.cast.owner)
    anew(talker).says("In the fork.")
    made = fork(desk, run, 2)
    assert (made.status, made.outcome["text"]) == ("succeeded", "In the fork."), made.explanation
    (action,) = Action.objects.filter(run_id=made.id)
    assert (action.status, action.step.turn, action.step.call_id) == ("simulated", 2, run.steps.get(number=3).call_id)
    told = [item for item in talker.heard[-1]["input"] if item.get("type") == "function_call_output"]
    assert [json.loads(one["output"])["status"] for one in told] == ["succeeded", "simulated"]
    assert "Go on as if it had been done" in told[1]["output"]


def test_message_and_edited_result_are_told_with_their_author_and_trusted_by_nobody(desk, talker, customer):
    talker.calls(("crm.customer.find", {"email": customer["email"]})).says("Nothing to do.")
    run = desk.start("Please.")
    with pytest.raises(TooLarge):
        fork_run(run_id=run.id, at=2, by=desk.cast.owner, result={"rows": "x" * 300_000})
    edit = {"rows": [{"id": 4711, "email": "else@example.org"}]}
    anew(talker).calls(("crm.customer.update", {"id": 4711, "tier": "silver"})).says("Done.")
    made = fork(desk, run, 2, by=desk.cast.reviewer, message="Make it silver.", result=edit)
    heard = json.dumps(talker.heard[-2]["input"])
    assert f"Message of {desk.cast.reviewer}" in heard
    assert f"{desk.cast.reviewer} put this in place of what came back." in heard
    action = Action.objects.filter(run_id=made.id, effect="reversible").get()
    leaves = {leaf["path"]: leaf for leaf in action.provenance}
    assert leaves["/id"]["sources"] == [f"crm.customer.find (step 2), edited by {desk.cast.reviewer}"]
    assert leaves["/tier"]["sources"] == [f"message of {desk.cast.reviewer} (step 3)"]
    assert not any(leaf["trusted"] for leaf in leaves.values())


REFUSED = [
    (99, {}, CannotFork),
    ("last", {}, CannotFork),
    (1, {"version": 99}, NotFound),
    (1, {"result": {"rows": []}}, InvalidInput),
    (1, {"state": {"node": 1}}, InvalidInput),
]


def test_what_cannot_be_forked_is_refused_with_a_sentence(desk, done):
    runs, last = Run.objects.count(), done.steps.order_by("-number").first().number
    for at, more, error in REFUSED:
        with pytest.raises(error):
            fork_run(run_id=done.id, at=last if at == "last" else at, by=desk.cast.owner, **more)
    assert Run.objects.count() == runs


def test_after_the_end_a_message_asks_again(desk, talker):
    talker.says("Done.")
    run = desk.start("Please.")
    anew(talker).says("Done differently.")
    made = fork(desk, run, 1, message="Do it differently.")
    assert (made.status, made.outcome["text"]) == ("succeeded", "Done differently.")


def test_who_may_not_and_what_is_not_over(desk, customer):
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    for name in ("member", "stranger", "disabled"):
        with pytest.raises(NotFound):
            fork_run(run_id=run.id, at=1, by=desk.cast[name])
    waiting = run.steps.filter(status="waiting").order_by("number").first()
    with pytest.raises(CannotFork, match="is not over"):
        fork_run(run_id=run.id, at=waiting.number, by=desk.cast.owner)


def simulating(desk, talker, customer):
    """A fork that has simulated one change and stands still since its run is paused at the next call."""
    change = ("crm.customer.update", {"id": customer["id"], "tier": "gold"})
    talker.calls(("crm.customer.find", {"email": customer["email"]})).says("Nothing to do.")
    run = desk.start("Please.")
    anew(talker).calls(change).calls(change).says("Done.")
    made = fork_run(run_id=run.id, at=2, by=desk.cast.owner)
    Run.objects.filter(pk=made.pk).update(step_limit=2)
    return desk.rest(made)


def test_fork_that_goes_live_asks_people_and_what_it_simulated_stays_undone(desk, talker, customer):
    made = simulating(desk, talker, customer)
    assert [one.kind for one in desk.requests(made)] == ["budget"]
    live = make_live(run_id=made.id, by=desk.cast.reviewer)
    assert (live.mode, live.made_live_by, desk.cast.reviewer.id in live.causes) == ("live", desk.cast.reviewer, True)
    desk.answer(desk.requests(made)[0], by=desk.cast.finance, steps=20)
    made = desk.rest(made)
    (request,) = desk.requests(made)
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    fork_told = request.evidence["fork"]
    assert (fork_told["live_by"], fork_told["by"]) == (str(desk.cast.reviewer), str(desk.cast.owner))
    assert len(fork_told["simulated"]) == 1
    client = Client()
    client.force_login(desk.cast.finance, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/requests/{request.id}/").content.decode()
    assert "Only simulated before that, and not done" in page
    assert f"/runs/{made.forked_from_id}/" in page
    assert "has not been done; the run is live since" in json.dumps(talker.heard[-1]["input"])
    for name in ("owner", "reviewer"):
        with pytest.raises(Forbidden):
            desk.answer(request, by=desk.cast[name])
    desk.answer(request, by=desk.cast.finance)
    assert desk.rest(made).status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert list(Action.objects.filter(run_id=made.id).order_by("created_at").values_list("status", flat=True)) == [
        "simulated",
        "succeeded",
    ]


def test_only_a_person_with_the_right_lets_it_go_live_and_once(desk, talker, customer):
    made = simulating(desk, talker, customer)
    for name, error in (("member", NotFound), ("stranger", NotFound), ("service", Forbidden)):
        with pytest.raises(error):
            make_live(run_id=made.id, by=desk.cast[name])
    make_live(run_id=made.id, by=desk.cast.owner)
    with pytest.raises(NotSimulated):
        make_live(run_id=made.id, by=desk.cast.owner)
    assert events(made).count("run.made_live") == 1


def test_over_is_over(desk, done):
    made = fork(desk, done, changing(done))
    with pytest.raises(NotSimulated, match="over"):
        make_live(run_id=made.id, by=desk.cast.owner)


def test_conversation_and_other_runs_know_nothing_of_a_simulation(desk, done, customer):
    said = Message.objects.count()
    made = fork(desk, done, changing(done))
    assert made.session_id == done.session_id
    assert Message.objects.count() == said
    from agents.engine.parts import standing_parts

    other = desk.start(f"Please look {customer['email']} up.")
    other.refresh_from_db()
    ids = {part.id for part in standing_parts(other)}
    assert not ids & {str(pk) for pk in Action.objects.filter(run_id=made.id).values_list("id", flat=True)}
    assert ids & {str(pk) for pk in Action.objects.filter(run_id=done.id).values_list("id", flat=True)}


def test_invariant_01_database_refuses_to_clear_or_execute_a_simulated_action(desk, done):
    made = fork(desk, done, changing(done))
    action = Action.objects.filter(run_id=made.id, effect="reversible").get()
    for status in ("approved", "executing", "in_doubt", "in_review", "succeeded"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Action.objects.filter(pk=action.pk).update(**{"status": status})
    with pytest.raises(Exception, match="action_says_what_it_said"), transaction.atomic():
        Action.objects.filter(pk=action.pk).update(is_simulated=False)
    with pytest.raises(Exception, match="run_is_live_for_good"), transaction.atomic():
        Run.objects.filter(pk=done.pk).update(mode="simulated")
    real = Action.objects.filter(run_id=done.id, effect="reversible").get()
    with pytest.raises(IntegrityError, match="simulated"), transaction.atomic():
        Step.objects.filter(run=made, action=action).update(action=real)


@pytest.mark.django_db(transaction=True)
def test_two_who_let_it_go_live_at_once_are_one(desk, talker, customer):
    made = simulating(desk, talker, customer)
    calls = [lambda who=who: make_live(run_id=made.id, by=who) for who in (desk.cast.owner, desk.cast.reviewer)]
    ends = sorted(type(one).__name__ for one in at_once(*calls))
    assert ends == ["NotSimulated", "Run"]


def test_emptying_waits_for_forks_and_empties_them_too(desk, done, talker, customer):
    made = simulating(desk, talker, customer)
    first = made.forked_from
    Run.objects.filter(pk=first.pk).update(finished_at="2020-01-01T00:00:00Z")
    assert first.id not in old_runs(30)
    cancel_run(run_id=made.id, by=desk.cast.owner)
    assert first.id in old_runs(30)
    assert empty_run(run_id=made.id, by=RETENTION)
    assert customer["email"] not in json.dumps(list(made.steps.values("input", "output")))
    assert empty_run(run_id=first.id, by=RETENTION)
    with pytest.raises(CannotFork, match="removed"):
        fork_run(run_id=first.id, at=1, by=desk.cast.owner)
