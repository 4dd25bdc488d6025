"""Rolling back: what the preview promises, who may confirm it, and what the report says afterwards."""

import threading
from datetime import timedelta

import pytest

from agents.engine.control import PREVIEWS_HOLD
from agents.engine.repair import restored_sentence
from agents.engine.sweep import sweep
from agents.errors import NothingToRollBack
from agents.models import Run
from agents.operations import cancel_run, confirm_rollback, preview_rollback
from tools.models import Action, ActionAttempt
from workspaces.errors import Forbidden, NotFound, StaleState
from workspaces.models import ScopeKind
from workspaces.operations.pauses import pause

pytestmark = pytest.mark.django_db


def upgrade(desk, customer, tier):
    run = desk.start(f"Please change {customer['email']} to tier {tier}.")
    return approve_all(desk, run)


def approve_all(desk, run):
    for request in desk.requests(run):
        desk.answer(request, by=desk.cast.finance)
    return desk.rest(run)


def preview(desk, run, **one):
    return preview_rollback(run_id=run.id, by=desk.cast.reviewer, **one)


def confirm(desk, found, by=None, digest=None):
    return confirm_rollback(rollback_id=found.id, plan_digest=digest or found.plan_digest, by=by or desk.cast.reviewer)


def verdicts(found):
    return {item["tool"]: item["verdict"] for item in found.plan}


@pytest.fixture
def customer(desk):
    return desk.crm.anybody("standard")


@pytest.fixture
def done(desk, customer):
    run = desk.begin("upgraded", lambda: upgrade(desk, customer, "gold"))
    assert run.status == "succeeded"
    return run


def test_preview_is_listed_as_such_and_changes_nothing(desk, done, customer):
    found = preview(desk, done)
    assert found.is_preview
    assert found.explanation == "It waits for somebody to confirm it."
    assert verdicts(found) == {"crm.customer.update": "restore", "mail.reply": "impossible"}
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert desk.rest(found).is_preview


def test_preview_says_drifted_where_a_colleague_changed_the_row(desk, done, customer):
    desk.crm.change(customer["id"], note="Touched.")
    found = preview(desk, done)
    assert verdicts(found)["crm.customer.update"] == "drifted"
    with pytest.raises(NothingToRollBack):
        confirm(desk, found)


def test_preview_says_done_after_a_rollback(desk, done):
    desk.rest(confirm(desk, preview(desk, done)))
    assert verdicts(preview(desk, done))["crm.customer.update"] == "done"


def test_preview_of_one_effect(desk, done):
    update = Action.objects.get(run_id=done.id, tool__name="crm.customer.update")
    assert len(preview(desk, done, action_id=update.id).plan) == 1
    with pytest.raises(NotFound):
        preview(desk, done, action_id=done.id)


def test_confirming_another_plan_than_was_seen_is_refused(desk, done, customer):
    with pytest.raises(StaleState):
        confirm(desk, preview(desk, done), digest="0" * 64)
    assert desk.crm.customer(customer["id"])["tier"] == "gold"


def test_confirming_twice_is_refused(desk, done):
    found = preview(desk, done)
    confirm(desk, found)
    with pytest.raises(StaleState):
        confirm(desk, found)


@pytest.mark.parametrize(("who", "error"), [("member", NotFound), ("stranger", NotFound), ("disabled", NotFound)])
def test_confirming_without_the_right_is_refused(desk, done, who, error):
    found = preview(desk, done)
    with pytest.raises((error, Forbidden)):
        confirm(desk, found, by=desk.cast[who])
    found.refresh_from_db()
    assert found.is_preview


def test_of_two_previews_one_is_carried_out(desk, done, customer):
    first, second = preview(desk, done), preview(desk, done)
    confirm(desk, first)
    with pytest.raises(StaleState, match="Another rollback"):
        confirm(desk, second)
    assert desk.rest(first).status == "succeeded"
    with pytest.raises(StaleState, match="Another rollback"):
        confirm(desk, second)
    second.refresh_from_db()
    assert second.is_preview
    assert Action.objects.filter(compensates__isnull=False).count() == 1
    assert cancel_run(run_id=second.id, by=desk.cast.reviewer).status == "cancelled"


def test_drift_between_preview_and_confirmation_is_not_overwritten(desk, done, customer):
    found = preview(desk, done)
    desk.crm.change(customer["id"], note="Changed after the preview.")
    rollback = desk.rest(confirm(desk, found))
    assert rollback.status == "failed"
    line = next(item for item in rollback.outcome["items"] if item["tool"] == "crm.customer.update")
    assert line["now"] == "cancelled"
    assert "changed since" in line["explanation"]
    assert desk.crm.customer(customer["id"])["tier"] == "gold"


