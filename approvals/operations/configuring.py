"""Policies and review queues: what operators set up. A policy is drafted, then activated by a person who may."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from approvals.models import Policy, PolicyVersion, ReviewQueue, VersionStatus
from approvals.policies.rules import parse_rules
from approvals.states import ExpiryDoes
from audit.ledger.recording import record
from workspaces.actors import Actor, actor_text
from workspaces.canonical import digest
from workspaces.changes import is_unchanged
from workspaces.errors import InvalidInput, StaleState
from workspaces.models import User, Workspace
from workspaces.operations.authority import lock, require_owner


def draft_policy(
    *, workspace: Workspace, name: str, title: str, rules: list[dict[str, Any]], by: Actor
) -> PolicyVersion:
    """Store a new version of a policy as a draft; raise ``InvalidInput`` with a sentence per rule that is wrong."""
    require_owner(by, workspace, "draft policies")
    parse_rules(rules)
    author = by if isinstance(by, User) else None
    with transaction.atomic():
        policy, _ = Policy.objects.get_or_create(workspace=workspace, name=name, defaults={"title": title})
        Policy.objects.select_for_update().get(pk=policy.pk)
        last = policy.versions.aggregate(last=Max("number"))["last"] or 0
        version = PolicyVersion.objects.create(
            workspace=workspace, policy=policy, number=last + 1, rules=rules, digest=digest(rules), created_by=author
        )
        _record(version, "policy.drafted", by)
    return version


def activate_policy(*, version: PolicyVersion, by: Actor) -> PolicyVersion:
    """Put a drafted version in force and retire the one before; clearances under the old rules are gated again."""
    require_owner(by, version.workspace, "activate policies")
    activator = by if isinstance(by, User) else None
    with transaction.atomic():
        Policy.objects.select_for_update().get(pk=version.policy_id)
        old = PolicyVersion.objects.filter(policy_id=version.policy_id, status=VersionStatus.ACTIVE)
        old.update(status=VersionStatus.RETIRED)
        moved = PolicyVersion.objects.filter(pk=version.pk, status=VersionStatus.DRAFT).update(
            status=VersionStatus.ACTIVE, activated_by=activator, activated_at=timezone.now()
        )
        if moved != 1:
            raise StaleState("Only a draft can be activated.", "Draft the rules again as a new version.")
        _record(version, "policy.activated", by)
    version.refresh_from_db()
    return version


def _record(version: PolicyVersion, verb: str, by: Actor) -> None:
    record(
        workspace_id=version.workspace_id,
        actor=actor_text(by),
        verb=verb,
        subject=("policyversion", version.id),
        body={"policy": str(version.policy_id), "number": version.number, "rules": version.digest},
    )


def save_queue(
    *,
    workspace: Workspace,
    name: str,
    title: str,
    by: Actor,
    quorum: int = 1,
    time_limit_seconds: int = 7 * 24 * 3600,
    on_expiry: ExpiryDoes = ExpiryDoes.EXPIRE,
    editors_may_approve: bool = False,
    is_default: bool = False,
    is_new: bool = False,
) -> ReviewQueue:
    """Create or change a review queue; saved as it is already, nothing is written.

    Making it the default takes that from the one that was. With ``is_new`` raise ``InvalidInput`` for a taken name.
    """
    require_owner(by, workspace, "set up review queues")
    if quorum < 1 or time_limit_seconds < 1:
        raise InvalidInput("At least one person decides, and has at least a second for it.", "Raise the number.")
    values = {
        "title": title,
        "quorum": quorum,
        "time_limit_seconds": time_limit_seconds,
        "on_expiry": on_expiry,
        "editors_may_approve": editors_may_approve,
        "is_default": is_default,
    }
    present = ReviewQueue.objects.filter(workspace=workspace, name=name).first()
    if present is not None and not is_new and is_unchanged(present, values):
        return present
    return _write_queue(workspace, name, values, is_new, by)


def _write_queue(workspace: Workspace, name: str, values: dict[str, Any], is_new: bool, by: Actor) -> ReviewQueue:
    with transaction.atomic():
        lock(workspace)
        others = ReviewQueue.objects.filter(workspace=workspace).exclude(name=name)
        if values["is_default"]:
            others.filter(is_default=True).update(is_default=False)
        queue, created = ReviewQueue.objects.update_or_create(workspace=workspace, name=name, defaults=values)
        if is_new and not created:
            raise InvalidInput(f"There is a queue named {name} already.", "Choose another name, or change that one.")
        record(
            workspace_id=workspace.id,
            actor=actor_text(by),
            verb="queue.created" if created else "queue.changed",
            subject=("queue", queue.id),
            body={"quorum": queue.quorum, "editors_may_approve": queue.editors_may_approve},
        )
    return queue
