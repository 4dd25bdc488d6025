"""Erasing what ties the ledger to a person: the salt of a run."""

from uuid import UUID

from django.db import transaction

from workspaces.actors import Actor
from workspaces.errors import NotFound
from workspaces.models import Workspace
from workspaces.models.salt import Salt
from workspaces.operations.authority import note, require_owner
from workspaces.salts import forget


def erase_salt(*, workspace: Workspace, scope_id: UUID, by: Actor) -> None:
    """Erase a run's salt: from then on its digests in the ledger are about nobody, and every seal still verifies.

    The run's own rows are not touched. Raise ``NotFound`` where there is no such salt (any more).
    """
    require_owner(by, workspace, "erase what the ledger's digests are about")
    with transaction.atomic():
        gone, _ = Salt.objects.filter(workspace=workspace, scope_id=scope_id).delete()
        if not gone:
            raise NotFound(
                "There is no such salt.", "Give the id of a run of this workspace; it may be erased already."
            )
        note(workspace.id, by, "salt.erased", ("run", scope_id))
    forget(workspace.id, scope_id)
