"""How a customer wants to be written to, for good: told by visible rules, remembered in a few fixed words.

A sentence counts where it asks for it lastingly (*always*, *from now on*, *prefer*, *instead of*), speaks of no single
occasion and of nobody else, and negates nothing. What is proposed is one of the words below and never a text of the
ticket, so that a ticket can put nothing of its own into the memory. Of two that contradict each other neither counts.
"""

import json
import re
from typing import Any, Final

from agents.providers.base import ModelRequest, ToolSpec, UserText
from agents.providers.demo.shapes import Leaf, leaves
from agents.providers.demo.ticket import ADDRESS, sentences
from tools.states import Effect

HEAD: Final = "What is remembered of the same subject"
LANGUAGE: Final = "preferred_language"
CHANNEL: Final = "preferred_channel"
SURE: Final = 0.8
LONGEST: Final = 1_000

_LANGUAGES: Final[dict[str, str]] = {
    "English": "english|englisch|anglais|inglés|ingles|inglese",
    "German": "german|deutsch|allemand|alemán|aleman|tedesco",
    "French": "french|französisch|français|francais|francés|frances|francese",
    "Spanish": "spanish|spanisch|espagnol|español|espanol|castellano|spagnolo",
    "Italian": "italian|italienisch|italien|italiano",
    "Dutch": "dutch|niederländisch|néerlandais|nederlands",
    "Portuguese": "portuguese|portugiesisch|portugais|português",
    "Polish": "polish|polnisch|polonais|polski|polsku",
    "Japanese": "japanese|japanisch|japonais|日本語",
    "Russian": "russian|russisch|russe|русск\\w{1,4}",
    "Arabic": "arabic|arabisch|arabe|العربية",
    "Vietnamese": "vietnamese|vietnamesisch|tiếng việt",
}
_CHANNELS: Final[dict[str, str]] = {
    "phone": r"call(?:ed|ing)?|phone(?:d|call)?|phoning|telephone|ring|telefon\w{0,6}|anruf\w{0,4}|anzurufen|rufen|"
    r"appel\w{0,4}|téléphon\w{0,4}|llam\w{0,6}|teléfono",
    "e-mail": r"e-?mail(?:s|ed|ing|en)?|mail(?:s|ed|ing|en)?|correo|courriel\w?",
    "post": r"(?:paper )?letters?|(?:by )?post|briefe?|briefpost|brieflich",
    "text message": r"sms|text messages?|texting",
}
_IN: Final = r"(?:\b(?:in|auf|en|по|per)\s{1,3}(?:the\s)?)"
_WRITING: Final = re.compile(
    r"\b(?:writ\w{1,4}|answer\w{0,3}|repl\w{1,4}|respon\w{1,6}|contact\w{0,3}|correspond\w{0,6}|communicat\w{0,4}|"
    r"speak\w{0,3}|talk|send|e-?mails?|mails?|letters?|messages?|schreib\w{0,3}|antwort\w{0,3}|écri\w{1,4}|"
    r"répond\w{0,3}|escrib\w{0,5}|contest\w{0,4}|scriv\w{0,5}|rispond\w{0,4})(?!\w)",
    re.IGNORECASE,
)
_LASTING: Final = re.compile(
    r"\b(?:always|from now on|in (?:the )?future|going forward|henceforth|every time|permanently|"
    r"(?:i|we)(?:['’]d| would)? prefer|prefer(?:red)?|immer|künftig|zukünftig|in zukunft|ab (?:jetzt|sofort)|stets|"
    r"grundsätzlich|bevorzug\w{1,3}|toujours|désormais|dorénavant|à l['’]avenir|préf[éè]r\w{1,4}|siempre|"
    r"a partir de ahora|en (?:el )?futuro|prefier\w{1,3}|d['’]ora in poi|sempre)(?!\w)",
    re.IGNORECASE,
)
_ONCE: Final = re.compile(
    r"\b(?:this (?:time|once|week|month|order|case|ticket|message|matter)|today|tonight|tomorrow|for now|until|till|"
    r"diesmal|dieses mal|heute|morgen|vorerst|bis|cette fois|aujourd['’]hui|jusqu\w{1,3}|esta vez|hoy|hasta)(?!\w)",
    re.IGNORECASE,
)
_NOT: Final = re.compile(
    r"\b(?:not|never|no|no longer|\w{2,5}n['’]t|dont|stop|without|nicht|nie|niemals|kein\w{0,2}|ne|pas|jamais|nunca|"
    r"non|neither|nor)(?!\w)",
    re.IGNORECASE,
)
_OTHERS: Final = re.compile(
    r"\b(?:he|she|they|his|her|their|prefers|(?:my|our|your|the|a) (?:colleagues?|wife|husband|friends?|boss|"
    r"neighbou?rs?|customers?|agents?)|you (?:always|still|keep|have|had|called|wrote|sent|answered)|"
    r"kollege\w?|kollegin\w?|sie haben|ihr habt)(?!\w)",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(r"\b(?:please|bitte|s['’]il|por favor|per favore|would like|i['’]d like|want)(?!\w)", re.I)
_INSTEAD: Final = re.compile(
    r"(?<!\w)(?:instead of|rather than|in place of|statt|anstatt|anstelle|plutôt que|au lieu d[e'’]|en vez de|"
    r"en lugar de|invece di)(?!\w)",
    re.IGNORECASE,
)
_PREFER: Final = re.compile(r"\b(?:prefer\w*|bevorzug\w*|préf[éè]r\w*|prefier\w*)", re.IGNORECASE)
_POLITE: Final = re.compile(
    r"^\W{0,3}(?:please\W+)?(?:could|can|would|will|können|könnten) (?:you|sie)(?!\w)", re.IGNORECASE
)
_LINE: Final = re.compile(r"- ([a-z][a-z0-9_]{0,59}): (.*) \[(?:trusted|untrusted)[^\]\n]*\]")


def stated(ticket: str) -> dict[str, str]:
    """Return the lasting preferences that ``ticket`` states, by key; contradicting ones are left out."""
    found: dict[str, set[str]] = {}
    for sentence in map(_without_addresses, sentences(ticket)):
        if len(sentence) <= LONGEST and _may_state(sentence):
            for key, values in ((LANGUAGE, _languages(sentence)), (CHANNEL, _channels(sentence))):
                found.setdefault(key, set()).update(values)
    return {key: values.pop() for key, values in sorted(found.items()) if len(values) == 1}


def _without_addresses(sentence: str) -> str:
    return ADDRESS.sub(" ", sentence)


def _may_state(sentence: str) -> bool:
    if sentence.lstrip().startswith((">", "|")):  # somebody else's words, quoted
        return False
    if sentence.rstrip().endswith(("?", "？")) and not _POLITE.search(sentence):
        return False
    own = _POLITE.sub("", sentence)
    return not any(pattern.search(own) for pattern in (_ONCE, _NOT, _OTHERS))


def _languages(sentence: str) -> set[str]:
    if not _LASTING.search(sentence):
        return set()
    link = (
        _IN if _WRITING.search(sentence) else r"(?:\bprefer(?:red language is)?|\bbevorzugen?|\bpréférons|\bpréfère) "
    )
    return {name for name, words in _LANGUAGES.items() if re.search(rf"{link}(?:{words})(?!\w)", sentence, re.I)}


def _channels(sentence: str) -> set[str]:
    apart = _INSTEAD.search(sentence)
    if apart and (_ASKING.search(sentence) or _LASTING.search(sentence)):
        return _instead(sentence, apart)
    asks = _ASKING.search(sentence) or _PREFER.search(sentence) or _LASTING.match(sentence.lstrip())
    return _named(sentence) if asks and _LASTING.search(sentence) else set()


def _instead(sentence: str, apart: re.Match[str]) -> set[str]:
    """Return what is wanted instead: beside the first channel that follows *instead of* stands the other one."""
    before, after = sentence[: apart.start()], sentence[apart.end() :]
    refused = [name for _, name in sorted(_places(after))][:1]
    wanted = _named(before) or _named(after) - set(refused)
    return wanted if refused and not wanted & set(refused) else set()


def _named(text: str) -> set[str]:
    return {name for _, name in _places(text)}


def _places(text: str) -> list[tuple[int, str]]:
    """Return where which channel is named first."""
    found = ((re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.I), name) for name, words in _CHANNELS.items())
    return [(match.start(), name) for match, name in found if match]


