"""How long a connection to Binance lives: 24 hours of the lab's market time, spot and USDⓈ-M, public and private.

At the 24-hour mark the exchange closes it, without a word before. The age counts in market time, so that it follows
the lab's speed and stands still with it; a scripted fault makes all connections older at once.

`serverShutdown` is documented for a spot server that is about to stop, for streams and the WebSocket API alike. It is
not documented to come ahead of the 24-hour cut, and since 2026-06-09 no time ahead is promised at all (ten minutes
before); so it comes by a scripted fault alone, and clients must bear the cut without it. USDⓈ-M knows no such event.
The close code is not documented; 1001 is what clients report.
Source: binance-spot-api-docs, `web-socket-streams.md`, `web-socket-api.md`, `CHANGELOG.md`; USDⓈ-M futures, "Websocket
Market Streams" and "WebSocket API" general information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aiohttp import WSCloseCode

from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.streams import Session, StreamConnection

LIFE_MS = 24 * 3_600_000.0


@runtime_checkable
class Announces(Protocol):
    """A session of a server that says when it is about to stop."""

    def announce_shutdown(self, now_ms: int) -> None: ...


@dataclass(slots=True)
class Life:
    """One open connection: when it was opened in market time, and when a stopping server cuts it, in wall time."""

    connection: StreamConnection
    session: Session
    born_ms: float
    cut_ms: float | None = None


class Mortal:
    """A session that is counted for as long as its connection is open."""

    def __init__(self, session: Session, on_end: Callable[[], None]) -> None:
        self.on_text = session.on_text
        self._session = session
        self._on_end = on_end

    def on_close(self) -> None:
        self._on_end()
        self._session.on_close()


class Lifetimes:
    """All open connections of the exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._lives: dict[StreamConnection, Life] = {}

    def begin(self, connection: StreamConnection, session: Session) -> Session:
        """Count the age of a connection from now on."""
        self._lives[connection] = Life(connection, session, self._exchange.market_ms())
        return Mortal(session, lambda: self._end(connection))

    def _end(self, connection: StreamConnection) -> None:
        del self._lives[connection]

    def tick(self) -> None:
        """Close what is 24 hours old, or was told that its server stops."""
        market_ms, wall_ms = self._exchange.market_ms(), self._exchange.world.now_ms()
        for life in self._lives.values():
            if market_ms - life.born_ms >= LIFE_MS or (life.cut_ms is not None and wall_ms >= life.cut_ms):
                life.connection.close(WSCloseCode.GOING_AWAY)

    def age(self, by_ms: float) -> int:
        """Make every connection older by so much market time; return how many there are."""
        for life in self._lives.values():
            life.born_ms -= by_ms
        self.tick()
        return len(self._lives)

    def shut_down(self, delay_ms: float) -> int:
        """Let the spot servers say that they stop, and cut their connections so much later; return how many."""
        now_ms = self._exchange.world.now_ms()
        told = 0
        for life in self._lives.values():
            if isinstance(life.session, Announces):
                life.session.announce_shutdown(int(self._exchange.now_ms()))
                life.cut_ms = now_ms + delay_ms
                told += 1
        return told
