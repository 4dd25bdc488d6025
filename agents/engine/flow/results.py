"""What a flow gives when its last step is over: its ``result``, or the output of that step."""

from typing import Any

from agents.engine.flow.state import is_trusted, output_of, see, workflow_of
from agents.models import Run, Step
from agents.workflows.graph import Flow
from agents.workflows.values import expression_of, expressions_in, resolve


def result_of(run: Run, flow: Flow, step: Step) -> tuple[Any, bool]:
    """Return what ``flow`` gives after ``step``, and whether it may be trusted; raise ``Failed``."""
    if flow.result is None:
        return output_of(step), is_trusted(step)
    inside = workflow_of(run.version_id).is_inside_map(step.node)
    seen = see(run, step.thread, [expression_of(one, inside_map=inside) for _, one in expressions_in(flow.result)])
    return resolve(flow.result, seen.facts, inside_map=inside), seen.trusted


def text_of(result: Any) -> str:
    """Return a result as people read it first: its own text, where it is one or has one."""
    said = result.get("text") if isinstance(result, dict) else result
    return said if isinstance(said, str) else ""
