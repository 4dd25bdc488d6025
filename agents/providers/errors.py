"""Why a model call gave no answer, and what to do about it.

``retry`` says who may try again: ``elsewhere`` another endpoint of the route at once; ``later`` the same endpoint after
``retry_after`` seconds (another one sooner); ``give_up`` nobody, since the same request would fail the same way; and
``shorten`` the same endpoint with less context. ``may_have_cost`` is true wherever the provider may have begun to work:
such a call is settled at its worst case.
"""

from typing import ClassVar

from django.db.models import TextChoices

from workspaces.errors import DomainError


class RetryClass(TextChoices):
    ELSEWHERE = "elsewhere", "Another endpoint"
    LATER = "later", "Later"
    GIVE_UP = "give_up", "Not at all"
    SHORTEN = "shorten", "With less context"


class ModelError(DomainError):
    """A model call ended without an answer."""

    code = "model_error"
    http_status = 502
    retry: ClassVar[RetryClass] = RetryClass.GIVE_UP

    def __init__(
        self, message: str, hint: str = "", *, retry_after: float | None = None, may_have_cost: bool = False
    ) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after
        self.may_have_cost = may_have_cost


class WrongKey(ModelError):
    code = "model_wrong_key"
    retry = RetryClass.ELSEWHERE
    default_hint = "Enter a valid key for this endpoint in the model route."


class NotPermitted(ModelError):
    code = "model_not_permitted"
    retry = RetryClass.ELSEWHERE
    default_hint = "Ask the provider's administrator to allow this model for the key, or choose another model."


class QuotaSpent(ModelError):
    code = "model_quota_spent"
    retry = RetryClass.ELSEWHERE
    default_hint = "Add credit or raise the spending limit at the provider, or choose another endpoint."


class ModelNotFound(ModelError):
    code = "model_not_found"
    retry = RetryClass.ELSEWHERE
    default_hint = "Check the model's name and the address of this endpoint in the model route."


class RateLimited(ModelError):
    code = "model_rate_limited"
    retry = RetryClass.LATER
    default_hint = (
        "The call is tried again a few times. If it stays so, wait, or add another endpoint to the model route."
    )


class Overloaded(ModelError):
    code = "model_overloaded"
    retry = RetryClass.LATER
    default_hint = (
        "The call is tried again a few times. If it stays so, wait, or add another endpoint to the model route."
    )


class ProviderFailed(ModelError):
    code = "model_provider_failed"
    retry = RetryClass.LATER
    default_hint = "Try again; if it stays so, look at the provider's status page or use another endpoint."


class TimedOut(ModelError):
    code = "model_timeout"
    retry = RetryClass.LATER
    default_hint = "Raise the deadline of this endpoint in the model route, or use a faster model."


class Unreachable(ModelError):
    code = "model_unreachable"
    retry = RetryClass.LATER
    default_hint = "Check that the server runs and that the endpoint's address is right."


class AddressRefused(ModelError):
    code = "model_address_refused"
    retry = RetryClass.ELSEWHERE


class StreamCut(ModelError):
    code = "model_stream_cut"
    retry = RetryClass.LATER
    default_hint = "Nothing of the half answer was used. Try again."


class ContextTooLong(ModelError):
    code = "model_context_too_long"
    retry = RetryClass.SHORTEN
    default_hint = "Shorten the conversation or the tools' results, or choose a model with a larger context."


class BadRequest(ModelError):
    code = "model_bad_request"
    default_hint = "Read what the provider says; a tool's schema or a limit of the route is the usual cause."


class ForeignToolOutput(ModelError):
    """The answer carries the work of a tool that the provider ran by itself: it passed no gate of ours."""

    code = "model_foreign_tool_output"
    default_hint = "Turn provider-hosted tools off for this model, or choose a model without them."


class AnswerTooLarge(ModelError):
    code = "model_answer_too_large"
    default_hint = "Lower the output limit of the route, or ask for less in one turn."


class EmptyAnswer(ModelError):
    code = "model_empty_answer"
    retry = RetryClass.LATER
    default_hint = "Try again; if it stays so, check that the model supports tools and streaming."


class UnreadableAnswer(ModelError):
    code = "model_unreadable_answer"
    retry = RetryClass.ELSEWHERE
    default_hint = "Check that the endpoint's address speaks the protocol chosen in the model route."
