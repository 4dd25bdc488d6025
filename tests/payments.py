"""The payment system of the tests: the demo's own, as processes, with localstripe itself to count at."""

import json
import re
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tools.connectors.base import Target

API_KEY = "sk_test_countersign"


@dataclass
class Payments:
    """Addresses of the proxy and of localstripe behind it; what is made or counted here passes by the proxy.

    ``behind`` is 0 where localstripe was not started yet.
    """

    port: int
    behind: int = 0

    def target(self, *, port: int | None = None, deadline: float = 10.0, **options: Any) -> Target:
        config = {"base_url": f"http://127.0.0.1:{port or self.port}"}
        return Target(config, {"api_key": API_KEY}, options, deadline)

    def fail(self, path: str, then: str, *, method: str = "POST", **more: Any) -> None:
        """Let the next request of this kind fail."""
        fault = {"method": method, "path": path, "then": then, **more}
        _open(f"http://127.0.0.1:{self.port}/_faults", json.dumps(fault).encode(), "application/json")

    def release(self) -> None:
        """Fail no more, and let go of what hangs."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_faults", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def ask(self, path: str, **form: Any) -> dict[str, Any]:
        """Ask localstripe itself."""
        body = urllib.parse.urlencode(form).encode() if form else None
        return json.loads(_open(f"http://127.0.0.1:{self.behind}/v1/{path}", body))

    def card(self) -> str:
        fields = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040}
        return self.ask("payment_methods", **fields, **{"card[cvc]": "123"})["id"]

    def customer(self, email: str = "maria@example.com", **more: Any) -> str:
        return self.ask("customers", email=email, **more)["id"]

    def charge(self, customer: str | None, amount: int = 5000, currency: str = "eur", refunded: int = 0) -> str:
        whose = {"customer": customer} if customer else {}
        made = self.ask("charges", amount=amount, currency=currency, source=self.card(), **whose)["id"]
        if refunded:
            self.ask("refunds", charge=made, amount=refunded)
        return made

    def refunds(self, charge: str) -> list[int]:
        """Return the amounts that localstripe has refunded of a charge, the smallest first."""
        return sorted(refund["amount"] for refund in self.ask(f"refunds?charge={charge}&limit=100")["data"])

    def subscription(self, customer: str) -> str:
        product = self.ask("products", name="Support", type="service")["id"]
        plan = self.ask("plans", product=product, amount=900, currency="eur", interval="month")["id"]
        self.ask(f"payment_methods/{(card := self.card())}/attach", customer=customer)
        self.ask(f"customers/{customer}", **{"invoice_settings[default_payment_method]": card})
        return self.ask("subscriptions", customer=customer, **{"items[0][plan]": plan})["id"]


@contextmanager
def payment_system(*arguments: str):
    """Start the proxy and localstripe, on free ports."""
    command = [sys.executable, "-m", "config.demo.payments", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port, *behind = map(int, re.findall(r"127\.0\.0\.1:(\d+)", process.stdout.readline()))
        yield Payments(port, *behind)
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)
        assert (process.returncode, said[1]) == (0, "")


def _open(url: str, body: bytes | None, kind: str = "application/x-www-form-urlencoded") -> bytes:
    headers = {"Authorization": f"Bearer {API_KEY}", "Content-Type": kind}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
        return answer.read()


@pytest.fixture(scope="session")
def payment_processes():
    with payment_system("--faults") as running:
        yield running


@pytest.fixture
def payments(payment_processes, settings):
    """The payment system, failing no more and reachable."""
    settings.OUTBOUND_ALLOWED = [*settings.OUTBOUND_ALLOWED, f"127.0.0.1:{payment_processes.port}"]
    yield payment_processes
    payment_processes.release()
