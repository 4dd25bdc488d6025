"""Parallel and map: threads beside one another, joined exactly, whoever dies and however many work on them."""

import threading

import pytest
from django.db import connection, connections

from agents.engine.claims import claim_step
from agents.engine.drive import PERFORM, drive
from agents.engine.takeovers import hand_back_if_lost
from agents.engine.workers import incarnation
from agents.models import Run, Step, Worker
from agents.operations import cancel_run
from tests.flows import nodes_of, step_of
from workspaces.failpoints import Failpoint, acting


def same(value, **more):
    return {"kind": "code", "function": "same", "arguments": {"value": value}, **more}


def take(expression, **more):
    return same({"$": expression}, **more)


def one(name, node, **more):
    return {"start": name, "nodes": {name: node}, **more}


def parallel(*nodes, **more):
    branches = {f"b{at}": one(f"n{at}", node) for at, node in enumerate(nodes)}
    return {"fan": {"kind": "parallel", "branches": branches, **more}}


def each(node, **more):
    return {"each": {"kind": "map", "over": {"$": "input.items"}, "do": one("do", node), **more}}


FAILS = take("input.gone")
WAITS = {"kind": "wait", "for_seconds": 3600}


@pytest.mark.django_db
def test_branches_run_beside_one_another_and_are_joined(flows):
    nodes = {**parallel(take("nodes.before.output + 1"), same("x"), next="after"), "before": same(1, next="fan")}
    run = flows.run({**nodes, "after": take("nodes.fan.output.b0.output")}, start="before")
    assert (run.status, run.outcome["result"]) == ("succeeded", 2), run.explanation
    fan = step_of(run, "fan")
    assert fan.output["value"]["b1"] == {"status": "succeeded", "output": "x", "error": ""}
    assert step_of(run, "n0").thread == f"{fan.number}.b0"
    assert (run.open_steps, fan.output["trusted"]) == (0, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "failed"),
        ({"on_partial": "continue"}, "succeeded"),
        ({"join": "any"}, "succeeded"),
        ({"join": {"at_least": 2}}, "succeeded"),
        ({"join": {"at_least": 3}}, "failed"),
        ({"join": {"at_least": 4}}, "failed"),
        ({"join": {"at_least": 3}, "on_partial": "continue"}, "succeeded"),
    ],
)
def test_join_says_how_many_have_to_succeed(flows, more, status):
    run = flows.run(parallel(same(1), FAILS, same(2), **more))
    assert run.status == status, run.explanation
    assert not run.steps.exclude(status__in=["succeeded", "failed", "cancelled"]).exists()
    assert run.open_steps == 0


@pytest.mark.django_db
def test_failure_says_which_branch_and_why(flows):
    run = flows.run(parallel(same(1), FAILS))
    assert run.explanation == (
        "fan: 1 of 2 succeeded, which is not enough. b1: n1: The expression “input.gone” failed: there is no “gone”."
    )


@pytest.mark.django_db
def test_nothing_succeeded_is_a_failure_even_where_some_would_do(flows):
    run = flows.run(parallel(FAILS, FAILS, on_partial="continue"))
    assert (run.status, run.explanation[:20]) == ("failed", "fan: 0 of 2 succeede")


@pytest.mark.django_db
@pytest.mark.parametrize("more", [{"join": "any"}, {"join": "all"}])
def test_what_is_not_needed_any_more_is_cancelled(flows, more):
    ends = same(1) if more["join"] == "any" else FAILS
    run = flows.run(parallel(WAITS, ends, **more))
    assert dict(nodes_of(run))["n0"] == "cancelled"
    assert run.status == ("succeeded" if more["join"] == "any" else "failed")


@pytest.mark.django_db
def test_map_does_the_same_for_each_item(flows):
    run = flows.run(each(take("[item.n, index]")), {"items": [{"n": 1}, {"n": 2.5}, {"n": 3}]})
    assert run.status == "succeeded", run.explanation
    assert [end["output"] for end in run.outcome["result"]] == [[1, 0], [2.5, 1], [3, 2]]
    assert not step_of(run, "each").output["trusted"]


@pytest.mark.django_db
def test_map_of_nothing_gives_nothing(flows):
    run = flows.run(each(take("item")), {"items": []})
    assert (run.status, run.outcome["result"]) == ("succeeded", [])


@pytest.mark.django_db
@pytest.mark.parametrize(("items", "said"), [("x", "goes over a list"), ({"a": 1}, "goes over a list")])
def test_map_over_what_is_no_list_fails(flows, items, said):
    run = flows.run(each(take("item")), {"items": items})
    assert run.status == "failed"
    assert said in run.explanation


@pytest.mark.django_db
def test_map_begins_so_many_at_once(flows):
    run = flows.run(each(WAITS, at_once=2), {"items": [1, 2, 3, 4, 5]})
    assert [status for node, status in nodes_of(run) if node == "do"] == ["waiting"] * 2
    Step.objects.filter(node="do").update(wake_at="2020-01-01T00:00Z")
    run = flows.rest(run)
    assert [status for node, status in nodes_of(run) if node == "do"] == ["succeeded"] * 2 + ["waiting"] * 2


