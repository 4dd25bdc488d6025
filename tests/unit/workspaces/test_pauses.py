"""Pausing and releasing, with a right that was checked."""

import pytest

from audit.ledger.models import Event
from workspaces.errors import Forbidden, InvalidInput, NotFound, StaleState
from workspaces.ids import uuid7
from workspaces.models import Pause, ScopeKind
from workspaces.operations import pauses


def pause_workspace(cast, by, **changes):
    wanted = {"scope_kind": ScopeKind.WORKSPACE, "scope_id": cast.workspace.id, "reason": "Audit", **changes}
    return pauses.pause(workspace=cast.workspace, by=by, **wanted)


def test_owner_pauses_and_releases_the_workspace(cast):
    pause = pause_workspace(cast, cast.owner, allows_repair=True)
    assert list(Pause.objects.over([cast.workspace.id])) == [pause]
    assert not Pause.objects.over([cast.workspace.id], repair=True)
    with pytest.raises(StaleState, match="paused already"):
        pause_workspace(cast, cast.owner)
    pauses.release(pause=pause, by=cast.owner)
    assert (pause.released_by, pause.released_at is not None) == (cast.owner, True)
    with pytest.raises(StaleState, match="released before"):
        pauses.release(pause=pause, by=cast.owner)
    assert list(Event.objects.filter(subject_id=str(pause.id)).order_by("sequence").values_list("verb", flat=True)) == [
        "pause.started",
        "pause.released",
    ]


def test_invariant_10_only_owners_stop_a_workspace_even_where_a_right_is_named(cast):
    with pytest.raises(Forbidden):
        pause_workspace(cast, cast.member, right="control_agent")
    with pytest.raises(NotFound):
        pause_workspace(cast, cast.stranger, right="owner")
    with pytest.raises(InvalidInput):
        pause_workspace(cast, cast.owner, scope_id=cast.elsewhere.id)


def test_other_scopes_need_a_checked_right(cast):
    scope = {"scope_kind": ScopeKind.AGENT, "scope_id": uuid7()}
    with pytest.raises(Forbidden):
        pause_workspace(cast, cast.owner, **scope)
    pause = pause_workspace(cast, cast.member, right="control_agent", **scope)
    with pytest.raises(Forbidden):
        pauses.release(pause=pause, by=cast.member)
    pauses.release(pause=pause, by=cast.member, right="control_agent")


@pytest.mark.parametrize("changes", [{"reason": " "}, {"reason": "x" * 501}, {"scope_kind": "planet"}])
def test_pause_without_a_reason_or_a_known_scope_is_refused(cast, changes):
    with pytest.raises(InvalidInput):
        pause_workspace(cast, cast.owner, **changes)
