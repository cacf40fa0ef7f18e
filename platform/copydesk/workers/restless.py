"""Which instruments of an environment move so far that nothing is opened of them for now: seen where prices come in.

It is judged at every price of the public stream, a perpetual's by its mark. Who plans opens reads it with the price
(`copydesk.marks`), so that it costs them nothing; what was found holds until it has passed, also without this process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from decimal import Decimal

from copydesk.kernel import Setting
from copydesk.marks import Unrest, epoch_ms
from copydesk.risk.settings import VOLATILITY_BPS_MAX, VOLATILITY_WINDOW_S
from copydesk.risk.volatility import MarkWindow
from copydesk.venues import Price

log = logging.getLogger(__name__)


class Restless:
    """The windows of one environment's instruments."""

    def __init__(self, *, limit_ratio: Decimal, window_ms: int, now_ms: Callable[[], int] = epoch_ms) -> None:
        self._limit_ratio = limit_ratio
        self._window_ms = window_ms
        self._now_ms = now_ms
        self._windows: dict[str, MarkWindow] = {}
        self._paused: set[str] = set()

    def see(self, prices: Iterable[Price]) -> None:
        """Take prices in; one that is dated ahead of this machine's clock counts as told now."""
        now_ms = self._now_ms()
        for price in prices:
            marked = price.mark is not None and ":" in price.symbol
            px, at_ms = (price.mark, price.mark_at_ms) if marked else (price.px, price.at_ms)
            if px is not None:
                window = self._windows.get(price.symbol)
                if window is None:
                    window = MarkWindow(limit_ratio=self._limit_ratio, window_ms=self._window_ms)
                    self._windows[price.symbol] = window
                window.see(min(at_ms, now_ms), px)

    def now(self, symbols: Collection[str]) -> dict[str, Unrest]:
        """Return which of these are not to be opened for now."""
        now_ms, found = self._now_ms(), {}
        for symbol in symbols & self._windows.keys():
            pause = self._windows[symbol].pause(now_ms)
            if pause is not None:
                found[symbol] = Unrest(pause.range_ratio, pause.limit_ratio, pause.until_ms)
            if (pause is not None) != (symbol in self._paused):
                self._paused ^= {symbol}
                log.warning("%s: opens %s", symbol, "go on" if pause is None else f"pause: {pause.reason}")
        return found


def restless_of(number: Callable[[Setting], int]) -> Restless:
    """Return an environment's windows as the installation has them."""
    return Restless(
        limit_ratio=Decimal(number(VOLATILITY_BPS_MAX)) / 10_000, window_ms=number(VOLATILITY_WINDOW_S) * 1000
    )
