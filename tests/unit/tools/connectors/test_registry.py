"""Which connectors are known, and that secrets stay out of words."""

from base64 import b64encode
from typing import ClassVar
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from tools.connectors import registry
from tools.connectors.postgres import PostgresConnector
from tools.connectors.redaction import redact
from tools.states import Effect, Idempotency
from workspaces.errors import InvalidInput


def base64_of(text):
    return b64encode(text.encode()).decode()


def plain_of(text):
    return base64_of(f"\0bad\0{text}")


def quote_of(text):
    return quote(text, safe="")


def test_the_outside_kinds_are_known():
    kinds = ("postgres", "smtp", "stripe")
    assert set(kinds) <= set(registry.CONNECTORS)
    found = {(kind, name): registry.operation(kind, name) for kind in kinds
             for name in registry.connector(kind).operations}  # fmt: skip
    classes = {key: (each.effect, each.egress, each.idempotency) for key, each in found.items()}
    assert classes == {
        ("postgres", "row.find"): (Effect.READ, False, Idempotency.ENFORCED),
        ("postgres", "row.update"): (Effect.REVERSIBLE, False, Idempotency.CONDITIONAL),
        ("smtp", "mail.send"): (Effect.IRREVERSIBLE, True, Idempotency.NONE),
        ("stripe", "customer.find"): (Effect.READ, False, Idempotency.ENFORCED),
        ("stripe", "charge.find"): (Effect.READ, False, Idempotency.ENFORCED),
        ("stripe", "subscription.find"): (Effect.READ, False, Idempotency.ENFORCED),
        ("stripe", "refund.create"): (Effect.IRREVERSIBLE, False, Idempotency.ENFORCED),
        ("stripe", "subscription.cancel_at_period_end"): (Effect.REVERSIBLE, False, Idempotency.ENFORCED),
        ("stripe", "customer.metadata"): (Effect.REVERSIBLE, False, Idempotency.ENFORCED),
    }
    assert [name for (_, name), each in found.items() if each.moves_money] == ["refund.create"]


@pytest.mark.parametrize("kind", ["postgres", "smtp"])
def test_a_connection_says_host_and_port_and_no_pinned_address(kind):
    connector = registry.connector(kind)
    for schema in (connector.config_schema, connector.secret_schema):
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
    assert {"host", "port"} <= set(connector.config_schema["required"])
    assert "hostaddr" not in connector.config_schema["properties"]


def test_an_unknown_kind_or_operation_says_what_there_is():
    with pytest.raises(InvalidInput, match="no connector 'fax'") as unknown:
        registry.operation("fax", "send")
    assert "postgres" in unknown.value.hint
    with pytest.raises(InvalidInput, match=r"no operation 'row\.drop'"):
        registry.operation("postgres", "row.drop")


def test_a_kind_belongs_to_one_connector():
    class Impostor(PostgresConnector):
        title: ClassVar[str] = "Another"

    with pytest.raises(ValueError, match="registered twice"):
        registry.register(Impostor())
    registry.register(PostgresConnector())


@pytest.mark.parametrize("coded", [str, base64_of, plain_of, quote_of])
def test_invariant_15_a_secret_is_hidden_in_every_form(coded):
    secret = "p@ss'w\\rd"
    assert redact(f"bad {coded(secret)}!", {"username": "bad", "password": secret}) == "bad [hidden]!"


def test_an_empty_secret_hides_nothing():
    assert redact("as it was", {"password": ""}) == "as it was"
