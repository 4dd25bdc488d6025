"""The demo's mail server as a process of its own: takes, keeps, shows, and stops when told to."""

import json
import re
import signal
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from tools.connectors.base import Target
from tools.connectors.registry import operation

OPTIONS = {"from": "support@demo.example"}


@contextmanager
def running(folder):
    command = [
        sys.executable,
        "-m",
        "config.demo.mail",
        "--smtp-port",
        "0",
        "--http-port",
        "0",
        "--folder",
        str(folder),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        smtp, web = map(int, re.findall(r"127\.0\.0\.1:(\d+)", line))
        assert "outside mail server" in line
        yield process, smtp, f"http://127.0.0.1:{web}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode(), answer.headers


def send(port, subject, body="Hello\n"):
    target = Target({"host": "127.0.0.1", "port": port, "security": "none"}, {}, OPTIONS, 5.0)
    mail = {"to": "maria@example.com", "subject": subject, "body": body}
    return operation("smtp", "mail.send").execute(target, mail, key=f"key-{subject}", before=None)


def test_what_is_sent_is_kept_and_shown_newest_first_after_a_restart(tmp_path):
    with running(tmp_path / "mail") as (_, smtp, web):
        assert "Nothing has arrived yet" in get(web + "/")[0]
        first = send(smtp, "First", "Grüße\n.\n")
        send(smtp, "Second")
    with running(tmp_path / "mail") as (_, _, web):
        found = json.loads(get(web + "/messages.json")[0])["messages"]
        page = get(f"{web}/messages/{found[1]['id']}")[0]
    assert [message["subject"] for message in found] == ["Second", "First"]
    assert found[1]["body"] == "Grüße\n.\n"
    assert found[1]["message_id"] == first.result["message_id"]
    assert ["X-Countersign-Action", "key-First"] in found[1]["headers"]
    assert found[1]["envelope_to"] == "maria@example.com"
    assert "Grüße" in page
    assert not list((tmp_path / "mail").glob(".*"))


def test_hostile_text_is_inert(tmp_path):
    message = EmailMessage()
    message["Subject"] = "<script>alert(1)</script>"
    message["From"] = '"<img src=x>" <a@example.com>'
    message.set_content("<p>html</p><img src='http://example.com/x.png'>", subtype="html")
    with running(tmp_path) as (_, smtp, web):
        with smtplib.SMTP("127.0.0.1", smtp, timeout=5) as client:
            client.sendmail("a@example.com", ["b@example.com"], message.as_bytes())
            client.sendmail("a@example.com", ["b@example.com"], b"Subject: \xff\xfe =?x-none?b?!!?=\r\n\r\n\xff\xfe")
        pages = [get(web + "/")]
        found = json.loads(get(web + "/messages.json")[0])["messages"]
        pages += [get(f"{web}/messages/{each['id']}") for each in found]
    for page, headers in pages:
        assert "<script" not in page
        assert "<img" not in page
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert len(found) == 2


@pytest.mark.parametrize("path", ["/messages/../../etc/passwd", "/messages/x", "/no", "/messages/" + "0" * 32])
def test_an_absent_page_says_so(tmp_path, path):
    with running(tmp_path) as (_, _, web):
        with pytest.raises(urllib.error.HTTPError) as absent:
            get(web + path)
        assert absent.value.code == 404
        assert "See the inbox" in absent.value.read().decode()


def test_it_stops_cleanly_and_says_why_it_cannot_start(tmp_path):
    with running(tmp_path) as (process, smtp, _):
        command = [sys.executable, "-m", "config.demo.mail", "--http-port", "0", "--folder", str(tmp_path)]
        second = subprocess.run([*command, "--smtp-port", str(smtp)], capture_output=True, text=True, timeout=20)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert "has stopped" in out
    assert second.returncode == 1
    assert "Choose other ports" in second.stderr
