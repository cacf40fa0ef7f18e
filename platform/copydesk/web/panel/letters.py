"""The section of mails in the brand's own words: one kind in one language at a time, with a preview and a test mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from flask_babel import force_locale, gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.notifications import Kind
from copydesk.notifications.own_letters import letter_facts, letter_faults, needed_facts
from copydesk.tenancy import Tenant
from copydesk.web.clock import current_time
from copydesk.web.letter_samples import sample_letter
from copydesk.web.mail_words import TEXTS
from copydesk.web.panel.forms import Parsed
from copydesk.web.panel.standing import standing_of

KEY = "letters"
_BACK = f"{KEY}:back"
_TO = "name@example.com"
_SUBJECT_MAX, _TEXT_MAX = 160, 8_000


@dataclass(frozen=True)
class Words:
    """A mail in somebody's words."""

    subject: str | None = None
    lines: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class LetterRow:
    """One kind of mail in the list, and the languages that have words of the brand's own."""

    kind: Kind
    subject: str
    own: tuple[str, ...]


class LettersEditor:
    """A list of kinds, and the form of the one that the address, or the sent form, names."""

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        del errors  # The template puts them at the fields.
        chosen = _chosen(tenant, typed if typed is not None else request.args)
        rows = [LetterRow(kind, _default(kind).subject or "", _own(tenant, kind)) for kind in Kind]
        values: dict[str, Any] = {"rows": rows, "kind_of_letter": None, "languages": tenant.config.locales}
        if chosen is None:
            return values
        kind, locale = chosen
        with force_locale(locale):
            default = _default(kind)
        words = _typed(typed) if typed is not None else _standing(tenant, kind, locale)
        own = words if (words.subject or words.lines) and not _faults(kind, words) else None
        origin, at = f"https://{tenant.hosts[0]}", current_time()
        return values | {
            "preview": sample_letter(tenant, kind, locale, own, to=_TO, origin=origin, at=at),
            "kind_of_letter": kind,
            "language": locale,
            "words": words,
            "default": default,
            "facts": letter_facts(kind),
            "needed": needed_facts(kind),
            "has_own": locale in _own(tenant, kind),
        }

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        chosen = _chosen(tenant, typed)
        if chosen is None:
            return Parsed({}, {"": gettext("Choose a mail and a language first.")})
        kind, locale = chosen
        own = {name: dict(spoken) for name, spoken in _letters(tenant).items()}
        spoken = own.setdefault(str(kind), {})
        words = _typed(typed)
        if errors := _faults(kind, words):
            return Parsed({}, errors)
        spoken.pop(locale, None)
        if not typed.get(_BACK) and (words.subject or words.lines):
            spoken[locale] = _plain(words)
        kept = {name: said for name, said in own.items() if said}
        if kept == _letters(tenant):
            return Parsed()
        return Parsed({KEY: kept or (None if _only_here(tenant) else {})})


def typed_letter(
    tenant: Tenant, typed: Mapping[str, str]
) -> tuple[tuple[Kind, str, Words | None] | None, dict[str, str]]:
    """Return which mail a form is about, with its words (None for the platform's), and what is wrong with them."""
    chosen = _chosen(tenant, typed)
    if chosen is None:
        return None, {"": gettext("Choose a mail and a language first.")}
    words = _typed(typed)
    own = words if words.subject or words.lines else None
    return (*chosen, own), _faults(chosen[0], words)


def _letters(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """Return the brand's own words as its settings hold them."""
    return {
        kind: {locale: _plain(Words(one.subject, tuple(one.lines))) for locale, one in spoken.items()}
        for kind, spoken in tenant.config.letters.items()
    }


def _plain(words: Words) -> dict[str, Any]:
    subject = {"subject": words.subject} if words.subject else {}
    return subject | ({"lines": list(words.lines)} if words.lines else {})


def _only_here(tenant: Tenant) -> bool:
    """Tell whether the panel alone says anything of letters: then taking its value back says nothing at all."""
    standing = standing_of(tenant, KEY)
    return standing.overridden and not standing.line


def _chosen(tenant: Tenant, said: Mapping[str, str]) -> tuple[Kind, str] | None:
    kind, locale = said.get("kind", ""), said.get("locale", "")
    return (Kind(kind), locale) if kind in set(Kind) and locale in tenant.config.locales else None


def _own(tenant: Tenant, kind: Kind) -> tuple[str, ...]:
    return tuple(sorted(tenant.config.letters.get(str(kind), {})))


def _standing(tenant: Tenant, kind: Kind, locale: str) -> Words:
    own = tenant.config.letters.get(str(kind), {}).get(locale)
    return Words(own.subject, tuple(own.lines)) if own else Words()


def _default(kind: Kind) -> Words:
    """Return the platform's words in the language of the moment, with their placeholders."""
    text = TEXTS[kind]
    return Words(str(text.subject), tuple(str(sentence) for sentence in text.sentences))


def _typed(typed: Mapping[str, str]) -> Words:
    subject = " ".join(typed.get("subject", "").replace("\0", "").split())[:_SUBJECT_MAX]
    text = typed.get("lines", "").replace("\0", "")[:_TEXT_MAX]
    return Words(subject or None, tuple(line.strip() for line in text.splitlines() if line.strip()))


def _faults(kind: Kind, words: Words) -> dict[str, str]:
    labels = {"subject": gettext("Subject"), "lines": gettext("Text")}
    return {
        name: str(
            gettext(
                "%(label)s: expected %(expected)s, found %(found)s.",
                label=labels.get(name, name),
                expected=expected,
                found=found,
            )
        )
        for name, expected, found in letter_faults(str(kind), words)
    }
