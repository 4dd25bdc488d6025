"""What the next model call has seen, source by source, each with its trust (DESIGN invariant 17).

A passage of knowledge is a source of its own: the trust of its document, which people vouch for or not, goes with each
value taken from it. Only a search of our own is believed about trust; what another system says of itself is not.
"""

from typing import Any, Final

from agents.engine.conversation import steps_with_actions
from agents.engine.flow.asking import node_sources
from agents.engine.parts import earlier_messages, facts_of, overlay_parts
from agents.models import Run, Step
from agents.states import StepKind
from memory.connectors.knowledge import KIND, Search
from memory.models import Trust
from tools.models import Action
from tools.provenance import Source
from tools.states import ActionStatus

LONGEST_LABEL: Final = 200


def sources_of(run: Run, asked: Step | None = None) -> list[Source]:
    """Return everything the next model call has seen or will have seen, each with its trust."""
    found = [
        Source("goal", "trusted", "instruction", run.version.goal),
        Source("ticket", "untrusted", "ticket", run.input["text"]),
    ]
    # What an overlay says vouches for nothing: values that it made trusted would need fewer people, and so widen.
    found += [Source(part.label, "untrusted", "instruction", part.text) for part in overlay_parts(run)]
    found += [Source(f"session: {m.source}", "untrusted", "message", m.text) for m in earlier_messages(run)]
    found += [
        Source(f"memory: {f.key}", trust_of({"trust": f.trust}), "record", {f.key: f.value}) for f in facts_of(run)
    ]
    found += node_sources(asked) if asked is not None else []
    for step in steps_with_actions(run, asked):
        action = step.recorded_action
        if step.kind == StepKind.PERSON or step.edited is not None:
            found.append(_of_person(step))
        elif action is None:
            continue
        elif action.status == ActionStatus.SUCCEEDED and action.result is not None:
            found += _result(step, action)
        elif action.status == ActionStatus.SIMULATED:
            found.append(
                Source(f"{action.tool.name} (step {step.number}), simulated", "untrusted", "tool_result", action.result)
            )
        elif action.status in {ActionStatus.REJECTED, ActionStatus.ANSWERED}:
            found.append(Source(f"reviewer (step {step.number})", "trusted", "person", action.explanation))
    return found


def _of_person(step: Step) -> Source:
    """Return what somebody wrote into a fork: like a ticket it vouches for nothing, else it could pass for a record."""
    if step.edited is None:
        label = f"message of {step.input.get('name', '')} (step {step.number})"
        return Source(label, "untrusted", "message", step.input.get("said", ""))
    label = f"{step.input.get('tool', '')} (step {step.number}), edited by {step.edited['name']}"
    return Source(label, "untrusted", "tool_result", step.edited["value"])


def _result(step: Step, action: Action) -> list[Source]:
    passages = passages_of(action)
    if passages is not None:
        return [Source(label_of(p, step.number), trust_of(p), "document", p["text"]) for p in passages]
    trust = "trusted" if action.tool.options.get("trusted_result") else "untrusted"
    return [Source(f"{action.tool.name} (step {step.number})", trust, "tool_result", action.result)]  # type: ignore[arg-type]


def passages_of(action: Action) -> list[dict[str, Any]] | None:
    """Return the passages that a search of our own knowledge found; None where the action is no such search."""
    tool = action.tool
    ours = tool.connection is not None and tool.connection.kind == KIND and tool.operation == Search.name
    if not ours or action.schema_digest != tool.schema_digest or not isinstance(action.result, dict):
        return None
    return list(action.result.get("passages") or [])


def label_of(passage: dict[str, Any], step: int) -> str:
    """Return how a passage is named as a source: document, headings, place in the text, step."""
    path = " › ".join([passage["document"], *passage["heading_path"]])
    short = path if len(path) <= LONGEST_LABEL else path[: LONGEST_LABEL - 1] + "…"
    return f"{short}, characters {passage['start']} to {passage['end']} (step {step})"


def trust_of(passage: dict[str, Any]) -> Any:
    """Return ``trusted`` only where the document was vouched for when the passage was read."""
    return "trusted" if passage.get("trust") == Trust.TRUSTED else "untrusted"
