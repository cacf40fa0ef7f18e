"""What accounts of one exchange paid and received for funding, for the dialects' ledgers; since the process began."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from copydesk.venues.lab.model import FUNDING_FEE, BalanceUpdate, Event
from copydesk.venues.lab.perp import PerpEngine

PAYMENTS_LEN = 1000


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


class FundingBook:
    """Keep each account's newest payments, oldest first."""

    def __init__(self) -> None:
        self._paid: defaultdict[str, deque[FundingPaid]] = defaultdict(lambda: deque(maxlen=PAYMENTS_LEN))
        self._number = 0

    def note(self, events: Iterable[Event], perp: PerpEngine, px: Decimal) -> None:
        """Take down what a period's end has moved at this mark price."""
        for event in events:
            if isinstance(event, BalanceUpdate) and event.change == FUNDING_FEE:
                self._number = max(self._number + 1, event.at_ms * 1000)
                qty = perp.position(event.account, event.symbol, event.position_side).qty
                row = FundingPaid(self._number, event.symbol, event.delta, qty, px, event.at_ms)
                self._paid[event.account].append(row)

    def of(self, account: str) -> list[FundingPaid]:
        """Return an account's payments, oldest first."""
        return list(self._paid.get(account, ()))
