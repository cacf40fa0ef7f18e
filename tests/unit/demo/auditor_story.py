"""Journals written by hand, for tests of the auditor."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.demo.audit import audit
from copydesk.demo.cast import FollowerTerms
from copydesk.demo.expect import Seat
from copydesk.trading import SizingMode

D = Decimal
LEADER, FOLLOWER = "aurora:trader:one", "aurora:follower:0"
# What the exchanges call the bitcoin pair and its perpetual.
NAMES = {
    ("binance", "spot"): "BTCUSDT",
    ("binance", "perp"): "BTCUSDT",
    ("okx", "spot"): "BTC-USDT",
    ("okx", "perp"): "BTC-USDT-SWAP",
    ("bybit", "perp"): "BTCUSDT",
}


def seats(
    *allocations: int,
    mode: SizingMode = SizingMode.EQUITY_RATIO,
    value: Decimal | None = None,
    venue: str = "binance",
    market: str = "spot",
) -> list[Seat]:
    return [
        Seat(f"aurora:follower:{n}", LEADER, FollowerTerms(n, 0, D(allocation), mode, value, venue), market)
        for n, allocation in enumerate(allocations)
    ]


class Story:
    """A journal written by hand: what the exchanges would have recorded. Everything trades at 50,000."""

    def __init__(self, *, leads_on: str = "binance", copies_on: str = "binance", market: str = "spot") -> None:
        self.at_ms = 1_000.0
        self.order_id = 0
        self.market = market
        self.venues = {LEADER: leads_on, FOLLOWER: copies_on}
        self.records: list[dict[str, Any]] = []
        for account, money in ((LEADER, "100000"), (FOLLOWER, "1500")):
            opened = {"account": account, "venue": self.venues[account], "wallet": "trading"}
            self._add(kind="account", change="created", balances={"USDT": money}, **opened)
        self.mark("50000")

    def mark(self, px: str) -> None:
        for venue in sorted(set(self.venues.values())):
            self._add(kind="mark", venue=venue, market=self.market, symbol=NAMES[venue, self.market], px=px)

    def wait(self, ms: float) -> None:
        self.at_ms += ms

    def leader(self, side: str, *parts: str) -> None:
        """Record a leader's order that was filled at once, in one part or in several."""
        qty = str(sum(map(D, parts)))
        self.order(LEADER, side, qty, cid=f"leader-{self.order_id}", parts=parts)

    def copy(
        self,
        side: str,
        qty: str,
        *,
        cid: str | None = None,
        filled: str | None = None,
        px: str | None = None,
        closes: bool = False,
    ) -> None:
        """Record a follower's order: on spot every sale closes, on perpetuals `closes` makes it reduce-only."""
        limit = px or {"buy": "50250", "sell": "49750"}[side]
        ends = closes or (self.market == "spot" and side == "sell")
        parts = None if filled is None else (filled,)
        self.order(
            FOLLOWER,
            side,
            qty,
            cid=cid or f"cd-{self.order_id}",
            parts=parts,
            px=None if ends else limit,
            reduce_only=closes,
        )

    def order(
        self,
        account: str,
        side: str,
        qty: str,
        *,
        cid: str,
        parts: tuple[str, ...] | None = None,
        px: str | None = None,
        reduce_only: bool = False,
    ) -> None:
        """Record an order, its executions with a fee of 0.1 %, and its expiry if it filled short."""
        self.order_id += 1
        named = self._named(account) | {"order_id": self.order_id, "client_order_id": cid}
        self._add(kind="order", change="NEW", side=side, qty=qty, px=px, cum_qty="0", reduce_only=reduce_only, **named)
        done, now_ms = D(0), self.at_ms + 5
        for part in (qty,) if parts is None else parts:
            done += D(part)
            if D(part):
                self._execution(named, side, D(part), done, now_ms)
        if done < D(qty):
            self._add(kind="order", change="EXPIRED", cum_qty=str(done), **named)

    def reject(self, reason: str) -> None:
        """Record that the exchange refused a follower's order."""
        self._add(kind="order", change="REJECTED", reason=reason, **self._named(FOLLOWER))

    def request(self, status: int, code: str = "") -> None:
        self._add(kind="request", status=status, code=code, **self._named(FOLLOWER))

    def figures(self, crowd: list[Seat] | None = None) -> dict[str, Any]:
        here = seats(1000, venue=self.venues[FOLLOWER], market=self.market)
        return audit(self.records, crowd or here)

    def _named(self, account: str) -> dict[str, Any]:
        venue = self.venues[account]
        return {"account": account, "venue": venue, "market": self.market, "symbol": NAMES[venue, self.market]}

    def _execution(self, named: dict[str, Any], side: str, qty: Decimal, done: Decimal, at_ms: float) -> None:
        in_base = side == "buy" and self.market == "spot"
        fee, currency = (qty / 1000, "BTC") if in_base else (qty * 50, "USDT")
        money = {"px": "50000", "qty": str(qty), "fee": str(fee), "fee_currency": currency}
        self.at_ms = at_ms - 5  # All parts of one order are filled at one instant.
        self._add(kind="execution", side=side, order_cum_qty=str(done), **named, **money)

    def _add(self, **record: Any) -> None:
        self.at_ms += 5
        self.records.append({"at_ms": self.at_ms, **record})
