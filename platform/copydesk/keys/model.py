"""Values of exchange keys: what somebody hands in, how far it has come, why not, and what is known of one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from copydesk.trading import Environment, KeyKind

# Where a key has a third text beside key and secret, which its owner chose.
WITH_PASSPHRASE = frozenset({"okx", "bitget"})


class IntakeState(StrEnum):
    """How far a key has come that somebody connects.

    `making`: a pair is being made; `offered`: its public half is shown and the key's name awaited; `waiting`: handed
    in; `examining`: the exchange is being asked. The last two are final, and nothing sealed is kept with them.
    """

    MAKING = "making"
    OFFERED = "offered"
    WAITING = "waiting"
    EXAMINING = "examining"
    ACCEPTED = "accepted"
    REFUSED = "refused"


UNDER_WAY = frozenset({IntakeState.WAITING, IntakeState.EXAMINING})
OPEN = UNDER_WAY | {IntakeState.MAKING, IntakeState.OFFERED}


class Trouble(StrEnum):
    """Why a key is not accepted, where it is no `Denial` of the exchange's making."""

    KNOWN = "known"  # This very account of the exchange, or key, is connected by the same person.
    TAKEN = "taken"  # Somebody of the brand has connected it; the answer does not say who.
    OTHER_ACCOUNT = "other_account"  # A key to renew that belongs to another account of the exchange.
    TRADE_REFUSED = "trade_refused"  # Its rights look right, and the exchange refuses its test order.
    UNREACHABLE = "unreachable"  # The exchange could not be asked for too long.
    GIVEN_UP = "given_up"  # By who began it.
    REVOKED = "revoked"  # By the brand, with every key.
    BROKEN = "broken"  # What was sealed does not open.


# A pair that nobody uses, and a key about which the exchange cannot be asked, are not kept for longer.
OFFER_LASTS = timedelta(days=1)
ASKING_LASTS = timedelta(hours=1)
# A desk that died over a key leaves it to the next one after this time.
EXAMINED_WITHIN = timedelta(seconds=60)
ASK_AGAIN = timedelta(seconds=20)
PROBE_EVERY = timedelta(days=1)
PROBE_AGAIN = timedelta(minutes=15)
# Days before a key's end at which its owner is told.
EXPIRY_NOTICES = (14, 7, 1)


@dataclass(frozen=True, slots=True)
class Handed:
    """A key as somebody gives it, on its way to the seal: never stored like this, never printed."""

    api_key: str = field(repr=False)
    secret: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NewIntake:
    """Which account of which exchange somebody connects. `account_id` is the one whose key is renewed, if any."""

    user_id: int
    venue: str
    environment: Environment
    label: str
    kind: KeyKind = KeyKind.HMAC
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Intake:
    """One key on its way in. `reason` is a `Trouble` or a `Denial`; `rights` are what the exchange calls what is wrong.

    `said` are the exchange's own words, where it refused the key itself or its test order.
    """

    id: int
    user_id: int
    account_id: int | None
    venue: str
    environment: Environment
    label: str
    kind: KeyKind
    state: IntakeState
    public_key: str | None
    reason: str | None
    rights: tuple[str, ...]
    said: str
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyHealth:
    """An exchange account and what its exchange said of its key when it was last asked; None where it never was.

    `status` is the account's, `reason` a `Denial`: why nothing is opened there, while a key whose account is "active"
    still closes; `connected` is whether a sealed key is there at all.
    """

    account_id: int
    user_id: int
    venue: str
    environment: Environment
    label: str
    status: str
    reason: str | None
    connected: bool
    kind: KeyKind
    scope: Mapping[str, bool] | None
    rights: tuple[str, ...]
    ip_bound: bool | None
    expires_at: datetime | None
    probed_at: datetime | None
    created_at: datetime

    @property
    def usable(self) -> bool:
        return self.connected and self.status == "active" and self.reason is None

    def days_left(self, now: datetime) -> int | None:
        """Return how many whole days the exchange lets the key live on; None where it does not end."""
        return None if self.expires_at is None else max((self.expires_at - now).days, 0)


@dataclass(frozen=True, slots=True)
class Gone:
    """An account whose sealed key was destroyed just now."""

    account_id: int
    user_id: int
    venue: str
    label: str


def notice_due(expires_at: datetime | None, now: datetime, told_days: int | None) -> int | None:
    """Return how many days the notice names that is due now, None where none is. Each is given once.

    A key that was first seen late gets the notice that fits, and none of the earlier ones.
    """
    if expires_at is None:
        return None
    left = max((expires_at - now) / timedelta(days=1), 0.0)
    fitting = [days for days in EXPIRY_NOTICES if left <= days]
    due = min(fitting, default=None)
    return due if due is not None and (told_days is None or due < told_days) else None
