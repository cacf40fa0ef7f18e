"""What every staff page works with: who acts, what seals, what time it is."""

from __future__ import annotations

from copydesk.identity.access.team import Giver
from copydesk.kernel import NotFound
from copydesk.web.asking import runtime
from copydesk.web.port import Vault
from copydesk.web.visitor import current_actor, current_visitor

_ID_MAX = 2**63 - 1
_DIGITS_MAX = 19


def current_giver() -> Giver:
    """Return the visitor as the one who acts on others."""
    return Giver(current_actor(), current_visitor().permissions)


def current_seal() -> Vault:
    """Return what seals links in mails."""
    return runtime().identity_vault


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
