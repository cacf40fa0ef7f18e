"""Who somebody is: roles, the state of an account, and the visitor of one request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.identity.access.permissions import Permission


class Role(StrEnum):
    """What somebody is to a brand; what staff may do besides is in their grants (`identity.access`)."""

    FOLLOWER = "follower"
    TRADER = "trader"
    STAFF = "staff"
    OPERATOR = "operator"


# What somebody may choose to be when they register; the others are invited.
OWN_CHOICE = (Role.FOLLOWER, Role.TRADER)


class UserStatus(StrEnum):
    """Where an account stands; only an active one can be signed in to."""

    PENDING = "pending"  # The e-mail address is not confirmed yet.
    ACTIVE = "active"
    BLOCKED = "blocked"
    CLOSED = "closed"


NEXT: Mapping[UserStatus, frozenset[UserStatus]] = {
    UserStatus.PENDING: frozenset({UserStatus.ACTIVE, UserStatus.BLOCKED, UserStatus.CLOSED}),
    UserStatus.ACTIVE: frozenset({UserStatus.BLOCKED, UserStatus.CLOSED}),
    UserStatus.BLOCKED: frozenset({UserStatus.ACTIVE, UserStatus.CLOSED}),
    UserStatus.CLOSED: frozenset(),
}


class EndReason(StrEnum):
    """Why a session is over before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    REPLACED = "replaced"  # The same browser signed in again.
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a reason
    ROLE_CHANGED = "role_changed"
    BLOCKED = "blocked"
    CLOSED = "closed"


class SignInOutcome(StrEnum):
    """What came of one try to sign in."""

    SIGNED_IN = "signed_in"
    FACTOR_ASKED = "factor_asked"  # The password was right; the second factor is still to come.
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - an outcome
    FACTOR_WRONG = "factor_wrong"
    UNCONFIRMED = "unconfirmed"
    BLOCKED = "blocked"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    UNKNOWN_ACCOUNT = "unknown_account"


# A session's factors that count as "just confirmed" for acts that ask for a fresh one.
FRESH_FACTORS = frozenset({"totp", "passkey"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from: address and the browser's own name of itself."""

    ip: str
    agent: str


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: without a request, and at all."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever asks for a page. Nobody known has no user, no role and no permission but everybody's.

    `factor` is what this session has passed ("", "totp", "passkey", "recovery", "sms"); `enrolled` says whether there
    is a confirmed second factor to pass at all. `legal_due` says that the brand has changed its texts so that
    they have to agree anew. `scheme`, `time_zone` and `currency` are how they read the site, "" where they
    chose nothing. Until `guest_until` they are a guest (`guests`), of whom there is no e-mail.
    """

    user_id: int | None
    role: Role | None
    session_id: int | None
    email: str
    display_name: str
    ip: str
    enrolled: bool
    factor: str
    stepped_up_at: datetime | None
    held_until: datetime | None
    permissions: frozenset[Permission]
    legal_due: bool = False
    scheme: str = ""
    time_zone: str = ""
    currency: str = ""
    guest_until: datetime | None = None

    @property
    def signed_in(self) -> bool:
        """Tell whether this is a whole session: password given and, where there is a second factor, that too."""
        return self.user_id is not None and (not self.enrolled or self.factor != "")
