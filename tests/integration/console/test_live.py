"""Live hints over a real server: coalesced, silent about what is not one's own, and ended when they must be."""

import json
import signal
from uuid import uuid4

import httpx2 as httpx
import pytest
import redis
from django.conf import settings as configured
from django.contrib.auth import SESSION_KEY

from agents.operations import start_run
from tests.serving import free_port, served, session_of
from workspaces.live import channel
from workspaces.operations import people

pytestmark = pytest.mark.django_db(transaction=True)
ALIVE = ": still here"
LISTENING = f"test-live-{uuid4()}"
"""What the server of these tests calls its connections to Valkey, where others have theirs."""


@pytest.fixture(scope="module")
def base(django_db_setup, tmp_path_factory):
    """The address of one server for all tests here: its pulse is quick, and it has one database connection."""
    pulse = {"LIVE_TEST_HEARTBEAT": "0.3", "LIVE_TEST_TICK": "0.1"}
    broker = f"{configured.REDIS_URL}?client_name={LISTENING}"
    with served(tmp_path_factory.mktemp("live"), DATABASE_POOL="1", REDIS_URL=broker, **pulse) as (_, address):
        yield address


def listen(base, path, user):
    session = session_of(user)
    headers = {"Cookie": f"sessionid={session.session_key}"}
    return session, httpx.stream("GET", base + path, headers=headers, timeout=20)


def publish(workspace, **news):
    return redis.Redis.from_url(configured.REDIS_URL).publish(channel(workspace.id), json.dumps(news))


def opened(answer):
    """Return the answer's lines, once it is listening."""
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.iter_lines()
    while next(lines) != ": listening":
        pass
    return lines


def hint(lines):
    """Return the next thing said, be it news or a sign of life."""
    return next(line for line in lines if line)


def news(lines):
    """Return the next news."""
    return next(line for line in lines if line not in ("", ALIVE))


def silent(lines):
    """Say whether nothing but signs of life comes for a while that is longer than any hint takes."""
    return all(hint(lines) == ALIVE for _ in range(3))


@pytest.fixture
def run(desk, cast):
    return start_run(agent_id=desk.desk.agent.id, text="Hello.", by=cast.owner)


def test_a_burst_of_news_is_one_hint_without_any_content(base, run, cast):
    _, stream = listen(base, f"/runs/live/?run={run.id}", cast.reviewer)
    with stream as answer:
        lines = opened(answer)
        publish(cast.workspace, kind="step", id="other", run="018f0000-0000-7000-8000-000000000000")
        assert silent(lines)
        for _ in range(5):
            publish(cast.workspace, kind="step", id="s", run=str(run.id))
        assert news(lines) == "data: moved"
        assert silent(lines)
        publish(cast.elsewhere, kind="run", id=str(run.id), run=str(run.id))
        assert silent(lines)
        publish(cast.workspace, kind="run", id=str(run.id), run=str(run.id))
        assert news(lines) == "data: moved"


def test_each_list_hears_of_its_own_things_only(base, run, cast):
    _, inbox = listen(base, "/live/", cast.reviewer)
    _, runs = listen(base, "/runs/live/", cast.reviewer)
    with inbox as asked, runs as ran:
        heard, seen = opened(asked), opened(ran)
        publish(cast.workspace, kind="nonsense", id="x", run=None)
        publish(cast.workspace, kind="run", id=str(run.id), run=str(run.id))
        assert news(seen) == "data: moved"
        assert silent(heard)
        publish(cast.workspace, kind="request", id="x", run=None)
        assert news(heard) == "data: moved"
        assert silent(seen)


@pytest.mark.parametrize("address", ["/live/?run=%s", "/live/?run=nonsense%s"])
def test_a_page_of_a_request_hears_of_no_run_that_asks_it_nothing(base, run, cast, address):
    with listen(base, address % run.id, cast.reviewer)[1] as answer:
        lines = opened(answer)
        publish(cast.workspace, kind="step", id="s", run=str(run.id))
        assert silent(lines)
        publish(cast.workspace, kind="request", id="x", run=str(run.id))
        assert news(lines) == "data: moved"


