"""Those who talk to Countersign over HTTP: people with a browser's session, and a program with a key."""

from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

import httpx2

from config.demo.story.forms import Form, forms_of
from config.demo.story.report import NotSeen

API = "/api/v1/"
SECONDS = 30.0
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

    def form(self, path: str, *names: str, **values: str) -> Form:
        """Return the page's first form that has the fields ``names`` and the hidden ``values``."""
        page = self.http.get(path)
        if page.status_code != 200:
            raise NotSeen(f"GET {path} was answered {page.status_code}")
        for form in forms_of(page.text):
            if form.has(names, values):
                return Form(urljoin(path, form.action), form.fields, form.choices)
        raise NotSeen(f"{path} has no form with {[*names, *values.items()]}")

    def submit(self, form: Form, **filled: str) -> httpx2.Response:
        """Send a form as a browser does, and return the answer without following it."""
        sent = {**form.fields, **filled}
        return self.http.post(form.action, data=sent, headers={"Referer": str(self.http.base_url)})

    def proof(self) -> dict[str, str]:
        """Return the CSRF token that a page of ours gives to its scripts' requests."""
        return {"X-CSRFToken": self.http.cookies.get("csrftoken") or ""}
