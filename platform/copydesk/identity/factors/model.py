"""Values of second factors: which methods there are, which a role may use for what, the names of refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from copydesk.identity.model import Role
from copydesk.kernel import Refused


class Method(StrEnum):
    """One way to prove a second factor. The word is stored with the session that passed it."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY = "recovery"
    SMS = "sms"


# What stands on its own; recovery codes and a phone only ever stand beside one of these.
STRONG = frozenset({Method.TOTP, Method.PASSKEY})
# The best first: this is the order in which a person is asked.
_PREFERENCE = (Method.PASSKEY, Method.TOTP, Method.SMS, Method.RECOVERY)
_STAFF = frozenset({Method.PASSKEY, Method.TOTP, Method.RECOVERY})
_ACCEPTED: Mapping[Role, frozenset[Method]] = {
    Role.FOLLOWER: frozenset(Method),
    Role.TRADER: frozenset(Method),
    Role.STAFF: _STAFF,
    Role.OPERATOR: frozenset({Method.PASSKEY}),
}


class FactorWrong(Refused):
    """Refuse a proof: mistyped, used before, expired, or of somebody else; never said which."""

    code = "factor_wrong"


class FactorMissing(Refused):
    """Refuse an act that needs a factor that is not there, or not begun, or no longer waiting."""

    code = "factor_missing"


class FactorNeeded(Refused):
    """Refuse to remove the factor that a role must have."""

    code = "factor_needed"


@dataclass(frozen=True, slots=True)
class Factors:
    """Which second factors a person has confirmed; `recovery_left` are the codes that were not used yet."""

    totp: bool = False
    passkeys: int = 0
    recovery_left: int = 0
    sms: bool = False

    @property
    def held(self) -> frozenset[Method]:
        """Return the methods that could be asked for."""
        counts = {
            Method.TOTP: self.totp,
            Method.PASSKEY: self.passkeys > 0,
            Method.RECOVERY: self.recovery_left > 0,
            Method.SMS: self.sms,
        }
        return frozenset(method for method, there in counts.items() if there)

    @property
    def any(self) -> bool:
        """Tell whether a sign-in must pass a factor: whoever has a strong one is always asked for it."""
        return bool(self.held & STRONG)

    def enough_for(self, role: Role) -> bool:
        """Tell whether a person of this role counts as enrolled: an operator only with a passkey."""
        return bool(self.held & STRONG & _ACCEPTED[role])

    def choices(self, role: Role, *, stepping_up: bool = False) -> tuple[Method, ...]:
        """Return what may be asked for, best first.

        A text message never steps up. An operator whose passkey is not there yet proves what is there, to add it.
        """
        if not self.any:
            return ()
        accepted = self.held & (_ACCEPTED[role] if self.enough_for(role) else _STAFF)
        if stepping_up:
            accepted -= {Method.SMS}
        return tuple(method for method in _PREFERENCE if method in accepted)


def must_verify_user(role: Role) -> bool:
    """Tell whether a passkey must check who holds it (finger, face, PIN), rather than only that somebody is there."""
    return role in {Role.STAFF, Role.OPERATOR}


@dataclass(frozen=True, slots=True)
class Holder:
    """The person whose factors are meant, the session that acts, and how to write to them."""

    tenant_id: int
    user_id: int
    role: Role
    email: str
    session_id: int | None
    ip: str
    locale: str


@dataclass(frozen=True, slots=True)
class PendingSecret:
    """A secret that an authenticator app is about to take over; never shown by accident."""

    text: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """A passkey as its owner sees it. `rp_id` is the host that it signs in to."""

    id: int
    label: str
    rp_id: str
    created_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything that the page of factors shows; `phone_hint` is the end of the number."""

    factors: Factors
    totp_since: datetime | None
    passkeys: tuple[PasskeyRow, ...]
    recovery_since: datetime | None
    phone_hint: str
