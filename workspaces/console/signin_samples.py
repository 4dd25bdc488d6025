"""Samples of the pages about second factors, for ``/components/``."""

from collections.abc import Callable
from typing import Any, Final

from workspaces.console.factors import SetUpForm, spaced
from workspaces.console.samples import ago
from workspaces.console.sessions import CodeForm
from workspaces.models import User
from workspaces.signin import factors

NOBODYS: Final = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def _new(*, asked: bool) -> dict[str, Any]:
    person = User(email="person@example.com", password="usable")  # noqa: S106 - of nobody, and never stored
    drawn = factors.drawn(person, NOBODYS)
    return {"form": SetUpForm(person), "secret": spaced(NOBODYS), "drawn": drawn, "asked": asked}


def _kept() -> dict[str, Any]:
    kept = {"created_at": ago(days=40), "last_used_at": ago(hours=2)}
    forms = {"renewing": CodeForm(auto_id="renew_%s"), "removing": CodeForm(auto_id="remove_%s")}
    return {"kept": kept, "codes_left": 9, "asked": False, **forms}


def _codes() -> dict[str, Any]:
    return {"codes": [f"{n}0{n}7 3{n}4{n}" for n in range(10)], "said": "Your second factor is set up."}


PAGES: Final[dict[str, tuple[str, Callable[[], dict[str, Any]], str]]] = {
    "sign-in-code": ("workspaces/sign_in_code.html", lambda: {"form": CodeForm()}, ""),
    "second-factor-new": ("people/second_factor_new.html", lambda: _new(asked=False), "people"),
    "second-factor-asked": ("people/second_factor_new.html", lambda: _new(asked=True), ""),
    "second-factor": ("people/second_factor.html", _kept, "people"),
    "recovery-codes": ("people/recovery_codes.html", _codes, "people"),
}
