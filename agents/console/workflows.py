"""An agent's workflow on its page, and on the page of a run with what has become of each node."""

from collections import defaultdict

from django.db.models import Count

from agents.engine.flow.state import workflow_of
from agents.models import AgentVersion, Run
from agents.workflows.drawing import Drawn, drawn


def workflow_of_version(version: AgentVersion | None) -> tuple[Drawn, ...]:
    """Return the nodes of a version's workflow; nothing where it only asks the model."""
    return drawn(workflow_of(version.pk)) if version is not None and version.workflow is not None else ()


def workflow_of_run(run: Run) -> tuple[Drawn, ...]:
    """Return the nodes with the states of the run's steps."""
    if run.version.workflow is None or run.is_repair:
        return ()
    states: dict[str, dict[str, int]] = defaultdict(dict)
    counted = run.steps.exclude(node="").values("node", "status").annotate(count=Count("id")).order_by()
    for row in counted:
        states[row["node"]][row["status"]] = row["count"]
    return drawn(workflow_of(run.version_id), states)
