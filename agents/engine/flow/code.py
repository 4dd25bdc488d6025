"""A ``code`` node: calls a registered pure function."""

from agents.engine.flow.places import Given, Place, of_node
from agents.workflows.functions import call


@of_node
def perform(place: Place) -> Given:
    """Give what the function makes of its arguments."""
    arguments, trusted = place.resolve(place.node.arguments)
    return Given(call(place.node.function, arguments), trusted)
