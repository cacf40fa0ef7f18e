"""Values of guests: who is one, what is closed to them, how far their demo account has come, what is left to go live.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from copydesk.identity.access.permissions import Permission

# What stands on an address or a factor, of which a guest has neither.
CLOSED_TO_GUESTS = frozenset(
    {Permission.FACTORS_OWN, Permission.ADDRESSES_OWN, Permission.STRATEGIES_OWN, Permission.PAYOUTS_OWN}
)
# What a guest may do without a factor where others give a fresh one: it moves simulated money only.
WITHOUT_A_FACTOR = frozenset({Permission.SUBSCRIPTIONS_OWN, Permission.RISK_OWN})


class Datable(Protocol):
    """Somebody who may be a guest: a stored user, or the visitor of a request."""

    @property
    def guest_until(self) -> datetime | None: ...


def is_guest(somebody: Datable) -> bool:
    """Tell whether somebody came without registering, and has not become anybody since."""
    return somebody.guest_until is not None


@dataclass(frozen=True, slots=True)
class GuestTerms:
    """What a brand gives its guests: money in quote currency, how long, and how many of them at once."""

    balance: Decimal
    lasts: timedelta
    per_address_max: int
    open_max: int


class DemoStep(StrEnum):
    """How far a demo account has come: its key is being examined, it can be used, or it could not be connected."""

    OPENING = "opening"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DemoState:
    """A person's demo account. `account_id` is there once it is ready; `reason` says why it is not, where it failed."""

    step: DemoStep
    venue: str
    account_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class DemoCopy:
    """A subscription of the demo account, with what is to be copied over; ratios are fractions, None before any.

    `profile` is the risk profile that its owner picked, "" for none.
    """

    subscription_id: int
    strategy_slug: str
    strategy_name: str
    allocation: Decimal
    sizing_mode: str
    sizing_value: Decimal | None
    size_policy: str
    leverage_max: int | None
    copies: str
    profile: str
    since: datetime
    tracking_difference: Decimal | None
    net_result: Decimal | None
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Checklist:
    """What somebody needs before they copy with an account of their own, and what they copied in the demo.

    `live` says that the brand has real exchanges: then only a key of one of those counts. `account_id` is the account
    that counts, the newest one.
    """

    verified: bool
    factor: bool
    live: bool
    account_id: int | None
    copies: tuple[DemoCopy, ...]

    @property
    def connected(self) -> bool:
        return self.account_id is not None

    @property
    def done(self) -> bool:
        """Tell whether nothing is left to do but to begin."""
        return self.verified and self.factor and self.connected
