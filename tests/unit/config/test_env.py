"""Readers of the environment."""

import pytest

from config import env


def test_text_prefers_the_file_then_the_environment_then_the_record(tmp_path, monkeypatch):
    record = tmp_path / "keys.json"
    record.write_text('{"SOME_KEY": "recorded", "pid": 7}')
    monkeypatch.setattr(env, "_recorded", {})
    env.use_recorded(record, tmp_path / "absent.json")
    assert env.text("SOME_KEY", "default") == "recorded"
    monkeypatch.setenv("SOME_KEY", "environment")
    assert env.text("SOME_KEY") == "environment"
    secret = tmp_path / "secret"
    secret.write_text("file\n")
    monkeypatch.setenv("SOME_KEY_FILE", str(secret))
    assert env.text("SOME_KEY") == "file"
    assert env.text("pid", "default") == "default"


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("Yes", True), ("off", False), ("", True)])
def test_flag_reads_words(monkeypatch, value, expected):
    monkeypatch.setenv("SOME_FLAG", value)
    assert env.flag("SOME_FLAG", default=True) is expected


def test_names_drop_blanks(monkeypatch):
    monkeypatch.setenv("SOME_NAMES", " a, ,b ,")
    assert env.names("SOME_NAMES") == ["a", "b"]


def test_number_falls_back_to_the_default(monkeypatch):
    monkeypatch.delenv("SOME_NUMBER", raising=False)
    assert env.number("SOME_NUMBER", 3) == 3
    monkeypatch.setenv("SOME_NUMBER", "8")
    assert env.number("SOME_NUMBER", 3) == 8


def test_database_address_by_socket_and_by_host():
    by_socket = env.database("postgresql://who@/base?host=%2Frun%2Fpg&port=5433&sslmode=disable")
    assert (by_socket["HOST"], by_socket["PORT"], by_socket["USER"]) == ("/run/pg", "5433", "who")
    assert by_socket["OPTIONS"] == {"sslmode": "disable"}
    by_host = env.database("postgresql://a%40b:p%2Fw@db.example:6000/base")
    assert (by_host["HOST"], by_host["PORT"], by_host["USER"], by_host["PASSWORD"]) == (
        "db.example",
        "6000",
        "a@b",
        "p/w",
    )
