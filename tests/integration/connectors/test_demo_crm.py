"""The demo's CRM: made once, repaired when half made, never reset; and a role that can do no more than it should."""

import os
import threading

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from config.demo.crm import ensure
from tests.integration.connectors.conftest import drop


@pytest.fixture
def name(superuser):
    chosen = f"crm_made_{os.getpid()}"
    yield chosen
    drop(superuser, chosen)


def test_nothing_is_reset_and_what_is_missing_is_made(superuser, name):
    first = ensure(superuser, password="one", database=name)
    with psycopg.connect(make_conninfo(superuser, dbname=name)) as inside:
        inside.execute("UPDATE customers SET tier = 'gold' WHERE id = 1003")
        inside.execute(
            "DELETE FROM customers WHERE id = 1038 AND NOT EXISTS (SELECT 1 FROM orders WHERE customer_id = 1038)"
        )
        inside.execute("DELETE FROM orders WHERE id = 50001")
        inside.execute(f"REVOKE ALL ON customers, orders FROM {name}_agent")
    second = ensure(superuser, password="two", database=name)
    assert (first.host, first.port, first.database, first.user) == (second.host, second.port, name, f"{name}_agent")
    with psycopg.connect(make_conninfo(superuser, dbname=name, user=second.user, password="two")) as agent:
        assert agent.execute("SELECT tier FROM customers WHERE id = 1003").fetchone() == ("gold",)
        assert agent.execute("SELECT count(*) FROM orders").fetchone() == (59,)
    assert "two" not in repr(second)


def test_a_database_without_tables_is_finished(superuser, name):
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name}_owner NOLOGIN")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}_owner")
    ensure(superuser, password="x", database=name)
    with psycopg.connect(make_conninfo(superuser, dbname=name)) as inside:
        assert inside.execute("SELECT count(*), count(DISTINCT name) FROM customers").fetchone() == (40, 37)


def test_two_at_once_make_one(superuser, name):
    failures = []

    def make():
        try:
            ensure(superuser, password="x", database=name)
        except psycopg.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET name = 'x'",
        "UPDATE customers SET balance = 0",
        "DELETE FROM customers",
        "INSERT INTO customers (id, name, email) VALUES (1, 'x', 'x')",
        "UPDATE orders SET total = 0",
        "TRUNCATE orders",
        "CREATE TABLE mine (id int)",
        "SET ROLE postgres",
    ],
)
def test_the_agents_role_can_do_no_more_than_it_should(superuser, crm, statement):
    with psycopg.connect(make_conninfo(superuser, dbname=crm.database, user=crm.user, password=crm.password)) as agent:
        with pytest.raises(errors.InsufficientPrivilege):
            agent.execute(statement)
        agent.rollback()


def test_an_email_is_one_customers_whatever_its_case(inside):
    with pytest.raises(errors.UniqueViolation):
        inside.execute("INSERT INTO customers (id, name, email) VALUES (1, 'x', 'MARIA.keller@example.com')")
