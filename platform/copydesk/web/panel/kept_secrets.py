"""Secrets that somebody enters in the panel: sealed at once, shown no more, named anew each time.

A new value gets a new name, and what is published is the name: a change that is refused, waits or is rolled back
leaves the key in use that was in use (platform/docs/adr/0017-secrets-of-a-brand.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from flask import g

from copydesk.audit import record
from copydesk.kernel import InvalidInput
from copydesk.vault import SealBroken
from copydesk.web.asking import runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.panel.desk import current_brand
from copydesk.web.port import SecretStore
from copydesk.web.visitor import current_actor

REFERENCE = "secret:"
DOTS = "••••••••"
_SHOWN_CHARS = 4
# Of a shorter secret four characters would be too much of it.
_LENGTH_MIN = 20
_TAG_BYTES = 4


def keep_secrets(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    """Seal values under names of their own, and return the reference of each by its field."""
    slug, store = current_brand().slug, _store()
    kept = {field: f"{prefix}_{field}_{secrets.token_hex(_TAG_BYTES)}" for field in values}
    for field, name in kept.items():
        store.set(slug, name, values[field])
    if kept:
        with transaction() as session:
            for name in kept.values():
                subject = f"secret:{name}"
                record(session, g.tenant_id, current_actor(), "secret.stored", subject, at=current_time())
    return {field: REFERENCE + name for field, name in kept.items()}


def is_kept(reference: str, prefix: str, field: str) -> bool:
    """Tell whether a reference names a value that was entered for this very field, and not some other secret."""
    name = reference.removeprefix(REFERENCE)
    meant = reference.startswith(REFERENCE) and name.startswith(f"{prefix}_{field}_")
    return meant and name in _store().names(current_brand().slug)


def secret_value(reference: str | None) -> str | None:
    """Open what a reference names; None where nothing is stored under it, or what is there opens no more."""
    if not reference:
        return None
    try:
        return _store().get(current_brand().slug, reference.removeprefix(REFERENCE))
    except (SealBroken, InvalidInput):
        return None


def masked(reference: str | None) -> str:
    """Show that a secret is stored: dots, and the last characters of one that is long enough; "" where none is."""
    value = secret_value(reference)
    if value is None:
        return ""
    return DOTS + (value[-_SHOWN_CHARS:] if len(value) >= _LENGTH_MIN else "")


def _store() -> SecretStore:
    return runtime().secrets
