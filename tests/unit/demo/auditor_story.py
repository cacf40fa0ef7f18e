"""Journals written by hand, for tests of the auditor."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.demo.audit import Seat, audit
from copydesk.demo.cast import FollowerTerms
from copydesk.demo.ledger import Rules
from copydesk.trading import SizingMode

D = Decimal
RULES = {"BTCUSDT": Rules(D("0.00001"), D("0.00001"), D(5))}
LEADER, FOLLOWER = "aurora:trader:one", "aurora:follower:0"


def seats(*allocations: int, mode: SizingMode = SizingMode.EQUITY_RATIO, value: Decimal | None = None) -> list[Seat]:
    return [
        Seat(f"aurora:follower:{n}", LEADER, FollowerTerms(n, 0, D(allocation), mode, value))
        for n, allocation in enumerate(allocations)
    ]


class Story:
    """A journal written by hand: what an exchange would have recorded."""

    def __init__(self) -> None:
        self.at_ms = 1_000.0
        self.order_id = 0
        self.records: list[dict[str, Any]] = [
            {"kind": "account", "account": LEADER, "balances": {"USDT": "100000"}},
            {"kind": "account", "account": FOLLOWER, "balances": {"USDT": "1100"}},
        ]
        self.mark("50000")

    def mark(self, px: str) -> None:
        self._add(kind="mark", symbol="BTCUSDT", px=px)

    def wait(self, ms: float) -> None:
        self.at_ms += ms

    def leader(self, side: str, qty: str) -> None:
        self.order(LEADER, side, qty, cid=f"leader-{self.order_id}")

    def copy(
        self, side: str, qty: str, *, cid: str | None = None, filled: str | None = None, px: str = "50250"
    ) -> None:
        limit = {"px": px} if side == "buy" else {"px": None}
        self.order(FOLLOWER, side, qty, cid=cid or f"cd-{self.order_id}", filled=filled, **limit)

    def order(
        self, account: str, side: str, qty: str, *, cid: str, filled: str | None = None, px: str | None = None
    ) -> None:
        """Record an order, its execution at 50,000 with a fee of 0.1 %, and its expiry if it filled short."""
        self.order_id += 1
        named = {"account": account, "symbol": "BTCUSDT", "order_id": self.order_id, "client_order_id": cid}
        self._add(kind="order", change="NEW", side=side, qty=qty, px=px, cum_qty="0", **named)
        done = D(qty if filled is None else filled)
        if done:
            fee, currency = (done / 1000, "BTC") if side == "buy" else (done * 50, "USDT")
            money = {"px": "50000", "qty": str(done), "fee": str(fee), "fee_currency": currency}
            self._add(kind="execution", side=side, order_cum_qty=str(done), **named, **money)
        if done < D(qty):
            self._add(kind="order", change="EXPIRED", cum_qty=str(done), **named)

    def _add(self, **record: Any) -> None:
        self.at_ms += 5
        self.records.append({"at_ms": self.at_ms, **record})

    def figures(self, crowd: list[Seat] | None = None) -> dict[str, Any]:
        return audit(self.records, crowd or seats(1000), RULES)
