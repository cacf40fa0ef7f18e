"""How many orders an account may place: spot counts unfilled ones, USDⓈ-M futures every one.

Sources: binance-spot-api-docs `rest-api.md`, "Unfilled order count"; the vendor's SDK for USDⓈ-M, docstrings of the
order calls (`X-MBX-ORDER-COUNT-10S`, `-1M`). Windows are fixed and aligned to the clock, as the exchange's are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from copydesk.venues.lab.limits import MINUTE_MS, TEN_SECONDS_MS, OrderMeter


@lru_cache(maxsize=4096)
def _spot_lines(count: int, count_day: int) -> bytes:
    return b"x-mbx-order-count-10s: %d\r\nx-mbx-order-count-1d: %d\r\n" % (count, count_day)


@lru_cache(maxsize=4096)
def _um_lines(count: int, count_minute: int) -> bytes:
    return b"x-mbx-order-count-10s: %d\r\nx-mbx-order-count-1m: %d\r\n" % (count, count_minute)


class OrderCounter(Protocol):
    """Count orders against an account's limits; tell how many there were, in header lines and in rows."""

    def place(self, account: str, now_ms: int, many: int = 1) -> str | None:
        """Count orders of one request; return the name of the limit that is full, or None."""
        ...

    def fill_at_once(self, account: str, now_ms: int) -> bytes | None:
        """Count an order that is filled with its placing; return the header lines, None if a limit is full."""
        ...

    def lines(self, account: str, now_ms: int) -> bytes: ...

    def rows(self, account: str, now_ms: int) -> list[dict[str, object]]: ...


class SpotOrders:
    """Unfilled orders: 50 in ten seconds, 160,000 a day; the first fill of an order gives its count back."""

    TEN_SECONDS_MAX = 50
    DAY_MAX = 160_000

    def __init__(self) -> None:
        self._meter = OrderMeter(self.TEN_SECONDS_MAX, self.DAY_MAX)
        self.give_back = self._meter.give_back

    def place(self, account: str, now_ms: int, many: int = 1) -> str | None:
        return self._meter.place(account, now_ms, many)

    def fill_at_once(self, account: str, now_ms: int) -> bytes | None:
        """Its first fill gives the count back at once."""
        placed = self._meter.of(account, now_ms)
        if placed.count >= self.TEN_SECONDS_MAX or placed.count_day >= self.DAY_MAX:
            return None
        return _spot_lines(placed.count, placed.count_day)

    def lines(self, account: str, now_ms: int) -> bytes:
        placed = self._meter.of(account, now_ms)
        return _spot_lines(placed.count, placed.count_day)

    def rows(self, account: str, now_ms: int) -> list[dict[str, object]]:
        placed = self._meter.of(account, now_ms)
        return [
            limit_row("SECOND", 10, self.TEN_SECONDS_MAX, placed.count),
            limit_row("DAY", 1, self.DAY_MAX, placed.count_day),
        ]


@dataclass(slots=True)
class Counts:
    """Orders of one account in the current ten seconds and the current minute."""

    window: int = -1
    count: int = 0
    minute: int = -1
    count_minute: int = 0


class FuturesOrders:
    """All orders: 300 in ten seconds and 1,200 a minute. A batch counts each order on the first and 1 on the second."""

    TEN_SECONDS_MAX = 300
    MINUTE_MAX = 1200

    def __init__(self) -> None:
        self._accounts: dict[str, Counts] = {}

    def place(self, account: str, now_ms: int, many: int = 1) -> str | None:
        counts = self._of(account, now_ms)
        if counts.count + many > self.TEN_SECONDS_MAX:
            return f"{self.TEN_SECONDS_MAX} orders per 10 SECOND"
        if counts.count_minute >= self.MINUTE_MAX:
            return f"{self.MINUTE_MAX} orders per 1 MINUTE"
        counts.count += many
        counts.count_minute += 1
        return None

    def fill_at_once(self, account: str, now_ms: int) -> bytes | None:
        counts = self._of(account, now_ms)
        if counts.count >= self.TEN_SECONDS_MAX or counts.count_minute >= self.MINUTE_MAX:
            return None
        counts.count += 1
        counts.count_minute += 1
        return _um_lines(counts.count, counts.count_minute)

    def lines(self, account: str, now_ms: int) -> bytes:
        counts = self._of(account, now_ms)
        return _um_lines(counts.count, counts.count_minute)

    def rows(self, account: str, now_ms: int) -> list[dict[str, object]]:
        counts = self._of(account, now_ms)
        return [
            limit_row("SECOND", 10, self.TEN_SECONDS_MAX, counts.count),
            limit_row("MINUTE", 1, self.MINUTE_MAX, counts.count_minute),
        ]

    def _of(self, account: str, now_ms: int) -> Counts:
        counts = self._accounts.get(account)
        if counts is None:
            counts = self._accounts[account] = Counts()
        window, minute = now_ms // TEN_SECONDS_MS, now_ms // MINUTE_MS
        if window != counts.window:
            counts.window, counts.count = window, 0
        if minute != counts.minute:
            counts.minute, counts.count_minute = minute, 0
        return counts


class NoOrders:
    """An API that places none."""

    def place(self, account: str, now_ms: int, many: int = 1) -> str | None:
        raise AssertionError(f"{account} cannot place {many} orders here at {now_ms}")

    def fill_at_once(self, account: str, now_ms: int) -> bytes | None:
        raise AssertionError(f"{account} cannot fill an order here at {now_ms}")

    def lines(self, account: str, now_ms: int) -> bytes:  # noqa: ARG002 - the protocol names them
        return b""

    def rows(self, account: str, now_ms: int) -> list[dict[str, object]]:  # noqa: ARG002
        return []


def limit_row(interval: str, number: int, limit: int, count: int) -> dict[str, object]:
    """Write one ORDERS limit with its present count as the WebSocket API tells it."""
    return {
        "rateLimitType": "ORDERS",
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
        "count": count,
    }
