"""Errors as ``application/problem+json`` (RFC 9457): every one says what is wrong and what to do next."""

import json
import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from workspaces.errors import DomainError, InvalidInput

FORGED = "CSRF Failed"
WITHOUT_TOKEN = (
    "A session alone may only read: the CSRF token of its page is missing or wrong.",
    "Send the value of the cookie csrftoken in the header X-CSRFToken, or use an API key.",
)
REALM = 'Bearer realm="countersign"'
CONTENT_TYPE = "application/problem+json"
TITLES = {
    400: "It cannot be read",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    406: "Not available in that format",
    409: "It moved on",
    413: "Too large",
    415: "Not a format that is understood",
    422: "It cannot be used",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Not available just now",
}
KNOWN: dict[type[exceptions.APIException], tuple[str, str, str]] = {
    exceptions.NotAuthenticated: (
        "unauthenticated",
        "This needs an API key or a session.",
        "Send a service account's key as Authorization: Bearer cs_….",
    ),
    exceptions.AuthenticationFailed: ("unauthenticated", "", "Send a live API key as Authorization: Bearer cs_…."),
    exceptions.ParseError: ("malformed", "", "Send one JSON object, in UTF-8."),
    exceptions.NotFound: ("not_found", "There is nothing here that you can see.", "Check the id and the workspace."),
    exceptions.PermissionDenied: ("forbidden", "", "Ask an owner of the workspace."),
    exceptions.MethodNotAllowed: ("method_not_allowed", "", "The header Allow names what is possible here."),
    exceptions.NotAcceptable: ("not_acceptable", "", "Accept application/json."),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", "", "Send application/json."),
    exceptions.Throttled: ("throttled", "There were too many requests.", "Wait for as long as Retry-After says."),
}


def problem(error: DomainError) -> dict[str, Any]:
    """Return the body of the answer to ``error``."""
    body = _body(error.http_status, error.code, error.message, error.hint)
    if isinstance(error, InvalidInput) and error.fields:
        body["errors"] = error.fields
    return body


def problem_page(error: DomainError) -> HttpResponse:
    """Answer ``error`` outside of the API's views: unknown addresses, and faults that no view saw."""
    return HttpResponse(json.dumps(problem(error)), content_type=CONTENT_TYPE, status=error.http_status)


def answer_problem(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer what a view raised; None leaves a fault of ours to Django, which logs it and tells nothing of it."""
    headers = {}
    if isinstance(error, DomainError):
        status, body = error.http_status, problem(error)
        headers = {"WWW-Authenticate": REALM} if status == 401 else {}
    else:
        known = _as_api_exception(error)
        if known is None:
            return None
        status, body, headers = _translated(known)
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    return error if isinstance(error, exceptions.APIException) else None


def _translated(error: exceptions.APIException) -> tuple[int, dict[str, Any], dict[str, str]]:
    if isinstance(error, exceptions.ValidationError):
        return 422, problem(_as_invalid_input(error)), {}
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    code, message, hint = KNOWN.get(type(error), (error.default_code, "", ""))
    if str(error.detail).startswith(FORGED):
        message, hint = WITHOUT_TOKEN
    return error.status_code, _body(error.status_code, code, message or str(error.detail), hint), headers


def _as_invalid_input(error: exceptions.ValidationError) -> InvalidInput:
    fields = _flat(error.detail)
    message = "; ".join(fields.pop("", [])) or f"These fields cannot be used: {', '.join(fields)}."
    return InvalidInput(message, "Correct what errors names and send it again.", fields)


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Return sentences by the dotted path of their field; what concerns no field is under the empty path."""
    if isinstance(detail, dict):
        parts = [_flat(item, _joined(path, str(name))) for name, item in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        parts = [_flat(item, _joined(path, str(index))) for index, item in enumerate(detail)]
    else:
        return {path: [str(item) for item in (detail if isinstance(detail, list) else [detail])]}
    return {name: sentences for part in parts for name, sentences in part.items()}


def _joined(path: str, name: str) -> str:
    return path if name == "non_field_errors" else f"{path}.{name}".strip(".")


def _body(status: int, code: str, detail: str, hint: str) -> dict[str, Any]:
    return {
        "type": f"urn:countersign:problem:{code}",
        "title": TITLES.get(status, "It cannot be done"),
        "status": status,
        "code": code,
        "detail": detail,
        "hint": hint,
    }
