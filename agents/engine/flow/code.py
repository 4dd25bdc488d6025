"""A ``code`` node: calls a registered pure function."""

from agents.engine.flow.around import Around, Given
from agents.engine.flow.places import of_node
from agents.workflows.functions import call


def give(around: Around) -> Given:
    """Give what the function makes of its arguments."""
    arguments, trusted = around.resolve(around.node.arguments)
    return Given(call(around.node.function, arguments), trusted)


perform = of_node(give)
