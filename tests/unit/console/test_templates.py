"""What holds for every template, stylesheet and script of the console."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.http import Http404
from django.template.loader import get_template, render_to_string
from django.test import RequestFactory

from workspaces.console import components
from workspaces.console.words import LOOKS

TEMPLATES = Path(settings.BASE_DIR) / "templates"
FILES = sorted(TEMPLATES.rglob("*.html"))
ICONS = set(re.findall(r'<symbol id="([\w-]+)"', (TEMPLATES / "static/console/icons.svg").read_text()))
TOKENS = set(re.findall(r"(--[\w-]+):", (TEMPLATES / "static/console/tokens.css").read_text()))


def name(path):
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_template_is_short_compiles_and_says_its_context(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 80
    assert source.startswith("{%") or source.startswith("{#")
    get_template(name(path))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_template_has_nothing_that_the_content_policy_refuses(path):
    source = path.read_text()
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|hx-on|hx-vals=.js:", source)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", source)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_template_post_form_carries_the_token(path):
    for form in re.findall(r"<form\b.*?</form>", path.read_text(), re.DOTALL):
        if 'method="post"' in form:
            assert "{% csrf_token %}" in form


@pytest.mark.parametrize("path", FILES, ids=name)
def test_template_never_marks_text_safe(path):
    assert not re.search(r"\|\s*(safe|safeseq)\b|autoescape off|urlize", path.read_text())


def test_icons_that_are_used_exist():
    used = {icon for path in FILES for icon in re.findall(r'{% icon "([\w-]+)" %}', path.read_text())}
    used |= {icon for path in FILES for icon in re.findall(r'icon_name="([\w-]+)"', path.read_text())}
    used |= {known.icon for states in LOOKS.values() for known in states.values()}
    assert used <= ICONS


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.css")), ids=name)
def test_stylesheet_is_short_and_takes_every_colour_from_a_token(path):
    source = path.read_text()
    assert len(source.splitlines()) <= 300
    assert set(re.findall(r"var\((--[\w-]+)", source)) <= TOKENS
    if path.name != "tokens.css":
        assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*{)|gradient", source)


@pytest.mark.parametrize("page", components.PAGES)
def test_page_with_samples_renders_inert(page, settings):
    settings.DEBUG = True
    response = components.page(RequestFactory().get("/"), page)
    body = response.content.decode()
    assert response.status_code == 200
    assert "<script>alert" not in body
    assert "\u202e" not in body


@pytest.mark.parametrize("page", components.PAGES)
def test_page_uses_no_id_twice(page, settings):
    settings.DEBUG = True
    body = components.page(RequestFactory().get("/"), page).content.decode()
    ids = re.findall(r'\sid="([^"]+)"', body)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("status", ["400", "403", "404", "409", "500"])
def test_error_page_stands_without_request_or_frame(status):
    assert f">{status}<" in render_to_string(f"{status}.html", {})


def test_components_do_not_exist_for_the_public(settings):
    settings.DEBUG = False
    with pytest.raises(Http404):
        components.index(RequestFactory().get("/"))
