"""A request that opens is told to the pages that show it: by its id, never by its content."""

import json

import redis

from workspaces.live import channel


def test_opened_request_is_announced_by_its_id(desk, cast, settings, django_capture_on_commit_callbacks):
    client = redis.Redis.from_url(settings.REDIS_URL)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(channel(cast.workspace.id))
    listener.get_message(timeout=5)
    with django_capture_on_commit_callbacks(execute=True):
        run = desk.start(f"Please move {desk.crm.anybody()['email']} to the gold tier.")
    told = []
    while message := listener.get_message(timeout=1):
        told.append(json.loads(message["data"]))
    listener.close()
    client.close()
    opened = {str(request.id) for request in desk.requests(run)}
    assert opened
    assert opened <= {news["id"] for news in told if news["kind"] == "request"}
    assert all(set(news) == {"kind", "id", "run"} for news in told)
