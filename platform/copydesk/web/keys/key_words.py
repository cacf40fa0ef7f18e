"""What is said of keys: what is wrong with an entry, why a key is refused, and how a connected one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.keys import Intake, KeyHealth, Problem, Trouble
from copydesk.keys.entry import KEY_MAX, KEY_MIN, LABEL_MAX, PASSPHRASE_MAX
from copydesk.trading import Denial, Environment
from copydesk.web.act_words import place_words
from copydesk.web.keys.guides import GUIDES
from copydesk.web.words import exchange_name, words

_FIELDS: Mapping[str, LazyString] = {
    "label": lazy_gettext("Name"),
    "api_key": lazy_gettext("API key"),
    "secret": lazy_gettext("Secret"),
    "passphrase": lazy_gettext("Passphrase"),
}
_LENGTHS = {"label": (1, LABEL_MAX), "passphrase": (1, PASSPHRASE_MAX)}
_SOON_DAYS = 14


@dataclass(frozen=True)
class Standing:
    """How a key is, in one word and one sentence; `tone` is that of a badge."""

    label: str
    tone: str
    sentence: str


def problem_sentences(problems: Mapping[str, Problem]) -> dict[str, str]:
    """Say what is wrong with each field: what was expected, and what there is; never the text itself."""
    return {name: str(_problem(name, problem)) for name, problem in problems.items()}


def field_name(name: str) -> str:
    return str(_FIELDS[name])


def _problem(name: str, problem: Problem) -> LazyString:
    field, (least, most) = field_name(name), _LENGTHS.get(name, (KEY_MIN, KEY_MAX))
    match problem:
        case Problem.MISSING:
            return gettext("%(field)s: enter it, the field is empty.", field=field)
        case Problem.TOO_SHORT:
            return gettext(
                "%(field)s: copy it whole, at least %(least)s characters; this is shorter.", field=field, least=least
            )
        case Problem.TOO_LONG:
            return gettext("%(field)s: at most %(most)s characters; this is longer.", field=field, most=most)
        case Problem.SAME_AS_KEY:
            return gettext("%(field)s: copy the secret; this is the API key once more.", field=field)
        case Problem.PRIVATE_KEY:
            return gettext("%(field)s: enter the short text that the exchange shows, not a key file.", field=field)
        case Problem.NOT_PLAIN:
            return gettext("%(field)s: letters, digits and signs without spaces; this has others.", field=field)


def reason_sentence(venue: str, reason: str, rights: tuple[str, ...] = ()) -> str:
    """Say why a key is not accepted or used, naming the right that is to be ticked or unticked at the exchange."""
    return str(_reason(venue, reason, rights))


def _reason(venue: str, reason: str, rights: tuple[str, ...]) -> LazyString:
    exchange = exchange_name(venue)
    named = {"exchange": exchange, "rights": _quoted(rights)}
    if rights and reason == Denial.KEY_CAN_WITHDRAW:
        return gettext(
            "This key may withdraw. Untick %(rights)s for it at %(exchange)s, and connect it again.", **named
        )
    if rights and reason == Denial.KEY_CAN_TRANSFER:
        return gettext(
            "This key may move money to other accounts. Untick %(rights)s for it at %(exchange)s, and connect it "
            "again.",
            **named,
        )
    if rights and reason == Denial.KEY_RIGHTS_UNKNOWN:
        return gettext(
            "This key has a right that we do not know: %(rights)s. Untick it at %(exchange)s, and connect the key "
            "again.",
            **named,
        )
    if reason == Denial.KEY_READ_ONLY and venue in GUIDES:
        return gettext(
            "This key may not trade. Tick %(rights)s for it at %(exchange)s, and connect it again.",
            exchange=exchange,
            rights=_quoted((GUIDES[venue].trade,)),
        )
    if reason in set(Trouble):
        return _trouble(Trouble(reason), exchange)
    return words(reason, {"exchange": venue})


def _trouble(trouble: Trouble, exchange: str) -> LazyString:
    match trouble:
        case Trouble.KNOWN:
            return gettext(
                "You have connected this account of %(exchange)s already. Renew its key there, or connect another.",
                exchange=exchange,
            )
        case Trouble.TAKEN:
            return gettext(
                "This account of %(exchange)s cannot be connected here. Use a key of another account or sub-account.",
                exchange=exchange,
            )
        case Trouble.OTHER_ACCOUNT:
            return gettext(
                "This key belongs to another account of %(exchange)s than the one before. Connect it as a new one.",
                exchange=exchange,
            )
        case Trouble.TRADE_REFUSED:
            return gettext("%(exchange)s refused a test order with this key.", exchange=exchange)
        case Trouble.UNREACHABLE:
            return gettext("%(exchange)s could not be asked about this key. Try again later.", exchange=exchange)
        case Trouble.GIVEN_UP:
            return gettext("This key was not connected: it was given up.")
        case Trouble.REVOKED:
            return gettext("This key was not connected: all keys were revoked.")
        case Trouble.BROKEN:
            return gettext("This key did not arrive whole. Enter it once more.")


def intake_sentence(intake: Intake) -> str:
    """Say why a key on its way was refused."""
    return reason_sentence(intake.venue, intake.reason or "", intake.rights)


def standing(health: KeyHealth, now: datetime) -> Standing:
    """Say how a key is: unusable before unchecked, before what should be changed, before well."""
    if not health.connected:
        return Standing(gettext("Disconnected"), "plain", gettext("Its key is gone; nothing is copied here."))
    if not health.usable:
        return Standing(gettext("Not used"), "bad", reason_sentence(health.venue, health.reason or "", health.rights))
    if health.probed_at is None:
        return Standing(gettext("Not checked yet"), "busy", gettext("It is checked within a day."))
    return _attention(health, now) or Standing(
        gettext("In order"), "ok", gettext("It may trade, and it may move nothing out.")
    )


def _attention(health: KeyHealth, now: datetime) -> Standing | None:
    exchange, days = exchange_name(health.venue), health.days_left(now)
    if days is not None and days <= _SOON_DAYS:
        told = ngettext(
            "%(exchange)s ends it in %(num)s day.", "%(exchange)s ends it in %(num)s days.", days, exchange=exchange
        )
        return Standing(gettext("Ends soon"), "warn", told)
    if not health.ip_bound:
        told = gettext(
            "It works from any address. Bind it to this site's addresses at %(exchange)s.", exchange=exchange
        )
        return Standing(gettext("Not bound"), "warn", told)
    return None


def may_words(scope: Mapping[str, bool] | None) -> list[tuple[str, bool]]:
    """List what a key may do, each with a yes or no."""
    named = (
        ("can_read", gettext("Read")),
        ("can_trade", gettext("Trade spot")),
        ("can_trade_perpetuals", gettext("Trade perpetuals")),
        ("can_transfer", gettext("Move money to other accounts")),
        ("can_withdraw", gettext("Withdraw")),
    )
    return [(text, bool(scope.get(name))) for name, text in named] if scope else []


def place_name(venue: str, environment: Environment) -> str:
    """Write an exchange's name, and that it is the simulated one where it is."""
    return place_words(f"{venue}-{environment}")


def _quoted(rights: tuple[str, ...]) -> str:
    return ", ".join(f"“{right}”" for right in rights)
