"""The main job: proposed, countersigned, done once, rolled back."""

import pytest

from agents.models import Run
from agents.operations import confirm_rollback, preview_rollback
from approvals.models import Request
from tools.models import Action

pytestmark = pytest.mark.django_db


def test_story_change_and_mail_are_approved_and_rolled_back(desk):
    customer = desk.crm.anybody("standard")
    run = desk.start(f"Please upgrade {customer['email']} to tier gold.")
    assert run.status == "waiting", (run.explanation, [(s.kind, s.status, s.explanation) for s in run.steps.all()])
    assert sorted(r.action.tool.name for r in desk.requests(run)) == ["crm.customer.update", "mail.reply"]

    desk.answer(desk.request_for(run, "crm.customer.update"))
    desk.answer(desk.request_for(run, "mail.reply"), by=desk.cast.finance)
    run = desk.rest(run)

    assert run.status == "succeeded", run.explanation
    assert desk.crm.customer(customer["id"])["tier"] == "gold"
    assert [message["To"] for message in desk.mailbox.messages] == [customer["email"]]

    preview = preview_rollback(run_id=run.id, by=desk.cast.reviewer)
    assert sorted(item["verdict"] for item in preview.plan) == ["impossible", "restore"]
    rollback = desk.rest(
        confirm_rollback(rollback_id=preview.id, plan_digest=preview.plan_digest, by=desk.cast.reviewer)
    )
    assert rollback.status == "succeeded", rollback.outcome
    assert desk.crm.customer(customer["id"])["tier"] == "standard"
    assert Run.objects.count() == 2
    assert not Request.objects.open().exists()
    assert Action.objects.filter(compensates__isnull=False, status="succeeded").count() == 1
