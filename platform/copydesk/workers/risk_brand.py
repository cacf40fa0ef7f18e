"""What the risk role remembers of one brand: books, limits and liquidation prices, and holders made of them. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType

from copydesk.kernel import ZERO
from copydesk.replication import Exposure, LiquidationSeen, Traces, whereabouts_of
from copydesk.replication.signs import BrandSign
from copydesk.risk.equity_rules import equity_bounds
from copydesk.risk.limits import LimitSet, effective
from copydesk.risk.margins import Liquidation
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scoped
from copydesk.risk.monitor import Holding, Listing
from copydesk.trading import PositionSide

# A copy may be stored under a number below one that was seen already: what is this much older is looked at again.
_LOOK_BACK = 8
EVER = datetime(1970, 1, 1, tzinfo=UTC)

# Of one account, by symbol and side of hedge mode.
Liquidations = Mapping[tuple[str, PositionSide], Liquidation]


class BrandBooks:
    """What was read of one brand; `accounts` has the subscriptions of each, `told` its currency and time zone."""

    def __init__(self) -> None:
        self.exposures: dict[int, Exposure] = {}
        self.accounts: defaultdict[int, set[int]] = defaultdict(set)
        self.liquidations: defaultdict[int, dict[tuple[str, PositionSide], Liquidation]] = defaultdict(dict)
        self.liquidations_seen_at = EVER
        self.liquidations_read_at = float("-inf")
        self.limits: dict[int, tuple[Scoped, ...]] = {}
        self.traces: deque[Traces] = deque(maxlen=_LOOK_BACK)
        self.version = -1
        self.read_all_at = float("-inf")
        self.files: tuple[Scoped, ...] = ()
        self.told: dict[str, str] = {"currency": "", "zone": "UTC"}
        self.sign: BrandSign | None = None
        self.quiet_looks = 0

    def stirs(self, sign: BrandSign | None) -> bool:
        """Tell whether anything may have changed. What is stored late shows in the looks that go back (`traces`)."""
        quiet = sign is not None and sign == self.sign and not sign.busy
        self.sign, self.quiet_looks = sign, self.quiet_looks + 1 if quiet else 0
        return self.quiet_looks <= _LOOK_BACK + 1

    @property
    def holds(self) -> bool:
        """Tell whether anybody holds a position."""
        return any(book.qty for one in self.exposures.values() for book in one.books)

    def take_in(self, found: Mapping[int, Exposure], gone: Collection[int]) -> set[int]:
        """Note what has changed of subscriptions, and return the accounts that have others left."""
        accounts = {one.account_id for one in found.values()}
        for number in gone:
            before = self.exposures.pop(number, None)
            if before is not None:
                accounts.add(before.account_id)
                self.accounts[before.account_id].discard(number)
        for number, one in found.items():
            self.exposures[number] = one
            self.accounts[one.account_id].add(number)
        for account in [account for account in accounts if not self.accounts[account]]:
            del self.accounts[account]
            self.liquidations.pop(account, None)
        return accounts & self.accounts.keys()

    def see_positions(self, seen: Iterable[LiquidationSeen]) -> set[int]:
        """Note where positions would be liquidated, and return the accounts of which something has changed."""
        changed: set[int] = set()
        for one in seen:
            known, place = self.liquidations[one.account_id], (one.symbol, one.position_side)
            told = None if one.px is None or one.px <= 0 else Liquidation(one.px, one.short)
            self.liquidations_seen_at = max(self.liquidations_seen_at, one.at)
            if known.get(place) == told:
                continue
            changed.add(one.account_id)
            if told is None:
                del known[place]
            else:
                known[place] = told
        return changed & self.accounts.keys()

    def own(self, number: int, *, currency: str, zone: str) -> Holding:
        """Return what a subscription has, with the limits on it."""
        limits = effective(self._limits_of(number))
        return holding_of([self.exposures[number]], limits, Subject.SUBSCRIPTION, currency=currency, zone=zone)

    def together(self, account_id: int, *, currency: str, zone: str) -> Holding:
        """Return what all subscriptions of an account have together, with the limits on it."""
        members = [self.exposures[number] for number in sorted(self.accounts[account_id])]
        limits = effective(scoped for one in members for scoped in self._limits_of(one.subscription_id))
        return holding_of(
            members,
            limits,
            Subject.ACCOUNT,
            currency=currency,
            zone=zone,
            liquidations=self.liquidations.get(account_id, {}),
        )

    def _limits_of(self, number: int) -> tuple[Scoped, ...]:
        return (*self.files, *self.limits.get(number, ()))


def holding_of(
    exposures: Collection[Exposure],
    limits: LimitSet,
    subject: Subject,
    *,
    currency: str,
    zone: str,
    liquidations: Liquidations = MappingProxyType({}),
) -> Holding:
    """Put what one subscription has, or all of an account, in the monitor's form."""
    positions: defaultdict[Listing, Decimal] = defaultdict(lambda: ZERO)
    allocation = cash = cost = ZERO
    for one in exposures:
        place = whereabouts_of(one.shard).exchange
        allocation += one.allocation
        for book in one.books:
            cash += book.cash
            cost += book.cost if book.qty > 0 else -book.cost
            positions[Listing(place, book.symbol)] += book.qty
    held = {listing: qty for listing, qty in positions.items() if qty}
    bounds = equity_bounds(limits, subject, currency=currency)
    return Holding(allocation, allocation + cash, cash + cost, held, bounds, zone, _liquidations_of(held, liquidations))


def _liquidations_of(
    held: Mapping[Listing, Decimal], liquidations: Liquidations
) -> dict[Listing, tuple[Liquidation, ...]]:
    """Leave out what is not held, and a position that has been turned round since it was seen."""
    found: dict[Listing, tuple[Liquidation, ...]] = {}
    for listing, qty in held.items():
        told = [
            one for (symbol, side), one in liquidations.items() if symbol == listing.symbol and _stands(side, one, qty)
        ]
        if told:
            found[listing] = tuple(told)
    return found


def _stands(side: PositionSide, seen: Liquidation, qty: Decimal) -> bool:
    return side is not PositionSide.NET or seen.short is (qty < 0)
