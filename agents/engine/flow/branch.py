"""A ``branch`` node: goes the way of the first case that holds. A condition that cannot be evaluated fails the node."""

from agents.engine.flow.places import Given, Place, of_node


@of_node
def perform(place: Place) -> Given:
    """Choose a way."""
    found, trusted = place.first_true([case.when for case in place.node.cases])
    way = "else" if found is None else f"cases/{found}/next"
    to = place.node.otherwise if found is None else place.node.cases[found].next
    return Given({"next": to}, trusted, way)
