"""The demo planner: what answers when no model is configured. It is not a model, and says so.

It follows simple rules that anybody can read here, and it knows no ticket, no customer and no tool by name: tools are
told apart by the shape of their schema and by their effect.

1. ``ticket``: find e-mail addresses, ids and names in the ticket; look them all up with every read tool that takes one.
2. ``records``: nobody found, or several: say so, and propose nothing.
3. ``changes``: exactly one: find what the ticket asks to be changed; propose that change and a mail to the address *on
   record* (never to one from the ticket), in one turn.
4. ``wishes``, ``things``, ``choosing``, ``errands``: a refund, the end of a subscription, its going on: find what the
   customer has there; propose only what is clear; where it is not, say why and propose nothing. The mail comes after.
5. ``handbook``: search it for the ticket's questions, and quote to the customer the trusted passages that answer them.
6. ``preferences``: what the ticket lastingly wishes (a language, a way of contact) is proposed to be remembered; what
   is remembered or wished decides the language of the letters (``letters``), and whether there is one.
7. ``planner``: afterwards say what became of each proposal; a mail that a person rejected with a reason is proposed
   once more, shorter; nothing is ever proposed twice.
"""

from agents.providers.base import ModelAnswer, ModelRequest
from agents.providers.collector import OnDelta
from agents.providers.demo.planner import plan


def complete(request: ModelRequest, on_delta: OnDelta | None = None) -> ModelAnswer:
    """Return what the rules say; the same request always gets the same answer."""
    answer = plan(request)
    if on_delta and answer.text:
        on_delta(answer.text)
    return answer
