"""A scratch CRM with its scoped role, and targets that lead to it."""

import os
from dataclasses import replace

import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg import sql
from psycopg.conninfo import make_conninfo

from config.demo.crm import CrmAddresses, ensure
from tests.payments import payment_processes, payments
from tools.connectors.base import Target

__all__ = ["payment_processes", "payments"]

SAMPLES = """
CREATE TABLE samples (id bigint PRIMARY KEY, words text, whole bigint, small integer, exact numeric,
    rough double precision, yes boolean, day date, moment timestamptz, sheet json, tree jsonb, list integer[],
    span interval, code char(5), host inet)
"""
CUSTOMER = {
    "table": "customers",
    "key": {"name": "id", "type": "integer"},
    "columns": [
        {"name": "tier", "enum": ["standard", "silver", "gold"]},
        {"name": "address", "max_length": 200},
        {"name": "note", "max_length": 500, "nullable": True},
    ],
}
PASSWORD = "s3cret-of-the-crm"


@pytest.fixture(scope="session")
def superuser():
    """The address of the tests' PostgreSQL server with the right to create databases and roles."""
    default = django_settings.DATABASES["default"]
    parts = {"host": default["HOST"], "port": default["PORT"], "user": default["USER"], "password": default["PASSWORD"]}
    return make_conninfo(dbname="postgres", **{name: value for name, value in parts.items() if value})


@pytest.fixture(scope="session")
def crm(superuser):
    name = f"crm_test_{os.getpid()}"
    yield ensure(superuser, password=PASSWORD, database=name)
    drop(superuser, name)


def drop(superuser, name):
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in (f"{name}_agent", f"{name}_owner"):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture(scope="session")
def inside(superuser, crm):
    """A superuser's connection to the scratch CRM: the colleague who changes things behind our back."""
    with psycopg.connect(make_conninfo(superuser, dbname=crm.database), autocommit=True) as connection:
        connection.execute(SAMPLES)
        connection.execute(sql.SQL("GRANT SELECT, UPDATE ON samples TO {}").format(sql.Identifier(crm.user)))
        yield connection


def config_of(crm: CrmAddresses, **changes):
    parts = {"host": crm.host, "port": crm.port, "database": crm.database, "user": crm.user, "sslmode": "disable"}
    return {**parts, **changes}


@pytest.fixture
def target(crm, inside):
    """A target on the scratch CRM's customers, with customer 1001 as seeded."""
    inside.execute("UPDATE customers SET tier = 'silver', address = 'Lindenweg 4', note = NULL WHERE id = 1001")
    return Target(config_of(crm), {"password": PASSWORD}, CUSTOMER, 5.0)


@pytest.fixture
def through(target):
    """Return a function that leads ``target`` through a loopback port instead."""

    def lead(port, **changes):
        return replace(target, config={**target.config, "host": "127.0.0.1", "port": port}, **changes)

    return lead
