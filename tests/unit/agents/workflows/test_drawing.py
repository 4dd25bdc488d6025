"""A workflow as people read it."""

from agents.workflows.drawing import END, Way, drawn
from agents.workflows.graph import parse


def code(**more):
    return {"kind": "code", "function": "same", **more}


def test_nodes_stand_in_the_order_in_which_they_are_reached():
    ways = {"kind": "branch", "cases": [{"when": "input.n == 1", "next": "two"}], "else": "one"}
    nodes = {"two": code(), "one": code(next="two", on_failure="two"), "way": ways}
    found = drawn(parse({"start": "way", "nodes": nodes}))
    assert [node.id for node in found] == ["way", "two", "one"]
    assert found[0].ways == (Way("if input.n == 1", "two"), Way("otherwise", "one"))
    assert found[1].ways == (Way("then", END),)
    assert found[2].ways == (Way("then", "two"), Way("on failure", "two"))


def test_every_kind_says_what_it_does():
    flow = {"start": "inner", "nodes": {"inner": code()}}
    nodes = {
        "a": {"kind": "action", "tool": "mail.send", "next": "c"},
        "c": {"kind": "child", "agent": "drafts", "next": "d"},
        "d": code(next="e", at_most=3),
        "e": {
            "kind": "event",
            "name": "paid",
            "key": {"$": "input.n"},
            "next": "m",
            "timeout_seconds": 5,
            "on_timeout": "m",
        },
        "m": {"kind": "map", "over": {"$": "input.rows"}, "do": flow, "join": {"at_least": 2}, "next": "n"},
        "n": {"kind": "model", "goal": "Be kind.", "next": "p"},
        "p": {"kind": "person", "title": "How much?", "schema": {"type": "object"}, "next": "q"},
        "q": {
            "kind": "parallel",
            "branches": {"left": {"start": "x", "nodes": {"x": code()}}},
            "join": "any",
            "next": "r",
        },
        "r": {"kind": "retrieve", "query": {"$": "input.text"}, "next": "w"},
        "w": {"kind": "wait", "for_seconds": 60, "next": "u"},
        "u": {"kind": "wait", "until": {"$": "input.at"}},
    }
    found = {node.id: node for node in drawn(parse({"start": "a", "nodes": nodes}))}
    assert {key: node.does for key, node in found.items()} == {
        "a": "Proposes mail.send",
        "c": "Gives a task to drafts",
        "d": "Calls same (at most 3 visits)",
        "e": "Waits for the signal paid with the key input.n",
        "m": "For each of input.rows, 10 at once; 2 of them have to succeed",
        "n": "Be kind.",
        "p": "Asks people: How much?",
        "q": "1 branches at once; one of them has to succeed",
        "r": "Searches knowledge for input.text",
        "w": "Waits 60 seconds",
        "u": "Waits until input.at",
    }
    assert Way("when time is up", "m") in found["e"].ways
    assert [(name, [node.id for node in inner]) for name, inner in found["q"].inner] == [("Branch left", ["x"])]
    assert found["m"].inner[0][0] == "For each item"


def test_state_of_a_node_is_what_goes_on_before_what_is_over():
    nodes = {"a": code(next="b"), "b": code()}
    found = drawn(parse({"start": "a", "nodes": nodes}), {"a": {"succeeded": 2, "waiting": 1}})
    assert [(node.state, node.steps) for node in found] == [("waiting", 3), ("", 0)]


def test_join_says_with_how_many_it_goes_on():
    flow = {"start": "x", "nodes": {"x": code()}}

    def says(**more):
        node = {"kind": "map", "over": [1], "do": flow, **more}
        return drawn(parse({"start": "a", "nodes": {"a": node}}))[0].does.partition("; ")[2]

    assert says() == "all of them have to succeed"
    assert says(on_partial="continue") == "goes on with those that succeed"
    assert says(on_partial="continue", join={"at_least": 2}) == "waits for 2 that succeed, else for all"
