"""The editor of outside providers: what each needs, what is stored of it, and what a sent form makes of that.

A form carries public values and references of secrets, never a secret: those are sealed before (`provider_keys`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.providers import Field, Misfit, Provider, fits
from copydesk.tenancy import Tenant
from copydesk.web.panel.forms import Parsed
from copydesk.web.panel.kept_secrets import is_kept, masked
from copydesk.web.panel.provider_books import Book, Entry

PROVIDER, GONE = "provider", "gone"
PUBLIC, SECRET, KEY = "public:", "secret:", "key:"
_LENGTH_MAX = 160


@dataclass(frozen=True)
class FieldRow:
    """One field of a provider as a page shows it. `pending` is the reference of a key that is stored, not published."""

    field: Field
    text: str = ""
    mask: str = ""
    pending: str = ""

    @property
    def options(self) -> list[tuple[str, str]]:
        """Return what may be chosen, each with the provider's own word for it."""
        return [(choice, choice) for choice in self.field.choices]


@dataclass(frozen=True)
class ProviderRow:
    """One provider with its fields; `there` says that the brand has it."""

    provider: Provider
    there: bool
    open: bool
    public: tuple[FieldRow, ...]
    secrets: tuple[FieldRow, ...]


class ProvidersEditor:
    """One form for each provider, and what is stored of it."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        del errors  # The template puts them at the fields.
        entries = {one.provider: one for one in self.book.entries(tenant)}
        named = typed.get(PROVIDER, "") if typed is not None else request.args.get(PROVIDER, "")
        rows = []
        for provider in self.book.providers.values():
            mine = typed if provider.name == named else None
            entry = entries.get(provider.name)
            rows.append(self._row(provider, entry, mine, is_open=provider.name == named))
        unknown = [one.provider for one in entries.values() if one.provider not in self.book.providers]
        return {"rows": rows, "unknown": unknown, "public_name": PUBLIC, "secret_name": SECRET, "key_name": KEY}

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        name = typed.get(PROVIDER, "")
        if typed.get(GONE):
            changes = self.book.without(tenant, name)
            told = gettext("Only what was set here can be taken away here; the rest stands in the brand's file.")
            return Parsed(changes) if changes else Parsed({}, {"": told})
        provider = self.book.providers.get(name)
        if provider is None:
            return Parsed({}, {"": str(misfit_words(fits(self.book.providers, name, {}, ())[0], None))})
        entry = self.entry_of(tenant, provider, typed)
        errors = field_errors(provider, fits(self.book.providers, name, entry.public, entry.secrets))
        before = self.standing(tenant, name)
        if errors or entry == before:
            return Parsed({}, errors)
        return Parsed(self.book.with_entry(tenant, entry))

    def standing(self, tenant: Tenant, name: str) -> Entry | None:
        """Return what the brand has of a provider now."""
        return next((one for one in self.book.entries(tenant) if one.provider == name), None)

    def entry_of(self, tenant: Tenant, provider: Provider, typed: MultiDict[str, str]) -> Entry:
        """Return the entry that a form makes; a secret that it does not name stays the one that is in use."""
        before = self.standing(tenant, provider.name) or Entry(provider.name)
        public = {
            one.name: text
            for one in provider.public_fields
            if (text := typed.get(PUBLIC + one.name, before.public.get(one.name, "")).strip()[:_LENGTH_MAX])
        }
        references = {one.name: self._reference(provider, one, typed, before) for one in provider.secrets}
        return Entry(provider.name, public, {name: kept for name, kept in references.items() if kept})

    def prefix(self, provider: Provider) -> str:
        """Return how the names of a provider's secrets begin."""
        return f"{self.book.prefix}_{provider.name}"

    def _reference(self, provider: Provider, field: Field, typed: MultiDict[str, str], before: Entry) -> str:
        sent = typed.get(SECRET + field.name, "")
        if sent and is_kept(sent, self.prefix(provider), field.name):
            return sent
        return before.secrets.get(field.name, "")

    def _row(
        self,
        provider: Provider,
        entry: Entry | None,
        typed: MultiDict[str, str] | None,
        *,
        is_open: bool,
    ) -> ProviderRow:
        standing = entry or Entry(provider.name)
        public = []
        for one in provider.public_fields:
            text = standing.public.get(one.name, "")
            text = typed.get(PUBLIC + one.name, text) if typed is not None else text
            public.append(FieldRow(one, text=text))
        secret = []
        for one in provider.secrets:
            held = standing.secrets.get(one.name, "")
            used = self._reference(provider, one, typed, standing) if typed is not None else held
            pending = used if used != held else ""
            secret.append(FieldRow(one, mask=masked(used), pending=pending))
        return ProviderRow(provider, entry is not None, is_open, tuple(public), tuple(secret))


def field_errors(provider: Provider, misfits: tuple[Misfit, ...]) -> dict[str, str]:
    """Put each misfit at the field that it is about."""
    secret = {one.name for one in provider.secrets}
    return {(KEY if one.field in secret else PUBLIC) + one.field: misfit_words(one, provider) for one in misfits}


def misfit_words(misfit: Misfit, provider: Provider | None) -> str:
    """Say what is wrong with a field, by the name that the provider has for it."""
    fields = (*provider.public_fields, *provider.secrets) if provider else ()
    label = next((one.label for one in fields if one.name == misfit.field), misfit.field)
    told = {"label": label, "expected": misfit.expected, "found": misfit.found}
    return str(gettext("%(label)s: expected %(expected)s, found %(found)s.", **told))