def remembered(request: ModelRequest) -> dict[str, str]:
    """Return the preferences that the run was told as remembered; words that the rules do not know are left out."""
    known = {LANGUAGE: set(_LANGUAGES), CHANNEL: set(_CHANNELS)}
    texts = [message.text for message in request.messages[1:] if isinstance(message, UserText)]
    lines = [line for text in texts if text.startswith(HEAD) for line in text.split("\n")[1:]]
    facts = {match.group(1): _value(match.group(2)) for line in lines if (match := _LINE.fullmatch(line))}
    return {key: value for key, value in facts.items() if value in known.get(key, ())}


def _value(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def memory_leaves(tool: ToolSpec) -> dict[str, Leaf]:
    """Return the leaves of a tool that remembers: a reversible one that needs a key and a value and nothing else."""
    found = {leaf.name: leaf for leaf in leaves(tool)} if tool.effect == Effect.REVERSIBLE else {}
    needed = {name for name, leaf in found.items() if leaf.required}
    fits = needed == {"key", "value"} and all(found[name].takes("string") for name in needed)
    return found if fits else {}


def remembers(tool: ToolSpec) -> bool:
    """Return whether ``tool`` is one that remembers."""
    return bool(memory_leaves(tool))


def to_remember(request: ModelRequest, ticket: str) -> list[tuple[ToolSpec, dict[str, Any]]]:
    """Return the calls that remember what the ticket states and is not remembered yet."""
    tool = next(filter(remembers, request.tools), None)
    if tool is None:
        return []
    held, names = remembered(request), memory_leaves(tool)
    sure = {"confidence": SURE} if "confidence" in names and names["confidence"].takes("number") else {}
    new = {key: value for key, value in stated(ticket).items() if held.get(key) != value}
    return [(tool, {"key": key, "value": value, **sure}) for key, value in new.items()]


def in_force(request: ModelRequest, ticket: str) -> dict[str, str]:
    """Return how this customer wants to be written to: what is remembered, and above it what the ticket says now."""
    return remembered(request) | stated(ticket)
