"""Makes facts fit to be told in a mail: moments in words, names as readers know them, strangers' texts harmless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.trading import Denial
from copydesk.web.format import isolated
from copydesk.web.staff.words import role_words
from copydesk.web.words import exchange_name, words

_LENGTH_MAX = 160
_ZERO_WIDTH_SPACE = "\u200b"
_MOMENTS = frozenset({"at", "held_until"})
# Figures and codes; not read from right to left.
_PLAIN = frozenset({"hours", "minutes", "days", "left", "code", "ip", "count", "more"})
FACTORS: Mapping[str, LazyString] = {
    "totp": lazy_gettext("authenticator app"),
    "passkey": lazy_gettext("passkey"),
    "recovery": lazy_gettext("recovery codes"),
    "sms": lazy_gettext("phone number"),
    "phone": lazy_gettext("phone number"),
}

CHANGES: Mapping[str, LazyString] = {
    "allowlist.added": lazy_gettext("Staff may work from %(network)s."),
    "allowlist.removed": lazy_gettext("Staff may no longer work from %(network)s."),
}


def safe_facts(facts: Mapping[str, str], moment_words: Callable[[datetime], str]) -> dict[str, str]:
    """Return the facts as a mail may show them: no line breaks, no addresses that a mail program would link."""
    shown = {name: _told(name, value, moment_words) for name, value in facts.items() if value}
    if "reason" in shown:
        shown["reason"] = _reason(facts)
    return shown


def _reason(facts: Mapping[str, str]) -> str:
    """Say a named reason in a sentence."""
    told = facts["reason"]
    return words(told, facts) if told in set(Denial) else unlinked(told)


def _told(name: str, value: str, moment_words: Callable[[datetime], str]) -> str:
    if name in _MOMENTS:
        return moment_words(datetime.fromisoformat(value))
    if name == "exchange":
        return exchange_name(value)
    if name == "factor":
        return str(FACTORS[value]) if value in FACTORS else unlinked(value)
    if name == "change":
        act, _, network = value.partition(" ")
        return str(CHANGES[act]) % {"network": unlinked(network)} if act in CHANGES else unlinked(value)
    if name == "role":
        return ", ".join(unlinked(role_words(one)) for one in value.split(", "))
    return isolated(one_line(value)) if name in _PLAIN else unlinked(value)


def unlinked(text: str) -> str:
    """Return text that somebody chose freely, in one line, such that no mail program makes a link of a part of it."""
    shown = one_line(text)
    for mark in (".", ":", "@", "/"):
        shown = shown.replace(mark, mark + _ZERO_WIDTH_SPACE)
    return shown


def one_line(text: str) -> str:
    """Return the text without control characters and line breaks, cut to a length that a sentence bears."""
    shown = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return shown if len(shown) <= _LENGTH_MAX else shown[: _LENGTH_MAX - 1] + "…"
