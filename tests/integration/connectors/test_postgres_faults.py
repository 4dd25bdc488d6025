"""What each failure of a real connection proves (DESIGN invariants 4, 5 and 15)."""

import socket
import time
import traceback
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.integration.connectors.conftest import PASSWORD
from tests.integration.connectors.wire import Proxy, SignInRefused
from tests.timing import ends_within
from tools.connectors.base import ConnectorError, NotSent, Refused, Unknown
from tools.connectors.registry import operation

UPDATE = operation("postgres", "row.update")
GOLD = {"id": 1001, "tier": "gold"}
BEFORE = {"id": 1001, "tier": "silver", "address": "Lindenweg 4", "note": None}


def change(target, key="key-1"):
    return UPDATE.execute(target, GOLD, key=key, before=BEFORE)


def tier(inside):
    return inside.execute("SELECT tier FROM customers WHERE id = 1001").fetchone()[0]


def proxy(crm, marker, then):
    return Proxy(crm.host, crm.port, marker, then)


def test_nothing_listening_is_not_sent(through):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotSent, match="could not be reached"):
        change(through(port))


def test_an_unknown_name_is_not_sent(target):
    there = replace(target, config={**target.config, "host": "no-such-host.invalid"})
    with pytest.raises(NotSent, match="stands for no address"):
        change(there)


def test_a_pinned_address_is_used_instead_of_the_name(target):
    if target.config["host"].startswith("/"):
        pytest.skip("The tests' server listens on a socket folder only.")
    address = socket.gethostbyname(target.config["host"])
    there = replace(target, config={**target.config, "host": "no-such-host.invalid", "hostaddr": address})
    assert UPDATE.before(there, GOLD) == BEFORE


@pytest.mark.parametrize("host", ["127.0.0.1,10.0.0.1", "a b", "", None, "host\n", "fe80::1%eth0"])
def test_a_host_that_could_be_two_is_refused(target, host):
    with pytest.raises(Refused, match="host"):
        change(replace(target, config={**target.config, "host": host}))


@pytest.mark.parametrize(
    "message", ["password authentication failed for user", "Passwort-Authentifizierung gescheitert"]
)
def test_a_wrong_password_is_refused_in_any_language(through, message):
    with SignInRefused("28P01", f"{message} {PASSWORD}") as server, pytest.raises(Refused, match="renew it") as refused:
        change(through(server.port))
    assert PASSWORD.encode() in server.heard
    nowhere_secret(refused.value)


def test_a_full_server_is_not_sent(through):
    with SignInRefused("53300", "sorry, too many clients already") as server, pytest.raises(NotSent, match="later"):
        change(through(server.port))


def test_an_absent_database_is_refused(target):
    with pytest.raises(Refused, match="correct the connection"):
        change(replace(target, config={**target.config, "database": "no_such_database"}))