def test_what_is_no_news_of_ours_is_ignored(base, run, cast):
    with listen(base, f"/runs/live/?run={run.id}", cast.reviewer)[1] as answer:
        lines = opened(answer)
        for text in ("no JSON", "null", "[]", '"run"', b"\xff"):
            redis.Redis.from_url(configured.REDIS_URL).publish(channel(cast.workspace.id), text)
        assert silent(lines)
        publish(cast.workspace, kind="run", id=str(run.id), run=str(run.id))
        assert news(lines) == "data: moved"


@pytest.mark.parametrize("by", ["member", "stranger"])
def test_a_run_of_others_has_no_stream(base, run, cast, by):
    for path in (f"/runs/live/?run={run.id}", "/runs/live/?run=nonsense"):
        with listen(base, path, cast[by])[1] as answer:
            assert answer.status_code == 404


def test_a_member_without_rights_hears_nothing(base, run, cast):
    with listen(base, "/runs/live/", cast.member)[1] as answer, listen(base, "/live/", cast.member)[1] as asked:
        unheard, quiet = opened(answer), opened(asked)
        publish(cast.workspace, kind="run", id=str(run.id), run=str(run.id))
        publish(cast.workspace, kind="request", id="x", run=str(run.id))
        assert silent(unheard)
        assert silent(quiet)


def test_nobody_listens_without_signing_in(base, db):
    assert httpx.get(f"{base}/runs/live/").status_code == 302


@pytest.mark.parametrize("end", ["sign out", "another's session", "new password", "disable", "leave"])
def test_a_stream_ends_with_the_right_to_it(base, run, cast, end):
    session, stream = listen(base, f"/runs/live/?run={run.id}", cast.reviewer)
    with stream as answer:
        lines = opened(answer)
        assert hint(lines) == ALIVE
        if end == "sign out":
            session.delete()
        elif end == "another's session":
            session[SESSION_KEY] = str(cast.finance.pk)
            session.save()
        elif end == "new password":
            cast.reviewer.set_password("another horse battery staple")
            cast.reviewer.save()
        elif end == "disable":
            people.disable_user(user=cast.reviewer, by=cast.owner)
        else:
            people.remove_member(workspace=cast.workspace, user=cast.reviewer, by=cast.owner)
        assert set(lines) <= {"", ALIVE}


def test_streams_hold_no_database_connection(base, run, cast):
    path = f"/runs/live/?run={run.id}"
    session, first = listen(base, path, cast.reviewer)
    with first as one, listen(base, path, cast.finance)[1] as other:
        assert hint(opened(one)) == hint(opened(other)) == ALIVE
        page = httpx.get(f"{base}/runs/{run.id}/", headers={"Cookie": f"sessionid={session.session_key}"}, timeout=20)
        assert page.status_code == 200


def test_a_stream_ends_when_valkey_drops_it(base, run, cast):
    with listen(base, f"/runs/live/?run={run.id}", cast.reviewer)[1] as answer:
        lines = opened(answer)
        broker = redis.Redis.from_url(configured.REDIS_URL)
        ours = [client["id"] for client in broker.client_list(_type="pubsub") if client["name"] == LISTENING]
        assert [broker.client_kill_filter(_id=client) for client in ours] == [1]
        assert set(lines) <= {"", ALIVE}


def test_a_stopping_server_does_not_wait_for_its_streams(serve, run, cast):
    server, base = serve()
    with listen(base, f"/runs/live/?run={run.id}", cast.reviewer)[1] as answer:
        lines = opened(answer)
        server.send_signal(signal.SIGTERM)
        assert not any(lines)
    assert server.wait(60) in (0, -signal.SIGTERM)


def test_without_valkey_the_page_is_told_to_poll(serve, run, cast):
    _, base = serve(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    with listen(base, f"/runs/live/?run={run.id}", cast.reviewer)[1] as answer:
        assert answer.status_code == 503
