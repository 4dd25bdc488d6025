"""Database triggers that several floors share."""

import pgtrigger

SQL = """
    IF NOT EXISTS (
        SELECT 1 FROM workspaces_team t JOIN {table} o ON o.workspace_id = t.workspace_id
        WHERE t.group_id = NEW.group_id AND o.id = NEW.content_object_id
    ) THEN
        RAISE EXCEPTION 'a right is granted only to teams of the same workspace' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


def grant_within_workspace(table: str) -> pgtrigger.Trigger:
    """Return a trigger that refuses a grant on a row of ``table`` to a team of another workspace."""
    return pgtrigger.Trigger(
        name="grant_within_workspace",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=SQL.format(table=table),
    )