@pytest.mark.django_db
def test_items_are_seen_in_forks_within_a_map(flows):
    inner = {"kind": "parallel", "branches": {"x": one("deep", take("[item, index, nodes.outside.output]"))}}
    nodes = {"outside": same("o", next="each"), **each(inner)}
    run = flows.run(nodes, {"items": ["a", "b"]}, start="outside", limits={"step_limit": 50})
    assert run.status == "succeeded", run.explanation
    found = [end["output"]["x"]["output"] for end in run.outcome["result"]]
    assert found == [["a", 0, "o"], ["b", 1, "o"]]


@pytest.mark.django_db
def test_result_of_a_branch_is_made_of_its_nodes(flows):
    branch = {"start": "p", "nodes": {"p": same(1, next="q"), "q": same(2)}, "result": {"$": "nodes.p.output"}}
    run = flows.run({"fan": {"kind": "parallel", "branches": {"a": branch}}})
    assert run.outcome["result"]["a"]["output"] == 1


@pytest.mark.django_db
def test_inner_fork_is_cancelled_with_all_that_waits_in_it(flows):
    inner = {"kind": "parallel", "branches": {"x": one("deep", WAITS), "y": one("deeper", WAITS)}}
    run = flows.run(parallel(inner, same(1), join="any"))
    assert run.status == "succeeded", run.explanation
    assert [dict(nodes_of(run))[node] for node in ("n0", "deep", "deeper")] == ["cancelled"] * 3
    assert run.open_steps == 0


@pytest.mark.django_db
def test_cancelling_reaches_every_thread(flows, house):
    run = flows.run(parallel(WAITS, WAITS, next="after") | {"after": same(1)})
    cancel_run(run_id=run.id, by=house.cast.reviewer)
    run.refresh_from_db()
    assert (run.status, {status for _, status in nodes_of(run)}) == ("cancelled", {"cancelled"})


@pytest.mark.django_db
def test_step_limit_holds_in_threads(flows, house):
    from approvals.models import Request

    run = flows.run(each(take("item")), {"items": list(range(6))}, limits={"step_limit": 3})
    assert run.status == "waiting"
    request = Request.objects.open().get(run_id=run.id, kind="budget")
    house.answer(request, steps=50)
    run = flows.rest(run)
    assert (run.status, len(run.outcome["result"])) == ("succeeded", 6), run.explanation


@pytest.mark.django_db
def test_worker_killed_while_branches_run_loses_nothing(flows):
    flows.publish(parallel(same(1), same(2), same(3)))
    run = flows.start({})
    while (step := claim_step(run.id)).node != "n1":
        PERFORM[step.kind](step)
    Worker.objects.filter(pk=incarnation()).update(heartbeat_at="2020-01-01T00:00Z")
    assert hand_back_if_lost(step.id) == run.id
    run = flows.rest(run)
    assert (run.status, len(run.outcome["result"])) == ("succeeded", 3), run.explanation
    assert Step.objects.get(pk=step.pk).attempt == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_one_run_join_it_once(flows):
    flows.publish(each(take("item * 2"), next="after", at_once=4) | {"after": same("end")}, limits={"step_limit": 100})
    run = flows.start({"items": list(range(12))})
    begin, failures = threading.Barrier(2), []

    def work():
        try:
            begin.wait(10)
            for _ in range(40):
                drive(run.id)
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    run = flows.rest(run)
    assert failures == []
    assert (run.status, run.outcome["result"]) == ("succeeded", "end"), run.explanation
    assert [node for node, _ in nodes_of(run)].count("do") == 12
    assert [node for node, _ in nodes_of(run)].count("after") == 1
    assert [end["output"] for end in step_of(run, "each").output["value"]] == [2 * at for at in range(12)]


@pytest.mark.django_db(transaction=True)
def test_thread_left_over_ends_what_it_began_before_the_fork_goes_on(flows):
    """One worker is held in the middle of a branch; the other branch decides meanwhile."""
    flows.publish(parallel(same("slow", next=None), same("quick"), join="any"))
    run = flows.start({})
    drive(run.id, quantum=1)
    held, free = threading.Event(), threading.Event()

    def hold(point):
        if point == Failpoint.STEP_CLAIMED and threading.current_thread() is slow:
            held.set()
            assert free.wait(60)

    def work():
        drive(run.id, quantum=1)
        connections.close_all()

    slow = threading.Thread(target=work)
    with acting(hold):
        slow.start()
        assert held.wait(60)
        drive(run.id, quantum=1)
        fan = step_of(run, "fan")
        assert (fan.status, fan.awaits) == ("waiting", "closing")
        free.set()
        slow.join(60)
    run = flows.rest(run)
    assert (run.status, Run.objects.get(pk=run.pk).open_steps) == ("succeeded", 0)
    connection.close()


@pytest.mark.django_db
def test_every_step_may_lose_its_worker_once(flows):
    inner = {"kind": "parallel", "branches": {"x": one("deep", take("item")), "y": one("deeper", same(1))}}
    flows.publish({**each(inner, next="way", at_once=2), "way": take("nodes.each.output")}, limits={"step_limit": 60})
    run = flows.start({"items": [1, 2, 3]})
    while (step := claim_step(run.id)) is not None:
        if step.attempt == 1:
            Worker.objects.filter(pk=incarnation()).update(heartbeat_at="2020-01-01T00:00Z")
            assert hand_back_if_lost(step.id) == run.id
        else:
            PERFORM[step.kind](step)
    run = flows.rest(run)
    assert (run.status, len(run.outcome["result"])) == ("succeeded", 3), run.explanation
    assert [node for node, _ in nodes_of(run)].count("deep") == 3
