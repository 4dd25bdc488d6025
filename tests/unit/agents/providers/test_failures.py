"""What a failed call says to people: whole sentences, whatever the provider's own words end with."""

import pytest

from agents.providers import Endpoint
from agents.providers.failures import from_status

ENDPOINT = Endpoint(provider="openai-chat", model="m", api_key="sk-1")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("The parameter temperature is unknown", "The parameter temperature is unknown."),
        ("Is it on?", "Is it on?"),
        ('Unknown value "x."', 'Unknown value "x."'),
        ("Try again later.", "Try again later."),
        ("x" * 400, "x" * 300 + "…"),
        ("模型不支持。", "模型不支持。"),
    ],
)
def test_quoted_words_end_with_a_full_stop(said, told):
    error = from_status(400, {"error": {}}, {}, said, endpoint=ENDPOINT, streaming=False)
    assert error.message == f"The provider did not accept the request. It says: {told}"
