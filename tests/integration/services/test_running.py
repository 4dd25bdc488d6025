"""The embedded servers: what they give, and what they survive."""

import json
import os
import signal
import socket
from pathlib import Path

import psycopg
import pytest
import redis

from config.services import places, postgres, processes, programs
from config.services.errors import CannotStart
from config.services.places import Places, claimed
from config.services.running import services


def rows(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def run(url, *statements):
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def postmaster(var):
    return int((Places.of(var).home / "postgres" / "postmaster.pid").read_text().split()[0])


def test_application_reads_and_writes_rows_but_owns_no_table(var, quiet):
    with services(var, say=quiet) as running:
        owner, application = running.addresses["DATABASE_OWNER_URL"], running.addresses["DATABASE_URL"]
        run(owner, "CREATE TABLE thing (id bigserial PRIMARY KEY, place vector(2))")
        run(application, "INSERT INTO thing (place) VALUES ('[1,2]')", "UPDATE thing SET place = '[2,2]'")
        assert rows(application, "SELECT id, place::text FROM thing") == [(1, "[2,2]")]
        for refused in ("TRUNCATE thing", "DROP TABLE thing", "ALTER TABLE thing DISABLE TRIGGER ALL"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                run(application, refused)
        assert rows(application, "SELECT pg_has_role('pg_read_all_stats', 'member')") == [(True,)]


def test_loopback_lets_nobody_in_without_a_password(var, quiet):
    with services(var, say=quiet) as running:
        for role in ("postgres", "countersign"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(f"postgresql://{role}@127.0.0.1:{running.postgres_port}/countersign")
        with redis.Redis.from_url(running.addresses["REDIS_URL"]) as client:
            assert client.ping()
        address = running.addresses["REDIS_URL"].split("@")[1]
        with redis.Redis.from_url(f"redis://{address}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_role_of_another_database_may_not_connect_to_ours(var, quiet):
    with services(var, say=quiet) as running:
        run(running.addresses["DATABASE_OWNER_URL"], "CREATE ROLE other LOGIN PASSWORD 'x'")
        for database in ("countersign", "postgres"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                psycopg.connect(f"postgresql://other:x@127.0.0.1:{running.postgres_port}/{database}")
        assert rows(running.addresses["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_restart_keeps_data_and_address(var, quiet):
    with services(var, say=quiet) as running:
        before = running.addresses["DATABASE_OWNER_URL"]
        assert json.loads((var / "services.json").read_text())["DATABASE_URL"] == running.addresses["DATABASE_URL"]
        assert (var / "services.json").stat().st_mode & 0o077 == 0
        run(before, "CREATE TABLE kept AS SELECT 7 AS n")
    assert "DATABASE_URL" not in json.loads((var / "services.json").read_text())
    with services(var, say=quiet) as running:
        assert running.addresses["DATABASE_OWNER_URL"] == before
        assert rows(before, "SELECT n FROM kept") == [(7,)]


def test_killed_server_starts_again_with_its_data(var, quiet):
    with services(var, say=quiet) as running:
        run(running.addresses["DATABASE_OWNER_URL"], "CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(postmaster(var), signal.SIGKILL)
    with services(var, say=quiet) as running:
        assert rows(running.addresses["DATABASE_OWNER_URL"], "SELECT n FROM kept") == [(7,)]


def test_pid_file_that_names_a_stranger_is_removed_and_the_stranger_lives(var, quiet):
    with services(var, say=quiet):
        pass
    stranger = processes.start("stranger", ["/bin/sleep", "600"], log=var / "stranger.log")
    try:
        (Places.of(var).home / "postgres" / "postmaster.pid").write_text(f"{stranger.process.pid}\n/elsewhere\n")
        with services(var, say=quiet) as running:
            assert rows(running.addresses["DATABASE_URL"], "SELECT 1") == [(1,)]
        assert stranger.is_alive
    finally:
        stranger.stop()


def test_half_made_cluster_is_made_anew_and_kept_aside(var, quiet):
    home = Places.of(var).home
    (home / "postgres" / "base").mkdir(parents=True)
    (home / "postgres" / "postgresql.conf").write_text("half")
    (home / "postgres.making").mkdir()
    with services(var, say=quiet) as running:
        assert rows(running.addresses["DATABASE_URL"], "SELECT 1") == [(1,)]
    assert (home / "postgres.incomplete" / "postgresql.conf").read_text() == "half"


def test_cluster_of_another_version_is_refused_untouched(var, quiet):
    data = Places.of(var).home / "postgres"
    (data / "global").mkdir(parents=True)
    (data / "global" / "pg_control").touch()
    (data / "PG_VERSION").write_text("15\n")
    with pytest.raises(CannotStart, match=r"PostgreSQL 15 and this is 18.*make clean-demo"), services(var, say=quiet):
        pass
    assert (data / "PG_VERSION").read_text() == "15\n"


def test_port_taken_since_is_exchanged(var, quiet):
    with services(var, say=quiet) as running:
        port = running.postgres_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with services(var, say=quiet) as running:
            assert running.postgres_port != port
            assert rows(running.addresses["DATABASE_URL"], "SELECT 1") == [(1,)]


def test_given_addresses_are_used_as_they_are(var, quiet, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@db.example/x")
    monkeypatch.setenv("REDIS_URL", "redis://r.example/3")
    with services(var, say=quiet) as running:
        assert running.own == []
        assert running.addresses == {
            "DATABASE_URL": "postgresql://somebody@db.example/x",
            "DATABASE_OWNER_URL": "postgresql://somebody@db.example/x",
            "REDIS_URL": "redis://r.example/3",
        }


def test_second_start_in_the_same_folder_is_refused(var, quiet):
    with (
        claimed(Places.of(var), "services"),
        pytest.raises(CannotStart, match=rf"in use by process {os.getpid()}: stop it first"),
        services(var, say=quiet),
    ):
        pass


def test_folder_that_cannot_be_written_is_named_with_a_way_out(quiet):
    with (
        pytest.raises(CannotStart, match=r"cannot write /proc/.*VAR_DIR=/path"),
        services(Path("/proc/var"), say=quiet),
    ):
        pass


def test_fast_services_start_empty_every_time(var, quiet):
    with services(var, fast=True, say=quiet) as running:
        assert running.addresses["DATABASE_URL"].startswith("postgresql://postgres:")
        run(running.addresses["DATABASE_URL"], "CREATE TABLE gone (n int)")
        assert rows(running.addresses["DATABASE_URL"], "SHOW fsync") == [("off",)]
    with services(var, fast=True, say=quiet) as running:
        assert rows(running.addresses["DATABASE_URL"], "SELECT to_regclass('gone')") == [(None,)]


def test_no_folder_above_the_checkout_or_the_programs_changes(var, quiet):
    above = {*var.parents, *programs.package(programs.POSTGRES).parents, *places.CHECKOUT.parents, places.CHECKOUT}

    def rights():
        return {folder: (folder.stat().st_mode, folder.stat().st_uid, folder.stat().st_gid) for folder in above}

    before = rights()
    with services(var, say=quiet):
        assert rights() == before
    assert rights() == before


def test_socket_folder_stays_short_in_a_deep_checkout(tmp_path):
    deep = Places(tmp_path / ("deep-" * 20) / "var", None)
    assert len(os.fsencode(deep.sockets / ".s.PGSQL.65535")) <= places.LONGEST_SOCKET
    assert Places(Path("/srv/var"), None).sockets == Path("/srv/var/run")


def test_cluster_that_does_not_start_shows_the_end_of_its_log(var, quiet):
    with services(var, say=quiet):
        pass
    (Places.of(var).home / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(CannotStart, match=r"(?s)PostgreSQL did not start.*no_such_setting"), services(var, say=quiet):
        pass


def test_free_port_avoids_one_in_use():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert postgres.free_port(other.getsockname()[1]) != other.getsockname()[1]
