"""Which rights on which kinds of objects a team can be given: read from the models, whatever floor they are on.

A kind is the model's name, such as ``agent``; its grants are the guardian rows that point at it by a foreign key.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from guardian.models import GroupObjectPermissionBase

from workspaces.errors import NotFound
from workspaces.models import Team


@cache
def grant_models() -> dict[str, type[models.Model]]:
    """Return the model of the grants on each kind of object, by the kind's name."""
    found = [model for model in apps.get_models() if issubclass(model, GroupObjectPermissionBase)]
    direct = [model for model in found if any(field.name == "content_object" for field in model._meta.fields)]
    return {str(target_of(model)._meta.model_name): model for model in direct}


def target_of(grant: type[models.Model]) -> type[models.Model]:
    """Return the model of the objects that the grants of ``grant`` are on."""
    target = grant._meta.get_field("content_object").related_model
    if not isinstance(target, type):
        raise TypeError(f"{grant.__name__} has no model to grant rights on.")
    return target


def grant_model(kind: str) -> type[models.Model]:
    """Return the grants on one kind of object; raise ``NotFound`` for a kind that has none."""
    found = grant_models().get(kind)
    if found is None:
        raise NotFound(f"Rights are not granted on {kind}.", f"There are: {', '.join(sorted(grant_models()))}.")
    return found


def rights_on(kind: str) -> list[tuple[str, str]]:
    """Return the rights that can be granted on an object of ``kind``, each with what it means."""
    meta = target_of(grant_model(kind))._meta
    own = [(str(name), str(label)) for name, label in meta.permissions]
    return [(f"view_{meta.model_name}", f"Can see this {meta.verbose_name}"), *own]


def grants_of(team: Team, kind: str) -> "models.QuerySet[Any]":
    """Return the team's rights on objects of ``kind``, with the objects."""
    rows: models.QuerySet[Any] = grant_model(kind)._default_manager.filter(group_id=team.group_id)
    return rows.select_related("permission", "content_object")


def objects_of(team: Team, kind: str) -> "models.QuerySet[Any]":
    """Return the objects of ``kind`` on which the team can be given rights: those of its own workspace."""
    rows: models.QuerySet[Any] = target_of(grant_model(kind))._default_manager.filter(workspace_id=team.workspace_id)
    return rows
