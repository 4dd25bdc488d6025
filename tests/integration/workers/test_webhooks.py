"""A real worker tells webhooks; one that is killed while it sends is replaced by another."""

import threading

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Response

from audit.models import Delivery
from audit.operations import create_endpoint
from tests.integration.workers.conftest import until

pytestmark = [pytest.mark.django_db(transaction=True)]


def test_invariant_07_a_worker_killed_while_it_sends_is_replaced_under_the_same_webhook_id(cast, workers, settings):
    arrived, go = threading.Event(), threading.Event()
    ids = []

    def answer(request):
        ids.append(request.headers["webhook-id"])
        arrived.set()
        go.wait(120)
        return Response()

    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        settings.OUTBOUND_ALLOWED = [f"127.0.0.1:{server.port}"]
        server.expect_request("/hooks").respond_with_handler(answer)
        url = f"http://127.0.0.1:{server.port}/hooks"
        made = create_endpoint(
            workspace=cast.workspace, url=url, by=cast.owner, verbs=["webhook_endpoint.created"]
        ).endpoint
        first = workers("first")
        assert until(arrived.is_set, what="the first try")
        first.kill()
        go.set()
        Delivery.objects.update(leased_until=timezone.now())
        workers("second")
        until(lambda: Delivery.objects.filter(endpoint=made, status="delivered").exists(), what="the delivery")
    row = Delivery.objects.get()
    assert (row.attempt, ids) == (2, [str(row.event_id)] * 2)
