"""Setting the desk up a second time, as each start of the demo does."""

import pytest

from audit.ledger.models import Event
from config.demo.desk import build_desk
from tests.factories import SETUP

pytestmark = pytest.mark.django_db


def test_second_start_writes_no_event(desk):
    first, before = desk.desk, Event.objects.count()
    again = build_desk(
        workspace=first.workspace,
        crm=first.crm.config,
        crm_secret=first.crm.open_secret(),
        mail=first.mail.config,
        sender=first.send.options["from"],
        endpoints=first.route.endpoints,
        by=SETUP,
    )
    assert again == first
    assert Event.objects.count() == before
