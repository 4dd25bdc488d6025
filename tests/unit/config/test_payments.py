"""The demo's payment system keeps Stripe's documented rules for Idempotency-Key, also over a restart."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from config.demo.customers import CUSTOMERS
from config.demo.payments import accounts
from config.demo.payments.gaps import Overlay, refund_of
from config.demo.payments.keys import KEPT_SECONDS, Answer, Keys, fingerprint, refusal
from tests.payments import API_KEY, payment_system

MADE = Answer(200, '{"id": "re_1"}', {"X": "1"})


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def keys():
    return Keys(now=Clock())


def kind_of(answer):
    return answer.status, json.loads(answer.body)["error"]["type"]


def test_the_same_key_with_the_same_parameters_gets_the_first_answer_again(keys):
    assert keys.begin("k", "asked") is None
    keys.end("k", "asked", MADE)
    again = keys.begin("k", "asked")
    assert (again.status, again.body) == (MADE.status, MADE.body)
    assert again.headers == {"X": "1", "Idempotent-Replayed": "true"}


def test_the_same_key_with_other_parameters_is_refused(keys):
    keys.begin("k", "asked")
    keys.end("k", "asked", MADE)
    assert kind_of(keys.begin("k", "something else")) == (400, "idempotency_error")


def test_a_key_that_is_being_worked_on_is_in_use(keys):
    keys.begin("k", "asked")
    answer = keys.begin("k", "asked")
    assert (kind_of(answer), json.loads(answer.body)["error"]["code"]) == (
        (409, "idempotency_error"), "idempotency_key_in_use",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "is_kept"),
    [(MADE, True), (refusal(402, "card_error", "No."), True), (refusal(500, "api_error", "No."), True),
     (refusal(400, "invalid_request_error", "No."), False), (refusal(401, "x", "No."), False),
     (refusal(429, "x", "No."), False), (None, False)],
)  # fmt: skip
def test_what_was_executed_is_kept_and_what_was_not_is_not(keys, answer, is_kept):
    keys.begin("k", "asked")
    keys.end("k", "asked", answer)
    assert (keys.begin("k", "asked") is not None) is is_kept


def test_keys_are_forgotten_after_a_day(keys):
    keys.begin("k", "asked")
    keys.end("k", "asked", MADE)
    keys.now.now += KEPT_SECONDS - 1
    assert keys.begin("k", "asked") is not None
    keys.now.now += 1
    assert keys.begin("k", "something else") is None


def test_the_order_of_parameters_does_not_matter():
    one, other = [("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]
    assert fingerprint("POST", "/x", one) == fingerprint("POST", "/x", other) != fingerprint("POST", "/y", one)


@pytest.mark.parametrize(
    ("charge", "amount", "expected"),
    [
        ({}, None, "4000"),
        ({}, "4000", "4000"),
        ({}, "4001", "greater than unrefunded"),
        ({}, "-1", "Invalid positive integer"),
        ({"amount_refunded": 5000}, None, "already been refunded"),
        ({"status": "failed"}, None, "has not been paid"),
    ],
)
def test_a_refund_is_possible_as_it_is_at_stripe(charge, amount, expected):
    whole = {"id": "ch_1", "amount": 5000, "amount_refunded": 1000, "status": "succeeded", **charge}
    form = refund_of(whole, [("charge", "ch_1"), ("reason", "duplicate"), *([("amount", amount)] if amount else [])])
    if isinstance(form, Answer):
        assert expected in form.body
    else:
        assert form == [("charge", "ch_1"), ("amount", expected)]


def test_what_localstripe_drops_is_kept_and_shown():
    overlay = Overlay()
    overlay.keep("/v1/refunds", [("reason", "duplicate")], MADE)
    overlay.keep("/v1/subscriptions/sub_1", [("metadata[a]", "1"), ("metadata[b]", "")], MADE)
    listed = [{"object": "refund", "id": "re_1"}, {"id": "sub_1", "metadata": {"b": "2", "c": "3"}}]
    shown = json.loads(overlay.shown(Answer(200, json.dumps({"data": listed}))).body)["data"]
    assert shown[0]["reason"] == "duplicate"
    assert shown[1]["metadata"] == {"a": "1", "c": "3"}
    assert overlay.shown(Answer(200, "<html>")).body == "<html>"


def ask(port, path, key, **form):
    headers = {"Authorization": f"Bearer {API_KEY}", **({"Idempotency-Key": key} if key else {})}
    body = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/{path}", body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer), answer.headers


def held(payments, kind):
    return {row["id"]: row for row in ask(payments.port, f"{kind}?limit=100", None)[0]["data"]}


def test_the_demos_data_and_keys_outlive_a_restart_and_it_offers_no_faults(tmp_path):
    like_the_demo = ["--folder", str(tmp_path / "payments"), "--filled", "--lazily"]
    with payment_system(*like_the_demo) as payments:
        charges = held(payments, "charges")
        charge = next(row for row in charges.values() if row["description"] and not row["amount_refunded"])
        ask(payments.port, "refunds", None, charge=charge["id"], amount=1)
        assert len(held(payments, "customers")) == len(CUSTOMERS)
        made, headers = ask(payments.port, "customers", "k-1", email="maria@example.com")
        assert "Idempotent-Replayed" not in headers
        with pytest.raises(urllib.error.HTTPError) as refused:
            payments.fail("/v1/refunds", "cut")
        refused.value.close()
    with payment_system(*like_the_demo) as payments:
        assert held(payments, "charges").keys() == charges.keys()
        assert held(payments, "charges")[charge["id"]]["amount_refunded"] == 1
        again, headers = ask(payments.port, "customers", "k-1", email="maria@example.com")
        assert (again["id"], headers["Idempotent-Replayed"]) == (made["id"], "true")
        assert ask(payments.port, f"customers/{made['id']}", None)[0]["email"] == "maria@example.com"
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(payments.port, "customers", "k-1", email="another@example.com")
        assert kind_of(Answer(refused.value.code, refused.value.read().decode())) == (400, "idempotency_error")
    assert API_KEY not in "".join(path.read_text(errors="ignore") for path in tmp_path.rglob("proxy.json"))


def test_the_demos_accounts_are_the_crms_customers_with_payments_of_several_kinds():
    people = {account.number: account for account in accounts.accounts()}
    paid = list(accounts.payments())
    assert {account.email for account in people.values()} == {row[2] for row in CUSTOMERS}
    currencies = {people[payment.customer].currency for payment in paid}
    assert {"eur", "usd", "gbp", "jpy"} <= currencies
    kinds = {(payment.refunded > 0) + (payment.refunded == payment.amount) for payment in paid}
    assert kinds == {0, 1, 2}
    assert {account.subscribes for account in people.values()} == {True, False}
