"""A request that opens is told to the pages that show it: by its id, never by its content."""

import json

import redis

from tests.serving import until
from workspaces.live import channel


def said_until_the_end(listener):
    for message in listener.listen():
        if message["type"] != "message":
            continue
        news = json.loads(message["data"])
        if news == "the end":
            return
        yield news


def test_opened_request_is_announced_by_its_id(desk, cast, settings, django_capture_on_commit_callbacks):
    client = redis.Redis.from_url(settings.REDIS_URL)
    listener = client.pubsub(ignore_subscribe_messages=True)
    heard = channel(cast.workspace.id)
    listener.subscribe(heard)
    until(lambda: dict(client.pubsub_numsub(heard))[heard.encode()] == 1)
    with django_capture_on_commit_callbacks(execute=True):
        run = desk.start(f"Please move {desk.crm.anybody()['email']} to the gold tier.")
    opened = {str(request.id) for request in desk.requests(run)}
    assert opened
    client.publish(heard, json.dumps("the end"))
    told = list(said_until_the_end(listener))
    listener.close()
    client.close()
    assert opened <= {news["id"] for news in told if news["kind"] == "request"}
    assert all(set(news) == {"kind", "id", "run"} for news in told)
