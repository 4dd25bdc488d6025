"""Coverage's tracer rests where `NOT_TRACED` says: what it names is there."""

import pytest

from tests.tracing import NOT_TRACED
from tests.unit.repo.repository import ROOT


@pytest.mark.parametrize("beginning", NOT_TRACED)
def test_what_is_not_traced_is_there(beginning):
    assert list(ROOT.glob(f"{beginning}*"))
