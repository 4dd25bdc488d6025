"""The admin as a person uses it: pages to open, forms to send."""

from dataclasses import dataclass

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.ledger.models import Event
from workspaces.models import User


@dataclass
class Pages:
    """The admin in the hands of one person, who is staff for the purpose."""

    user: User

    def __post_init__(self):
        User.objects.filter(pk=self.user.pk).update(is_staff=True)
        self.user.refresh_from_db()
        self.client = Client()
        self.client.force_login(self.user, backend="django.contrib.auth.backends.ModelBackend")

    def address(self, row, page: str = "changelist") -> str:
        args = [] if isinstance(row, type) or page in {"changelist", "add"} else [row.pk]
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=args)

    def get(self, row, page: str = "changelist", **query):
        return self.client.get(self.address(row, page), query)

    def add(self, model, /, **data):
        return self.client.post(self.address(model, "add"), data)

    def change(self, row, **data):
        return self.client.post(self.address(row, "change"), data)

    def delete(self, row):
        return self.client.post(self.address(row, "delete"), {"post": "yes"}, follow=True)

    def act(self, action: str, *rows):
        data = {"action": action, "_selected_action": [row.pk for row in rows]}
        return self.client.post(self.address(rows[0]), data, follow=True)

    def queries(self, row, page: str = "changelist") -> int:
        with CaptureQueriesContext(connection) as captured:
            assert self.get(row, page).status_code == 200
        return len(captured)

    def lists(self, models) -> dict[str, int]:
        """Return how many statements the list of each model asks, by its name; at most 25."""
        asked = {model.__name__: self.queries(model) for model in models}
        assert max(asked.values()) <= 25, asked
        return asked


def said(response) -> str:
    """Return what the forms of a page object to, in one line."""
    form = response.context["adminform"].form
    return " ".join(sentence for sentences in form.errors.values() for sentence in sentences)


def events(verb: str, by: User) -> int:
    """Count the ledger's events of one verb with this person as the actor."""
    kind = "service" if by.is_service else "user"
    return Event.objects.filter(verb=verb, actor=f"{kind}:{by.id}").count()
