"""Callers of the API."""

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def service_client(cast):
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {cast.service_key}")
    return client


@pytest.fixture
def client_of(cast):
    """Return a client signed in as one of the cast, by session and without CSRF checks."""

    def make(name):
        client = APIClient(raise_request_exception=False)
        client.force_login(cast[name], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
