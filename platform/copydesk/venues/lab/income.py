"""The funding of one exchange, for the dialects' ledgers; since the process began.

Rates and payments are taken down as they are charged: who told them again from the market would be off by its moves.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from copydesk.venues.lab.model import FUNDING_FEE, BalanceUpdate, Event
from copydesk.venues.lab.perp import PerpEngine

PAYMENTS_LEN = 1000
RATES_LEN = 1000


class FundingRate(NamedTuple):
    """A rate as it was charged at this mark price."""

    symbol: str
    rate: Decimal
    px: Decimal
    at_ms: int


class FundingPaid(NamedTuple):
    """One payment: above zero received. `qty` is the signed position that it was for, `px` the mark price then.

    Numbers grow with time, also over restarts.
    """

    number: int
    symbol: str
    amount: Decimal
    qty: Decimal
    px: Decimal
    at_ms: int
    margin_mode: str


class FundingBook:
    """Keep the newest rates, and each account's newest payments, oldest first."""

    def __init__(self) -> None:
        self.rates: deque[FundingRate] = deque(maxlen=RATES_LEN)
        self._paid: defaultdict[str, deque[FundingPaid]] = defaultdict(lambda: deque(maxlen=PAYMENTS_LEN))
        self._number = 0

    def note(self, charged: FundingRate, events: Iterable[Event], perp: PerpEngine) -> None:
        """Take down a rate that was charged, and what it has moved."""
        self.rates.append(charged)
        for event in events:
            if isinstance(event, BalanceUpdate) and event.change == FUNDING_FEE:
                self._number = max(self._number + 1, event.at_ms * 1000)
                held = perp.position(event.account, event.symbol, event.position_side)
                row = FundingPaid(
                    self._number, event.symbol, event.delta, held.qty, charged.px, event.at_ms, held.margin_mode
                )
                self._paid[event.account].append(row)

    def of(self, account: str) -> list[FundingPaid]:
        """Return an account's payments, oldest first."""
        return list(self._paid.get(account, ()))