def test_our_own_environment_never_reaches_an_outside_server(through, monkeypatch, tmp_path):
    (tmp_path / "pgpass").write_text("*:*:*:*:our-own-secret\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    monkeypatch.setenv("PGPASSWORD", "our-own-secret")
    monkeypatch.setenv("PGHOSTADDR", "10.255.255.1")
    with SignInRefused("28P01", "password authentication failed") as server, pytest.raises(Refused):
        change(through(server.port, secret={}))
    assert b"our-own-secret" not in server.heard


@pytest.mark.parametrize(
    ("marker", "then", "happened", "stage"),
    [
        (b"COMMIT\0", "deliver", True, "commit"),
        (b"COMMIT\0", "swallow", False, "commit"),
        (b"UPDATE ", "deliver", False, "update"),
        (b"UPDATE ", "swallow", False, "update"),
    ],
)
def test_invariant_04_a_connection_cut_after_sending_is_unknown_and_the_probe_settles_it(
    crm, target, through, inside, marker, then, happened, stage
):
    with proxy(crm, marker, then) as between, pytest.raises(Unknown) as unknown:
        change(through(between.port), key=f"{stage}-{then}")
    assert between.met.is_set()
    assert unknown.value.evidence["stage"] == stage
    wait_until_gone(inside, f"{stage}-{then}")
    assert (tier(inside) == "gold") is happened
    assert UPDATE.probe(target, GOLD, key=f"{stage}-{then}", before=BEFORE).happened is happened
    nowhere_secret(unknown.value)


@pytest.mark.parametrize("marker", [b"BEGIN", b"set_config"])
def test_a_connection_cut_before_the_change_is_not_sent(crm, through, inside, marker):
    with proxy(crm, marker, "deliver") as between, pytest.raises(NotSent):
        change(through(between.port))
    assert tier(inside) == "silver"


def test_a_server_silent_after_commit_is_unknown_at_the_deadline(crm, through):
    with proxy(crm, b"COMMIT\0", "stall") as between:

        def try_once():
            with pytest.raises(Unknown):
                change(through(between.port, deadline_seconds=1.0))

        assert ends_within(2.5, try_once)


def test_a_commit_stuck_in_the_network_is_ended_by_the_server(crm, target, through, inside):
    """The probe may not say "it did not happen" while the session is there; the server ends it by itself."""
    with proxy(crm, b"COMMIT\0", "hold") as between:
        with pytest.raises(Unknown):
            change(through(between.port, deadline_seconds=1.0), key="stuck")
        wait_until_gone(inside, "stuck")
        assert UPDATE.probe(target, GOLD, key="stuck", before=BEFORE).happened is False
    assert tier(inside) == "silver"


def test_a_silent_server_while_connecting_is_not_sent_in_time(through):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        through_silence = through(silent.getsockname()[1], deadline_seconds=1.0)

        def try_once():
            with pytest.raises(NotSent):
                change(through_silence)

        assert ends_within(3.5, try_once)


def test_a_locked_row_is_not_sent_and_a_working_session_keeps_the_probe_undecided(superuser, crm, target, inside):
    with psycopg.connect(make_conninfo(superuser, dbname=crm.database)) as colleague:
        colleague.execute("SELECT 1 FROM customers WHERE id = 1001 FOR UPDATE")
        with pytest.raises(NotSent, match="lock timeout"):
            change(replace(target, deadline_seconds=1.0))
    working = make_conninfo(
        superuser, dbname=crm.database, user=crm.user, password=crm.password, application_name="countersign mine"
    )
    with psycopg.connect(working) as session:
        session.execute("SELECT 1")
        assert UPDATE.probe(target, GOLD, key="mine", before=BEFORE).happened is None
    assert UPDATE.probe(target, GOLD, key="mine", before=BEFORE).happened is False


def test_a_statement_that_the_server_gave_up_is_refused(target, inside):
    inside.execute(
        "CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(20); RETURN NEW; END $$"
    )
    inside.execute("CREATE TRIGGER slow BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION slow()")
    try:
        with pytest.raises(Refused, match="statement timeout"):
            change(replace(target, deadline_seconds=1.0))
    finally:
        inside.execute("DROP TRIGGER slow ON customers")
    assert tier(inside) == "silver"


def test_a_constraint_that_speaks_at_commit_is_refused(target, inside):
    inside.execute(
        "CREATE OR REPLACE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE check_violation USING MESSAGE = 'not today'; END $$"
    )
    inside.execute(
        "CREATE CONSTRAINT TRIGGER no AFTER UPDATE ON customers DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no()"
    )
    try:
        with pytest.raises(Refused, match="not today") as refused:
            change(target)
    finally:
        inside.execute("DROP TRIGGER no ON customers")
    assert refused.value.evidence["stage"] == "commit"
    assert tier(inside) == "silver"


def wait_until_gone(inside, key):
    """Wait for the server to notice that the session's other end has gone (it polls nothing while it works)."""
    until = time.monotonic() + 60
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    while inside.execute(query, [f"countersign {key}"]).fetchone()[0]:
        assert time.monotonic() < until
        inside.execute("SELECT pg_sleep(0.02)")


def nowhere_secret(error: ConnectorError):
    """Neither the words nor anything that hangs on the exception shows the password."""
    assert error.__context__ is None
    assert error.__cause__ is None
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.evidence) + str(error)
    assert PASSWORD not in shown
