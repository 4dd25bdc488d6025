"""The letters that the demo planner proposes, in the languages that it has words in.

They say what was asked and what the handbook says, and promise nothing. A customer who prefers another language gets
English, and the reviewer is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    subject: str
    hello: str
    thanks: str
    received: str
    updating: str
    and_: str
    handbook: str
    regards: str
    colleague: str
    ends: str
    goes_on: str
    refunded: str
    refunded_all: str


DEFAULT: Final = "English"
LANGUAGES: Final[dict[str, Words]] = {
    "English": Words(
        subject="Your request",
        hello="Hello,",
        thanks="thank you for your message.",
        received="We have received it and are looking into it.",
        updating="As you asked, we are updating the following in our records: {}.",
        and_=" and ",
        handbook="About your question, our handbook says:",
        regards="Kind regards\nYour support team",
        colleague="a colleague will follow up with you personally.",
        ends="Your subscription ends with the period that is paid.",
        goes_on="Your subscription goes on.",
        refunded="We have refunded {} to the way you paid.",
        refunded_all="We have refunded your payment to the way you paid.",
    ),
    "German": Words(
        subject="Ihre Anfrage",
        hello="Guten Tag,",
        thanks="vielen Dank für Ihre Nachricht.",
        received="Wir haben sie erhalten und kümmern uns darum.",
        updating="Wie gewünscht ändern wir in unseren Unterlagen: {}.",
        and_=" und ",
        handbook="Zu Ihrer Frage steht in unserem Handbuch:",
        regards="Freundliche Grüße\nIhr Support-Team",
        colleague="jemand aus unserem Team meldet sich persönlich bei Ihnen.",
        ends="Ihr Abonnement endet mit dem bezahlten Zeitraum.",
        goes_on="Ihr Abonnement läuft weiter.",
        refunded="Wir haben {} auf Ihrem Zahlungsweg erstattet.",
        refunded_all="Wir haben Ihre Zahlung auf Ihrem Zahlungsweg erstattet.",
    ),
    "French": Words(
        subject="Votre demande",
        hello="Bonjour,",
        thanks="merci pour votre message.",
        received="Nous l'avons reçu et nous en occupons.",
        updating="Comme demandé, nous modifions dans nos dossiers : {}.",
        and_=" et ",
        handbook="À propos de votre question, notre manuel dit :",
        regards="Cordialement\nVotre équipe d'assistance",
        colleague="un collègue vous répondra personnellement.",
        ends="Votre abonnement prend fin avec la période payée.",
        goes_on="Votre abonnement continue.",
        refunded="Nous avons remboursé {} par votre moyen de paiement.",
        refunded_all="Nous avons remboursé votre paiement par votre moyen de paiement.",
    ),
    "Spanish": Words(
        subject="Su consulta",
        hello="Buenos días:",
        thanks="gracias por su mensaje.",
        received="Lo hemos recibido y nos ocupamos de él.",
        updating="Como ha pedido, cambiamos en nuestros registros: {}.",
        and_=" y ",
        handbook="Sobre su pregunta, nuestro manual dice:",
        regards="Un saludo\nSu equipo de atención",
        colleague="un compañero se pondrá en contacto con usted personalmente.",
        ends="Su suscripción termina con el período pagado.",
        goes_on="Su suscripción continúa.",
        refunded="Hemos reembolsado {} por su medio de pago.",
        refunded_all="Hemos reembolsado su pago por su medio de pago.",
    ),
}


def words_of(language: str | None) -> Words:
    """Return the words of ``language``; English where there are none."""
    return LANGUAGES.get(language or DEFAULT, LANGUAGES[DEFAULT])


def mail_body(words: Words, changed: Iterable[str], cited: Iterable[str]) -> str:
    """Return a mail that names what is being changed, and no values, and quotes the handbook."""
    names, quotes = [name.replace("_", " ") for name in changed], list(cited)
    said = [words.updating.format(_listed(names, words))] if names else [] if quotes else [words.received]
    return _letter(words, [words.thanks, *said], quotes)


def told_body(words: Words, sentences: Iterable[str], cited: Iterable[str]) -> str:
    """Return a mail that says what was done, and quotes the handbook."""
    return _letter(words, [words.thanks, *sentences], list(cited))


def shorter_mail_body(words: Words) -> str:
    """Return the mail that stands in for a rejected one; it claims nothing."""
    return _letter(words, [words.colleague], [])


def _letter(words: Words, sentences: list[str], quotes: list[str]) -> str:
    said = "\n\n".join([words.handbook, *quotes]) if quotes else ""
    return "\n\n".join(part for part in (words.hello, " ".join(sentences), said, words.regards) if part)


def _listed(names: list[str], words: Words) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + words.and_ + names[-1]
