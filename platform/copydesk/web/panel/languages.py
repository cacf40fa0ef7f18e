"""The section of languages: which of those that the site has words in a brand offers, and which comes first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import declared_of
from copydesk.web.catalogs import LANGUAGES, language_of
from copydesk.web.panel.forms import Parsed, form_of, parse
from copydesk.web.panel.standing import standing_of

_LIST, _FIRST, _ZONE = "locales", "locale_default", "time_zone"
_ON = "on:"


@dataclass(frozen=True)
class LanguageRow:
    """One language with its own name; `complete` says that every text of the site has words in it."""

    tag: str
    name: str
    on: bool
    complete: bool


class LanguagesEditor:
    """A switch for each language, and which one visitors see whose own is not offered."""

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        offered = tenant.config.locales
        on = offered if typed is None else tuple(tag for tag in _known(tenant) if typed.get(_ON + tag))
        rows = [LanguageRow(tag, _name(tag), tag in on, is_complete(tag)) for tag in _known(tenant)]
        first = str(standing_of(tenant, _FIRST).value) if typed is None else typed.get(_FIRST, "")
        return {
            "languages": rows,
            "first": first,
            "options": [(tag, _name(tag)) for tag in _known(tenant)],
            "fields": form_of([declared_of(_ZONE)], tenant, typed, errors),
            "standing": standing_of(tenant, _LIST),
            "first_standing": standing_of(tenant, _FIRST),
            "currency": tenant.config.currency,
        }

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        rest = parse(typed, [declared_of(_ZONE)], tenant)
        errors, changes = dict(rest.errors), dict(rest.changes)
        if typed.get(f"{_LIST}:back"):
            taken = {key: None for key in (_LIST, _FIRST) if standing_of(tenant, key).overridden}
            return Parsed(changes | taken, errors)
        held = tenant.config.locales
        asked = [tag for tag in _known(tenant) if typed.get(_ON + tag)]
        first = typed.get(_FIRST, tenant.config.locale_default)
        if bare := [tag for tag in asked if tag not in held and not is_complete(tag)]:
            errors[_LIST] = gettext("Languages: expected some with all their words, found %(found)s.", found=bare[0])
        elif not asked:
            errors[_LIST] = gettext("Languages: expected at least one, found none.")
        elif first not in asked:
            errors[_FIRST] = gettext("First language: expected one that is offered, found %(found)s.", found=first[:20])
        # What is offered keeps its order; what is added comes last.
        ordered = [tag for tag in held if tag in asked] + [tag for tag in asked if tag not in held]
        if tuple(ordered) != held:
            changes[_LIST] = ordered
        if first != tenant.config.locale_default:
            changes[_FIRST] = first
        return Parsed({} if errors else changes, errors)


def is_complete(tag: str) -> bool:
    """Tell whether the site has words in a language; every catalog that is here has all of them (`scripts/check`)."""
    return language_of(tag).partition("_")[0] == tag.partition("_")[0]


def _known(tenant: Tenant) -> tuple[str, ...]:
    """List what a brand can choose from: the site's languages, and what its file offers besides."""
    return (*LANGUAGES, *(tag for tag in tenant.config.locales if tag not in LANGUAGES))


def _name(tag: str) -> str:
    return str(Locale.parse(tag).get_display_name(tag) or tag)
