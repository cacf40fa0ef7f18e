"""What the endpoints of this dialect share: the exchange, its catalog, meters and what the engine has no place for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from copydesk.venues.lab.dialects.okx.catalog import Catalog
from copydesk.venues.lab.dialects.okx.limits import Meters
from copydesk.venues.lab.dialects.okx.terms import Terms, terms_of
from copydesk.venues.lab.exchange import Exchange

TERMS_MAX = 16_384
TRANSFERS_MAX = 1000


class Desk:
    """One exchange as this dialect sees it.

    `terms` reads the words of an order; `request_ids` names amendments (`reqId`) while their events are told;
    `transfers` are the latest movements between wallets with their times, newest last; `deadlines` tell when
    an account's orders are all canceled unless it puts that off. These are kept until the process ends.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.catalog = Catalog(exchange)
        self.meters = Meters()
        self.terms: Callable[..., Terms] = lru_cache(TERMS_MAX)(partial(terms_of, self.catalog))
        self.request_ids: dict[tuple[str, int], str] = {}
        self.transfers: deque[tuple[str, dict[str, Any], int]] = deque(maxlen=TRANSFERS_MAX)
        self.transfer_id = 0
        self.deadlines: dict[str, int] = {}

    def cancel_overdue(self, now_ms: int) -> None:
        """Cancel all orders of the accounts that have not been heard of in time."""
        for account in [name for name, due_ms in self.deadlines.items() if due_ms <= now_ms]:
            del self.deadlines[account]
            for engine in (self.exchange.spot, self.exchange.perp):
                for result in engine.cancel_all(account, None, now_ms):
                    self.exchange.publish(result.events, now_ms)
