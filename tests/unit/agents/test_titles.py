"""How a run is called in lists, and when rolling it back is offered."""

import pytest

from agents.console.rows import Effects
from agents.engine.beginning import MAX_TITLE, title_of


def test_title_is_the_tickets_words_on_one_line():
    assert title_of(" Hello,\n\nI am  Ada. ") == "Hello, I am Ada."


def test_long_title_ends_after_a_whole_word():
    title = title_of("word " * 100)
    assert title.endswith(" word…")
    assert title_of("Yes. " * 100).endswith(" Yes…")
    assert len(title) <= MAX_TITLE
    assert len(title_of("x" * 1000)) == MAX_TITLE


@pytest.mark.parametrize(
    ("effects", "offered"),
    [
        (Effects(), False),
        (Effects(count=2, left=1), True),
        (Effects(count=1), True),  # nothing can be undone: the preview says why
        (Effects(count=2, undone=1), False),
        (Effects(count=3, undone=1, left=1), True),
    ],
)
def test_rolling_back_is_offered_until_all_that_can_be_undone_is(effects, offered):
    assert effects.worth_a_rollback is offered
