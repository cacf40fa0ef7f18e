"""Public prices of one environment: subscribed to, kept alive, watched for silence, told at most ten times a second.

No credentials: one stream serves whoever wants to know, of any brand. The connections are `stream`'s; what is said on
them is each exchange's `quotes`.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Protocol, runtime_checkable

from copydesk.kernel import Unavailable, VenueRefused, end
from copydesk.trading import Instrument
from copydesk.venues.model import FeedState, Price, PriceEvent, StreamState, StreamTiming
from copydesk.venues.port import MarketStream
from copydesk.venues.quotes import Name, Part, Quote
from copydesk.venues.stream import Channel, Heard, KeepAlive, Line, connects_of, watch
from copydesk.venues.symbols import SymbolMap
from copydesk.venues.traits import VenueTraits
from copydesk.venues.urls import VenueUrls

log = logging.getLogger(__name__)

TELL_EVERY_S = 0.1
_LOOKS_PER_SILENCE = 10


@runtime_checkable
class PriceSource(Protocol):
    """What of an opened venue its prices need."""

    traits: VenueTraits
    urls: VenueUrls
    ssl_context: ssl.SSLContext | None
    symbols: SymbolMap

    async def instruments(self) -> Mapping[str, Instrument]: ...


class Board:
    """The newest price of each instrument, and which of them have not been told yet."""

    def __init__(self, symbols: Collection[str]) -> None:
        self._prices = {symbol: Price(symbol) for symbol in symbols}
        self._fresh: dict[str, None] = {}

    def note(self, symbol: str, quote: Quote) -> None:
        """Take a price in, unless a newer one is known or nobody wants to know."""
        known = self._prices.get(symbol)
        if known is None:
            return
        newer = known
        px, mark = quote.px, quote.mark
        if quote.whole:
            px, mark = px or known.px, mark or known.mark
        if px is not None and quote.at_ms >= known.at_ms:
            newer = replace(newer, px=px, at_ms=quote.at_ms)
        if mark is not None and quote.at_ms >= known.mark_at_ms:
            newer = replace(newer, mark=mark, mark_at_ms=quote.at_ms)
        if newer is not known:
            self._prices[symbol] = newer
            self._fresh[symbol] = None

    def take(self) -> tuple[Price, ...]:
        """Return what is new since the last time."""
        fresh, self._fresh = self._fresh, {}
        return tuple(self._prices[symbol] for symbol in fresh)


class PriceStream(MarketStream):
    """Watch prices of one environment (see `port.MarketStream`)."""

    def __init__(self, source: PriceSource, parts: Sequence[Part], timing: StreamTiming) -> None:
        self._source = source
        self._parts = parts
        self._line = Line(timing, source.ssl_context, connects_of(source, source.traits.connect_limit))

    async def prices(self, symbols: Collection[str]) -> AsyncGenerator[PriceEvent, None]:
        """Yield `connected`, then prices, then `lost`, for ever; close the generator to end it."""
        board = Board(symbols)
        loop = asyncio.get_running_loop()
        async with aclosing(watch(partial(self._channels, symbols, board), self._line)) as events:
            upcoming = asyncio.ensure_future(anext(events))
            tell_at = loop.time()
            try:
                while True:
                    await asyncio.wait({upcoming}, timeout=max(tell_at - loop.time(), 0.0))
                    if upcoming.done():
                        event = upcoming.result()
                        upcoming = asyncio.ensure_future(anext(events))
                        if event.state in _STATES:
                            yield PriceEvent(_STATES[event.state], reason=event.reason)
                    if loop.time() >= tell_at:
                        tell_at = loop.time() + TELL_EVERY_S
                        if prices := board.take():
                            yield PriceEvent(FeedState.PRICES, prices)
            finally:
                await end(upcoming)

    async def _channels(self, symbols: Collection[str], board: Board) -> Sequence[Callable[[], Channel]]:
        """Share the listed instruments out among connections."""
        if not self._source.symbols.trusted():
            await self._source.instruments()
        listed = [symbol for symbol in sorted(symbols) if self._name(symbol) is not None]
        if len(listed) < len(symbols):
            log.warning("%s does not list %s", self._source.traits.venue, sorted(set(symbols) - set(listed)))
        made: list[Callable[[], Channel]] = []
        for part in self._parts:
            carried = [symbol for symbol in listed if part.carries(symbol)]
            for start in range(0, len(carried), part.symbols_max):
                chosen = carried[start : start + part.symbols_max]
                made.append(partial(self._channel, part, chosen, board))
        if not made:
            raise Unavailable(f"{self._source.traits.venue} lists none of the instruments whose prices are wanted")
        return made

    def _channel(self, part: Part, symbols: Sequence[str], board: Board) -> PriceChannel:
        """Make a connection's channel with what is still listed, and what shows that it is not mute."""
        names = {name: symbol for symbol in (*symbols, *part.lively) if (name := self._name(symbol)) is not None}
        url = self._source.urls.streams[part.stream]
        return PriceChannel(part, url, names, board, mute_after_s=self._line.timing.probe_after_s)

    def _name(self, symbol: str) -> Name | None:
        try:
            instrument = self._source.symbols.named(symbol)
        except VenueRefused:
            return None
        return Name(instrument.perpetual, instrument.venue_symbol)


_STATES = {StreamState.CONNECTED: FeedState.CONNECTED, StreamState.LOST: FeedState.LOST}


class PriceChannel(Channel):
    """One public connection. Prices go to the board, not through the stream's events."""

    def __init__(self, part: Part, url: str, names: Mapping[Name, str], board: Board, *, mute_after_s: float) -> None:
        self._part = part
        self._url = url
        self._names = names
        self._board = board
        self._mute_after_s = mute_after_s
        self._awaited = part.speech.answers(tuple(names))
        self._accepted = 0
        self._heard_at = 0.0

    @property
    def name(self) -> str:
        return self._part.name

    @property
    def keep_alive(self) -> KeepAlive | None:
        return KeepAlive(self._part.beat, self._part.beat_every_s) if self._part.beat else None

    async def open(self) -> str:
        return self._url

    def greeting(self) -> Sequence[str]:
        self._heard_at = asyncio.get_running_loop().time()
        return self._part.speech.frames(tuple(self._names))

    def read(self, message: str) -> Heard:
        """Put prices on the board; refused subscriptions are left out, unless all are."""
        told = self._part.speech.read(message)
        if told.failure is not None:
            return Heard(failure=told.failure)
        if told.quotes:
            self._heard_at = asyncio.get_running_loop().time()
        for quote in told.quotes:
            symbol = self._names.get(quote.name)
            if symbol is not None:
                self._board.note(symbol, quote)
        if told.accepted or told.refused:
            return self._answered(told.accepted, told.refused)
        return Heard()

    def _answered(self, accepted: int, refused: str) -> Heard:
        self._accepted += accepted
        self._awaited -= accepted or 1
        if refused:
            log.warning("%s: a subscription was refused: %s", self.name, refused)
        if self._awaited > 0:
            return Heard()
        if not self._accepted:
            return Heard(failure=Unavailable(f"{self.name}: every subscription was refused, the last with {refused}"))
        return Heard(confirmed=True)

    async def tend(self) -> None:
        """Give a connection up that answers pings but tells no prices any more."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._mute_after_s / _LOOKS_PER_SILENCE)
            silent_s = now() - self._heard_at
            if silent_s > self._mute_after_s:
                raise Unavailable(f"{self.name}: connected, but no price for {silent_s:.0f} s")
