"""A ``branch`` node: goes the way of the first case that holds. A condition that cannot be evaluated fails the node."""

from agents.engine.flow.around import Around, Given
from agents.engine.flow.places import of_node


def give(around: Around) -> Given:
    """Choose a way."""
    node = around.node
    found, trusted = around.first_true([case.when for case in node.cases])
    way = "else" if found is None else f"cases/{found}/next"
    to = node.otherwise if found is None else node.cases[found].next
    return Given({"next": to}, trusted, way)


perform = of_node(give)
