"""Rules: the sentences of a policy, each with the condition that a machine checks and the reason that a person reads.

Rules are stored as plain data and parsed before anything uses them: a policy whose expressions do not compile, or
whose names are not unique, is refused when it is written.
"""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from approvals.policies.cel import BadCondition, Condition, compile_condition
from approvals.states import ExpiryDoes, Outcome
from workspaces.canonical import sanitise
from workspaces.errors import InvalidInput

MAX_RULES: Final = 200
MAX_TIME_LIMIT: Final = 90 * 24 * 3600
DAY: Final = 24 * 3600

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=60)]


class On(StrEnum):
    """What a rule judges: the action, or looking at the outside system before anybody has approved the action."""

    ACTION = "action"
    LOOK = "look"


class Rule(BaseModel):
    """One rule of a policy; ``reason`` says to people why the rule does what it does.

    A review rule names its queue, how many people must approve, how long they have (seconds, at most 90 days), and
    what becomes of the request after that. ``waivable`` lets a grant of autonomy stand in for the review; no other
    outcome can be waived.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: Slug
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    when: str
    outcome: Outcome
    on: On = On.ACTION
    waivable: Annotated[bool, Field(strict=True)] = False
    queue: Slug | None = None
    quorum: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    time_limit_seconds: Annotated[int, Field(ge=60, le=MAX_TIME_LIMIT, strict=True)] = DAY
    on_expiry: ExpiryDoes = ExpiryDoes.EXPIRE

    @field_validator("when")
    @classmethod
    def _compiles(cls, expression: str) -> str:
        try:
            compile_condition(expression)
        except BadCondition as error:
            raise ValueError(str(error)) from error
        return expression

    @model_validator(mode="after")
    def _review_terms_belong_to_reviews(self) -> Self:
        if self.on == On.LOOK and self.outcome != Outcome.DENY:
            raise ValueError("A rule on looking can only forbid it: its outcome is deny.")
        if self.outcome == Outcome.REVIEW:
            if self.queue is None:
                raise ValueError("A review rule needs the queue in which people will find the request.")
        elif self.model_fields_set & {"queue", "quorum", "time_limit_seconds", "on_expiry"}:
            raise ValueError("Only a review rule has a queue, a quorum, a time limit and an expiry.")
        elif self.waivable:
            raise ValueError("Only a review can be waived.")
        return self

    @property
    def condition(self) -> Condition:
        """The compiled form of ``when``."""
        return compile_condition(self.when)

    def as_json(self) -> dict[str, Any]:
        """Return the rule as the data that ``parse_rules`` accepts."""
        return self.model_dump(mode="json", exclude_unset=True)


def parse_rules(data: Sequence[dict[str, Any]]) -> tuple[Rule, ...]:
    """Return the rules in their order; raise ``InvalidInput`` with sentences per rule, keyed ``rules/2`` (from 0)."""
    if not isinstance(data, list | tuple):
        raise InvalidInput("Rules are a list.", hint="Send a list of objects, one for each rule.")
    if len(data) > MAX_RULES:
        raise InvalidInput(f"A policy has at most {MAX_RULES} rules.", hint="Merge rules that say the same.")
    rules: list[Rule] = []
    problems: dict[str, list[str]] = {}
    for index, item in enumerate(data):
        try:
            rules.append(Rule.model_validate(item))
        except ValidationError as error:
            problems[f"rules/{index}"] = [_sentence(detail["loc"], detail["msg"]) for detail in error.errors()]
        if sanitise(item) != item:
            problems.setdefault(f"rules/{index}", []).append("It holds NUL or half a character: remove it.")
    counted = Counter(item["name"] for item in data if isinstance(item, dict) and isinstance(item.get("name"), str))
    for index, item in enumerate(data):
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and counted[name] > 1:
            sentence = f"Another rule is named “{name}” too: names tell rules apart."
            problems.setdefault(f"rules/{index}", []).append(sentence)
    if problems:
        raise InvalidInput("These rules cannot be used.", hint="Correct the rules named here.", fields=problems)
    return tuple(rules)


def _sentence(where: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").rstrip(".")
    return f"{where[0]}: {text}." if where else f"{text}."
