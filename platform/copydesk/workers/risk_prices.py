"""Prices for the risk role: its own streams, and REST as the second opinion; no Redis and no listener is needed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from copydesk.kernel import CopydeskError
from copydesk.marks import epoch_ms
from copydesk.risk.monitor import Listing
from copydesk.risk.trust import Tick
from copydesk.venues import Draw, FeedState, MarketStream, Price, Venue, drawing_on

log = logging.getLogger(__name__)

STREAM, REST = "stream", "rest"
# A second opinion is had now and then, so that both are known before they are needed; where one is in doubt, at once,
# and then it goes before everything else that is asked of the exchange.
ASK_EVERY_S = 4.0
ASK_AGAIN_S = 0.1
ASK_MAX_S = 1.0

Tell = Callable[[Listing, Tick], None]


@dataclass
class _Place:
    """One environment of an exchange, what of it is followed, and when REST was asked last."""

    venue: Venue
    stream: MarketStream
    symbols: frozenset[str] = frozenset()
    following: Future[None] | None = None
    asking: Future[None] | None = None
    asked_at: float = field(default=float("-inf"))


class RiskPrices:
    """Follow instruments of any number of exchanges on a resident loop, and tell every price as a tick."""

    def __init__(
        self,
        start: Callable[[Coroutine[Any, Any, None]], Future[None]],
        open_place: Callable[[str], tuple[Venue, MarketStream]],
        tell: Tell,
    ) -> None:
        """`open_place` opens an environment; it may raise `CopydeskError`, and is asked again at the next look."""
        self._start = start
        self._open_place = open_place
        self._tell = tell
        self._places: dict[str, _Place] = {}

    def follow(self, listings: Iterable[Listing]) -> None:
        """Follow these from now on, and whatever was followed before as long as its place is still wanted."""
        wanted: dict[str, set[str]] = {}
        for listing in listings:
            wanted.setdefault(listing.place, set()).add(listing.symbol)
        for name, symbols in wanted.items():
            place = self._opened(name)
            if place is not None and not symbols <= place.symbols:
                place.symbols |= symbols
                if place.following is not None:
                    place.following.cancel()
                place.following = self._start(self._follow(name, place, place.symbols))

    def ask(self, names: Collection[str] | None = None) -> None:
        """Ask REST at these places, or at all that were not asked for a while; returns at once."""
        now = time.monotonic()
        for name, place in self._places.items():
            doubted = names is not None and name in names
            idle = place.asking is None or place.asking.done()
            if place.symbols and idle and now - place.asked_at >= (ASK_AGAIN_S if doubted else ASK_EVERY_S):
                place.asked_at = now
                place.asking = self._start(self._ask(name, place, Draw.RESERVE if doubted else Draw.SPARE))

    def close(self) -> None:
        """End every stream."""
        for place in self._places.values():
            for task in (place.following, place.asking):
                if task is not None:
                    task.cancel()

    def _opened(self, name: str) -> _Place | None:
        if name not in self._places:
            try:
                self._places[name] = _Place(*self._open_place(name))
            except CopydeskError as error:
                log.warning("no prices of %s yet: %s", name, error)
        return self._places.get(name)

    async def _follow(self, name: str, place: _Place, symbols: frozenset[str]) -> None:
        async with aclosing(place.stream.prices(symbols)) as events:
            async for event in events:
                if event.state is FeedState.LOST:
                    log.warning("prices of %s: %s", name, event.reason)
                for price in event.prices:
                    self._tell_price(name, price)

    def _tell_price(self, name: str, price: Price) -> None:
        """Tell a perpetual's mark, and a pair's last price."""
        marked = price.mark is not None and ":" in price.symbol
        px, at_ms = (price.mark, price.mark_at_ms) if marked else (price.px, price.at_ms)
        if px is not None:
            self._tell(Listing(name, price.symbol), Tick(STREAM, px, at_ms, epoch_ms()))

    async def _ask(self, name: str, place: _Place, draw: Draw) -> None:
        try:
            with drawing_on(draw):
                async with asyncio.timeout(ASK_MAX_S):
                    found: dict[str, Decimal] = await place.venue.prices()
        except (CopydeskError, TimeoutError) as error:
            log.warning("no second opinion on %s: %s", name, error)
            return
        now_ms = epoch_ms()
        for symbol in place.symbols & found.keys():
            self._tell(Listing(name, symbol), Tick(REST, found[symbol], now_ms, now_ms))
