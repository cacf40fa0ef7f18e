"""What rests for a while after something unusual, for which reason and how long: one table of rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from copydesk.identity.access.permissions import Permission


class HoldReason(StrEnum):
    """What happened that makes acts rest. The word is stored."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason
    NEW_LOCATION = "new_location"
    RECOVERY_USED = "recovery_used"
    FACTORS_ERASED = "factors_erased"


@dataclass(frozen=True, slots=True)
class HoldRule:
    """How long acts rest for one reason, and which those are."""

    lasts: timedelta
    rests: frozenset[Permission]


_DAY = timedelta(hours=24)
# A thief who may write the list of allowed addresses shuts its owner out. Of an account only closing it rests.
_OWN_VALUES = frozenset({Permission.KEYS_OWN, Permission.PAYOUTS_OWN, Permission.ADDRESSES_OWN, Permission.ACCOUNT_OWN})
# One relayed code must not replace the factor. Whoever used a recovery code, or had all erased, has to set up anew.
_OWN_PROOFS = frozenset({Permission.FACTORS_OWN})
_STAFF_ACTS = frozenset(
    {
        Permission.STAFF_GRANT,
        Permission.ALLOWLIST_WRITE,
        Permission.USERS_WRITE,
        Permission.FEES_WRITE,
        Permission.PAYOUTS_WRITE,
        Permission.SETTINGS_WRITE,
    }
)

# Stopping is never on hold: whoever must throw a kill switch can, at a reset password or in a new place.
RULES: Mapping[HoldReason, HoldRule] = {
    HoldReason.PASSWORD_RESET: HoldRule(_DAY, _OWN_VALUES | _OWN_PROOFS | _STAFF_ACTS),
    HoldReason.NEW_LOCATION: HoldRule(_DAY, _OWN_VALUES | _OWN_PROOFS | _STAFF_ACTS),
    HoldReason.RECOVERY_USED: HoldRule(_DAY, _OWN_VALUES | _STAFF_ACTS),
    HoldReason.FACTORS_ERASED: HoldRule(_DAY, _OWN_VALUES | _STAFF_ACTS),
}


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason for which acts of a person rest until a moment."""

    reason: HoldReason
    until: datetime


def resting(permission: Permission, holds: Iterable[Hold], now: datetime) -> Hold | None:
    """Return the hold that keeps an act back longest, None where it may be done now."""
    found = [hold for hold in holds if now < hold.until and permission in RULES[hold.reason].rests]
    return max(found, key=lambda hold: hold.until, default=None)
