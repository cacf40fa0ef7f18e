"""What markets bear, read when somebody asks and kept for a few seconds. One for a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

from copydesk.kernel import CopydeskError
from copydesk.venues import Draw, Liquidity, Venue, drawing_on

KEPT_S = 10.0
WAIT_S = 0.5


class Bearing:
    """Ask exchanges for what is offered and traded; the same instrument at most once in `KEPT_S`.

    For any number of threads; exchanges are asked on the loop that `start` belongs to, with what others leave of the
    rate budget.
    """

    def __init__(
        self,
        start: Callable[[Coroutine[Any, Any, Any]], Future[Any]],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start = start
        self._monotonic = monotonic
        self._known: dict[tuple[str, str], tuple[float, Liquidity]] = {}

    def of(self, place: str, venue: Venue, symbol: str) -> Liquidity | None:
        """Return what the market of an instrument bears, None where that is not told within `WAIT_S`."""
        known = self._known.get((place, symbol))
        if known is None or self._monotonic() - known[0] >= KEPT_S:
            try:
                told: Liquidity = self._start(_ask(venue, symbol)).result()
            except (CopydeskError, TimeoutError):
                return None  # The next order asks again.
            known = self._known[place, symbol] = self._monotonic(), told
        return known[1]


async def _ask(venue: Venue, symbol: str) -> Liquidity:
    with drawing_on(Draw.SPARE):
        return await asyncio.wait_for(venue.liquidity(symbol), WAIT_S)
