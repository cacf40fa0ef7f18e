"""Works out which stops should rest at exchanges: of whoever has changed, and of everybody now and then.

A limit that trails lies elsewhere with every new high, so what rests is looked over again each minute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Protocol

from copydesk.replication import Exposure, HeldBook, whereabouts_of
from copydesk.risk.monitor import Key, Listing, Monitor
from copydesk.risk.protection import Guarded, Protection, ProtectionTerms, protection
from copydesk.trading import Instrument, PositionSide

# How many subscriptions one sweep works out: a million positions are looked over, not in one go.
EACH_SWEEP_MAX = 200
LOOK_OVER_S = 60.0

_Owner = tuple[int, int]
_Book = tuple[str, PositionSide]
# From a brand and a lane to what is listed there, and how its positions are protected; None where they are not.
Market = tuple[Mapping[str, Instrument], ProtectionTerms]
MarketOf = Callable[[int, str], Market | None]


class Wishes(Protocol):
    """Who sees to it that what is wanted rests (`workers.protection`)."""

    def want(self, tenant_id: int, exposure: Exposure, books: Mapping[_Book, Protection | None]) -> None: ...

    def forget(self, tenant_id: int, subscription_id: int) -> None: ...


class Guarding:
    """Say what should rest for each subscription. To be used in the risk role's own thread."""

    def __init__(self, wishes: Wishes, market_of: MarketOf) -> None:
        self._wishes = wishes
        self._market_of = market_of
        self._due: dict[_Owner, None] = {}
        self._looked_over_at = float("-inf")

    def stir(self, tenant_id: int, number: int) -> None:
        """Work a subscription out anew: its books or its limits have changed."""
        self._due[tenant_id, number] = None

    def forget(self, tenant_id: int, number: int) -> None:
        """Let nothing rest any more for a subscription that is gone."""
        self._due.pop((tenant_id, number), None)
        self._wishes.forget(tenant_id, number)

    def sweep(self, monitor: Monitor, exposures: Mapping[_Owner, Exposure], now_s: float) -> None:
        """Work some of those out that are due; who has no mark yet waits for it."""
        if now_s - self._looked_over_at >= LOOK_OVER_S:
            self._looked_over_at = now_s
            self._due |= dict.fromkeys(exposures)
        for owner in list(islice(self._due, EACH_SWEEP_MAX)):
            del self._due[owner]
            exposure = exposures.get(owner)
            if exposure is not None and not self._work_out(owner[0], exposure, monitor):
                self._due[owner] = None

    def _work_out(self, tenant_id: int, exposure: Exposure, monitor: Monitor) -> bool:
        open_books = [book for book in exposure.books if book.qty and ":" in book.symbol]
        market = self._market_of(tenant_id, exposure.shard) if open_books else None
        if market is None:
            self._wishes.want(tenant_id, exposure, {})
            return True
        instruments, terms = market
        left = _left(tenant_id, exposure, monitor)
        place = whereabouts_of(exposure.shard).exchange
        books: dict[_Book, Protection | None] = {}
        for book in open_books:
            mark, instrument = monitor.mark(Listing(place, book.symbol)), instruments.get(book.symbol)
            if mark is None:
                return False
            guarded = Guarded(book.qty, _entry_px(book), mark, left)
            books[book.symbol, book.position_side] = (
                protection(guarded, instrument, terms) if instrument is not None else None
            )
        self._wishes.want(tenant_id, exposure, books)
        return True


def _left(tenant_id: int, exposure: Exposure, monitor: Monitor) -> Decimal | None:
    """Return what may be lost until a limit of the subscription, or of its account, closes it."""
    keys = (Key(tenant_id, exposure.subscription_id), Key(tenant_id, exposure.account_id, account=True))
    lefts = [left for key in keys if key in monitor and (left := monitor.left_until_closed(key)) is not None]
    return min(lefts, default=None)


def _entry_px(book: HeldBook) -> Decimal:
    return book.cost / abs(book.qty)