def test_invariant_18_overlapping_effects_are_undone_newest_first(desk, talker, customer):
    talker.calls(("crm.customer.update", {"id": customer["id"], "tier": "silver"}))
    talker.calls(("crm.customer.update", {"id": customer["id"], "tier": "gold", "note": "Twice."})).says("Done.")
    run = approve_all(desk, approve_all(desk, desk.start("Please.")))
    assert run.status == "succeeded", run.explanation
    found = preview(desk, run)
    assert [item["verdict"] for item in found.plan] == ["restore", "restore"]
    assert found.plan[0]["after"]["tier"] == "gold"
    rollback = desk.rest(confirm(desk, found))
    assert rollback.status == "succeeded", rollback.outcome
    now = desk.crm.customer(customer["id"])
    assert (now["tier"], now["note"]) == ("standard", customer["note"])
    undone = Action.objects.filter(run_id=rollback.id).order_by("created_at")
    assert [action.after_image["tier"] for action in undone] == ["silver", "standard"]


def test_invariant_18_report_is_from_read_backs(desk, done, customer):
    rollback = desk.rest(confirm(desk, preview(desk, done)))
    line = next(item for item in rollback.outcome["items"] if item["tool"] == "crm.customer.update")
    assert (line["now"], rollback.status) == ("restored", "succeeded")
    seen = ActionAttempt.objects.get(action__run_id=rollback.id, kind="verify")
    assert seen.evidence["image"]["tier"] == "standard"
    ActionAttempt.objects.filter(pk=seen.pk).update(evidence={"image": {**seen.evidence["image"], "tier": "gold"}})
    from agents.engine.repair import report_of

    line = next(item for item in report_of(rollback)["items"] if item["tool"] == "crm.customer.update")
    assert line["now"] == "unconfirmed"


def test_rollback_of_a_rollback_is_refused(desk, done):
    with pytest.raises(StaleState):
        preview(desk, desk.rest(confirm(desk, preview(desk, done))))


def test_rollback_goes_on_while_its_agent_is_paused(desk, done, customer):
    pause(
        workspace=desk.cast.workspace,
        scope_kind=ScopeKind.AGENT,
        scope_id=desk.desk.agent.id,
        reason="Stop.",
        by=desk.cast.reviewer,
        right="control_agent",
    )
    rollback = desk.rest(confirm(desk, preview(desk, done)))
    assert rollback.status == "succeeded"
    assert desk.crm.customer(customer["id"])["tier"] == "standard"


@pytest.mark.parametrize("allows_repair", [True, False])
def test_workspace_pause_says_whether_repair_goes_on(desk, done, customer, allows_repair):
    pause(
        workspace=desk.cast.workspace,
        scope_kind=ScopeKind.WORKSPACE,
        scope_id=desk.cast.workspace.id,
        reason="Stop.",
        by=desk.cast.owner,
        allows_repair=allows_repair,
    )
    rollback = desk.rest(confirm(desk, preview(desk, done)))
    assert rollback.status == ("succeeded" if allows_repair else "running")
    assert desk.crm.customer(customer["id"])["tier"] == ("standard" if allows_repair else "gold")


@pytest.mark.django_db(transaction=True)
def test_of_two_confirmations_at_once_exactly_one_wins(desk, done):
    found = [preview(desk, done), preview(desk, done)]
    start, ends = threading.Barrier(2), []

    def go(one):
        from django.db import connection

        start.wait()
        try:
            confirm(desk, one)
            ends.append("confirmed")
        except StaleState:
            ends.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(one,)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert sorted(ends) == ["confirmed", "refused"]
    assert Run.objects.filter(kind="rollback", turn=1).count() == 1


@pytest.mark.parametrize(
    ("restored", "effects", "sentence"),
    [
        (0, 1, "The one effect was not restored."),
        (1, 1, "The one effect was restored."),
        (0, 2, "None of the 2 effects was restored."),
        (1, 2, "1 of 2 effects was restored."),
        (2, 2, "All of the 2 effects were restored."),
        (2, 3, "2 of 3 effects were restored."),
    ],
)
def test_report_says_how_many_as_one_says_it(restored, effects, sentence):
    assert restored_sentence(restored, effects) == sentence


def test_preview_lapses_after_a_day_and_can_be_confirmed_until_then(desk):
    run = upgrade(desk, desk.crm.anybody(), "gold")
    old, young = preview(desk, run), preview(desk, run)
    Run.objects.filter(pk=old.pk).update(created_at=old.created_at - PREVIEWS_HOLD - timedelta(minutes=1))
    Run.objects.filter(pk=young.pk).update(created_at=young.created_at - PREVIEWS_HOLD + timedelta(minutes=1))
    sweep(lambda _run: None)
    old.refresh_from_db()
    assert (old.status, "within a day" in old.explanation) == ("cancelled", True)
    with pytest.raises(StaleState):
        confirm(desk, old)
    confirm(desk, young)
    Run.objects.filter(pk=young.pk).update(created_at=old.created_at)
    sweep(lambda _run: None)
    assert desk.rest(young).status == "succeeded"
