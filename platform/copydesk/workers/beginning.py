"""Where a leader's perpetual books begin: with the positions that the account holds when it is first watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from copydesk.db import Database
from copydesk.replication import Leader, begin_books, begun_symbols
from copydesk.trading import Credentials
from copydesk.venues import LeaderTrade, Position, Venue

ReadTrades = Callable[[str], Awaitable[Sequence[LeaderTrade]]]


class Beginning:
    """Begin the books of one leader's perpetuals that have none."""

    def __init__(self, db: Database, leader: Leader, exchange: Venue) -> None:
        self._db = db
        self._leader = leader
        self._exchange = exchange

    async def begin(self, credentials: Credentials, symbols: Sequence[str], trades_of: ReadTrades) -> None:
        """Read positions and the trades that will be stored until no trade has come between, and store the rest.

        Positions that are the same before and after the trades were read hold exactly those trades.
        """
        begun = await asyncio.to_thread(self._begun)
        missing = [symbol for symbol in symbols if symbol not in begun]
        positions: list[Position] | None = None
        trades: dict[str, Sequence[LeaderTrade]] = {}
        while missing:
            seen = await self._exchange.positions(credentials)
            if positions is not None and _quantities(seen) == _quantities(positions):
                await asyncio.to_thread(self._store, seen, trades)
                return
            positions = seen
            trades = {symbol: await trades_of(symbol) for symbol in missing}
            # Exchanges count reads by the second (Bitget five of positions): the next look falls into another one.
            await asyncio.sleep(1.0)

    def _begun(self) -> set[str]:
        with self._db.tenant(self._leader.tenant_id) as session:
            return begun_symbols(session, self._leader)

    def _store(self, positions: Sequence[Position], trades: Mapping[str, Sequence[LeaderTrade]]) -> None:
        with self._db.tenant(self._leader.tenant_id) as session:
            for symbol, executions in trades.items():
                held = [position for position in positions if position.symbol == symbol]
                begin_books(session, self._leader, symbol, held, executions)


def _quantities(positions: Sequence[Position]) -> dict[tuple[str, str], Decimal]:
    return {(position.symbol, position.side): position.qty for position in positions}
