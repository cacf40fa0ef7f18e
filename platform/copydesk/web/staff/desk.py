"""What every staff page works with: the transaction, who acts, what seals, what time it is."""

from __future__ import annotations

from contextlib import AbstractContextManager

from flask import current_app, g

from copydesk.db import TenantSession
from copydesk.identity.access.team import Giver
from copydesk.kernel import NotFound
from copydesk.web.database import whole_database
from copydesk.web.port import Runtime, Vault
from copydesk.web.visitor import current_actor, current_visitor

_ID_MAX = 2**63 - 1
_DIGITS_MAX = 19


def changing() -> AbstractContextManager[TenantSession]:
    """Open a transaction of the request's brand that is stored at its end, and not at all where anything fails."""
    return whole_database().tenant(g.tenant_id)


def current_giver() -> Giver:
    """Return the visitor as the one who acts on others."""
    return Giver(current_actor(), current_visitor().permissions)


def current_seal() -> Vault:
    """Return what seals links in mails."""
    runtime: Runtime = current_app.extensions["copydesk_runtime"]
    return runtime.identity_vault


def asked_number(text: str) -> int | None:
    """Read the number of a row out of an address, None from what is none; refuses numbers that no row can have."""
    if not text.isdecimal():
        return None
    return row_id(int(text) if len(text) <= _DIGITS_MAX else _ID_MAX + 1)


def row_id(number: int) -> int:
    """Refuse numbers that no row can have."""
    if number > _ID_MAX:
        raise NotFound("There is nothing of that number.")
    return number
