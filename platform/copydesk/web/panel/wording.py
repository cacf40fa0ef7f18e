"""The section of wording: what a brand calls things, for one language at a time.

The words that brands like to change stand first; any other text is found by searching for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale
from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.web.catalogs import Text
from copydesk.web.panel.forms import Parsed
from copydesk.web.panel.standing import standing_of
from copydesk.web.wording import CHARS_MAX, FORMS_SEPARATOR, TERMS, find_texts, misworded, text_named

KEY = "wording"
_SAID = "said:"
_FOUND_MAX = 25
_SEARCH_MAX = 80


@dataclass(frozen=True)
class WordRow:
    """One text: its English, what the language says, what the brand says instead, and where it stands."""

    msgid: str
    usual: str
    own: str
    note: str = ""


class WordingEditor:
    """The terms of one language, then the brand's other own texts, then what a search finds."""

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        del errors  # The template puts them at the fields.
        said = typed if typed is not None else request.args
        locale = _locale(tenant, said)
        search = said.get("search", "")[:_SEARCH_MAX]
        own = dict(tenant.config.wording.get(locale, {}))
        found = find_texts(search, locale, most=_FOUND_MAX) if search.strip() else []
        named = {term.msgid: str(term.note) for term in TERMS}
        listed = [*named, *(msgid for msgid in own if msgid not in named)]
        texts = {msgid: text for msgid in listed if (text := text_named(msgid, locale)) is not None}
        texts |= {text.msgid: text for text in found}
        rows = [_row(text, named.get(text.msgid, ""), own, typed) for text in texts.values()]
        first, other = [row for row in rows if row.note], [row for row in rows if not row.note]
        return {
            "language": locale,
            "languages_named": [(tag, Locale.parse(tag).get_display_name(tag) or tag) for tag in tenant.config.locales],
            "terms": first,
            "others": other,
            "search": search,
            "found": len(found),
            "said_name": _SAID,
            "chars_max": CHARS_MAX,
            "standing": standing_of(tenant, KEY),
        }

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        if typed.get(f"{KEY}:back"):
            return Parsed({KEY: None} if standing_of(tenant, KEY).overridden else {})
        locale = _locale(tenant, typed)
        held = {tag: dict(words) for tag, words in tenant.config.wording.items()}
        own = dict(held.get(locale, {}))
        for name, text in typed.items():
            if name.startswith(_SAID):
                msgid, said = name.removeprefix(_SAID), text.replace("\0", "").strip()
                own.pop(msgid, None)
                own |= {msgid: said} if said else {}
        wanted = {tag: words for tag, words in {**held, locale: own}.items() if words}
        errors = {
            _SAID + one.msgid: str(
                gettext(
                    '"%(text)s": expected %(expected)s, found %(found)s.',
                    text=one.msgid,
                    expected=one.expected,
                    found=one.found,
                )
            )
            for one in misworded({locale: own}, (tenant.config.brand.tagline,))
        }
        if errors or wanted == held:
            return Parsed({}, errors)
        standing = standing_of(tenant, KEY)
        return Parsed({KEY: wanted or (None if standing.overridden and not standing.line else {})})


def _row(text: Text, note: str, own: Mapping[str, str], typed: MultiDict[str, str] | None) -> WordRow:
    name = _SAID + text.msgid
    said = own.get(text.msgid, "")
    if typed is not None and name in typed:
        said = typed[name]
    return WordRow(text.msgid, FORMS_SEPARATOR.join(text.forms), said, note)


def _locale(tenant: Tenant, said: Mapping[str, str]) -> str:
    asked = said.get("locale", "")
    return asked if asked in tenant.config.locales else tenant.config.locale_default
