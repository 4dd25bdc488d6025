"""Those who talk to Countersign over HTTP: people with a browser's session, and a program with a key."""

import re
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx2

from config.demo.story.forms import Form, forms_of
from config.demo.story.report import NotSeen

API = "/api/v1/"
SECONDS = 30.0
CRLF = re.compile(r"\r\n|\r|\n")
Json = dict[str, Any]


class Caller:
    """Anybody who sends requests."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.http = httpx2.Client(base_url=url, headers=headers or {}, timeout=SECONDS, trust_env=False)

    def look(self, path: str) -> Json:
        """Return what the API answers to a GET; raise :class:`NotSeen` for anything but 200."""
        answer = self.http.get(API + path)
        if answer.status_code != 200:
            raise NotSeen(f"GET {path} was answered {answer.status_code}: {answer.text[:300]}")
        found: Json = answer.json()
        return found

    def rows(self, path: str) -> list[Json]:
        """Return the first page of a list."""
        found: list[Json] = self.look(path)["results"]
        return found

    def post(self, path: str, body: Json | None = None, *, key: str | None = None) -> httpx2.Response:
        """Send a POST to the API, with a fresh idempotency key unless one is given."""
        headers = {"Idempotency-Key": key or str(uuid4()), **self.proof()}
        return self.http.post(API + path, json=body or {}, headers=headers)

    def done(self, path: str, body: Json | None = None) -> Json:
        """Send a POST that has to succeed, and return the answer."""
        answer = self.post(path, body)
        if answer.status_code not in {200, 201}:
            raise NotSeen(f"POST {path} was answered {answer.status_code}: {answer.text[:300]}")
        found: Json = answer.json()
        return found

    def proof(self) -> dict[str, str]:
        """Return the headers that show that a request was meant."""
        return {}


class Program(Caller):
    """A service account with its key."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, {"Authorization": f"Bearer {key}"})


class Person(Caller):
    """Somebody at a browser; without a password, somebody who has not signed in."""

    def sign_in(self, address: str, password: str) -> httpx2.Response:
        """Fill in the sign-in form and send it."""
        form = self.form("/sign-in/", "password")
        return self.submit(form, username=address, password=password)

    def page(self, path: str) -> str:
        """Return a page; raise :class:`NotSeen` for anything but 200."""
        answer = self.http.get(path)
        if answer.status_code != 200:
            raise NotSeen(f"GET {path} was answered {answer.status_code}")
        return answer.text

    def form(self, path: str, *names: str, to: str = "", **values: str) -> Form:
        """Return the page's first form that has the fields ``names``, the hidden ``values``, and leads to ``to``."""
        for form in forms_of(self.page(path)):
            target = urljoin(path, form.action)
            if form.has(names, values) and target.endswith(to):
                return Form(target, form.fields, form.choices)
        raise NotSeen(f"{path} has no form to {to or 'anywhere'} with {[*names, *values.items()]}")

    def submit(self, form: Form, **filled: str) -> httpx2.Response:
        """Send a form as a browser does, and return the answer without following it."""
        sent = {name: CRLF.sub("\r\n", value) for name, value in {**form.fields, **filled}.items()}
        return self.http.post(form.action, data=sent, headers={"Referer": str(self.http.base_url)})

    def press(self, path: str, *, to: str = "", filled: dict[str, str] | None = None, **values: str) -> str:
        """Send one form of a page, which has to be taken, and return where it leads."""
        answer = self.submit(self.form(path, to=to, **values), **(filled or {}))
        if answer.status_code != 302:
            raise NotSeen(f"The form {to or values} of {path} was answered {answer.status_code}")
        return str(answer.headers["location"])

    def proof(self) -> dict[str, str]:
        """Return the CSRF token that a page of ours gives to its scripts' requests."""
        return {"X-CSRFToken": self.http.cookies.get("csrftoken") or ""}
