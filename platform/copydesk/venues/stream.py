"""Binance's leader stream: ccxt.pro's user data stream, with the raw reports taken before they are coalesced.

ccxt.pro dials, signs, subscribes and keeps alive. Its `watch_my_trades` caches and wakes a single waiter, so that
a trade between two awaits would be seen only with the next one; we take each `executionReport` as it comes.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copydesk.kernel import OutcomeUnknown, Unavailable
from copydesk.trading import Credentials
from copydesk.venues.binance_orders import check_credentials, leader_trade_of_report
from copydesk.venues.model import LeaderTrade, StreamEvent, StreamState
from copydesk.venues.port import LeaderStream
from copydesk.venues.urls import VenueUrls

if TYPE_CHECKING:
    from copydesk.venues.binance_feed import UserFeed

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamTiming:
    """`probe_after_s`: silence after which the caller should compare by REST; the rest is the reconnect back-off."""

    probe_after_s: float = 10.0
    backoff_min_s: float = 0.25
    backoff_max_s: float = 15.0


class BinanceStream(LeaderStream):
    """Watch leader accounts of one environment (see `port.LeaderStream`), one connection per generator."""

    def __init__(
        self, urls: VenueUrls, *, ssl_context: ssl.SSLContext | None = None, timing: StreamTiming | None = None
    ) -> None:
        self._urls = urls
        self._ssl = ssl_context or ssl.create_default_context()
        self._timing = timing or StreamTiming()

    async def trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        """Yield `connected`, then trades and probes, then `lost`, for ever; close the generator to end it.

        Raises `VenueRefused` when Binance rejects the key.
        """
        check_credentials(credentials)
        failures = 0
        while True:
            feed = self._feed(credentials)
            try:
                lost = await feed.subscribe()
                failures = 0
                yield StreamEvent(StreamState.CONNECTED)
                while not lost.done():
                    event = await self._next(feed, lost)
                    if event is not None:
                        yield event
                reason = str(lost.exception())
            except (Unavailable, OutcomeUnknown) as error:
                reason = str(error)
            finally:
                await feed.close()
            yield StreamEvent(StreamState.LOST, reason=reason)
            failures += 1
            await asyncio.sleep(min(self._timing.backoff_min_s * 2 ** (failures - 1), self._timing.backoff_max_s))

    def _feed(self, credentials: Credentials) -> UserFeed:
        from copydesk.venues.binance_feed import UserFeed

        return UserFeed(credentials, self._urls, self._ssl)

    async def _next(self, feed: UserFeed, lost: asyncio.Future[Any]) -> StreamEvent | None:
        """Wait for reports, silence or loss; None means that there is nothing to tell."""
        reports: list[dict[str, Any]] = []
        if feed.reports.empty():
            waiting = asyncio.ensure_future(feed.reports.get())
            try:
                waits = (waiting, lost)
                await asyncio.wait(waits, timeout=self._timing.probe_after_s, return_when=asyncio.FIRST_COMPLETED)
                if not waiting.done():
                    return None if lost.done() else StreamEvent(StreamState.PROBE)
                reports.append(waiting.result())
            finally:
                waiting.cancel()
        while not feed.reports.empty():
            reports.append(feed.reports.get_nowait())
        trades = tuple(trade for trade in map(_read, reports) if trade is not None)
        return StreamEvent(StreamState.TRADES, trades) if trades else None


def _read(report: dict[str, Any]) -> LeaderTrade | None:
    """Read one report; a malformed one is skipped, since the next probe or snapshot finds its trade."""
    try:
        return leader_trade_of_report(report)
    except (KeyError, ValueError, TypeError, ArithmeticError):
        log.warning("Binance sent an execution report that cannot be read; waiting for the next snapshot")
        return None
