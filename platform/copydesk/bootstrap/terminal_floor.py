"""The exchanges that the terminal's desk sends to: opened when somebody first needs one, and read anew while used.

Orders pass the same signer as everybody's (`venues.signer`); connections are few, for people give few orders.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import NamedTuple, Protocol

from copydesk.bootstrap.runtime import Runtime
from copydesk.bootstrap.signing import SigningDesk
from copydesk.bootstrap.surroundings import FRESH_EVERY_S, OpenExchange, broker_prefix
from copydesk.kernel import CopydeskError, Unavailable
from copydesk.marks import FreshPrice, Marks
from copydesk.replication import Whereabouts, place_of
from copydesk.venues import TRAITS, Patience, Venue
from copydesk.venues.budgets import SharedBudgets

_PATIENCE_S = 3.0


class Floor(Protocol):
    """What the desk needs of exchanges."""

    async def exchange(self, tenant_id: int, where: Whereabouts) -> OpenExchange:
        """Return an exchange that is open and freshly read. Raises what opening one raises."""
        ...

    async def prefix(self, tenant_id: int, where: Whereabouts) -> str:
        """Return how the brand's client order ids begin there."""
        ...

    async def price(self, where: Whereabouts, symbol: str) -> Decimal | None:
        """Return a price of the public feed, and have the signer know it."""
        ...

    async def ask_price(self, where: Whereabouts, symbol: str, exchange: OpenExchange) -> None:
        """Have the signer know a price that the feed does not tell, if the exchange has a moment for it."""
        ...

    async def aclose(self) -> None: ...


class _Opened(NamedTuple):
    open: OpenExchange
    read_at: float


class TerminalFloor:
    """Open exchanges with the brands' brokers; see `Floor`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._signing = SigningDesk(runtime)
        self._marks = Marks(runtime.hasty_redis)
        self._budgets: SharedBudgets | None = None
        self._exchanges: dict[tuple[Whereabouts, str], _Opened] = {}
        self._turns: defaultdict[tuple[Whereabouts, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def exchange(self, tenant_id: int, where: Whereabouts) -> OpenExchange:
        """Return an exchange that is open and freshly read; brands with one broker share it."""
        await asyncio.to_thread(self._signing.keep, tenant_id, where.exchange)
        key = (where, self._broker_id(tenant_id, where))
        async with self._turns[key]:
            known = self._exchanges.get(key)
            if known is None:
                known = self._exchanges[key] = await self._open(*key)
            elif time.monotonic() - known.read_at > FRESH_EVERY_S:
                known = self._exchanges[key] = await _read(known.open.venue)
            return known.open

    async def prefix(self, tenant_id: int, where: Whereabouts) -> str:
        """Return how the brand's client order ids begin there."""
        return broker_prefix(TRAITS[where.venue], self._broker_id(tenant_id, where))

    async def price(self, where: Whereabouts, symbol: str) -> Decimal | None:
        """Return a price of the public feed, and have the signer know it."""
        found: dict[str, FreshPrice] = await asyncio.to_thread(self._marks.fresh, where.exchange, [symbol])
        self._signing.saw(where.exchange, symbol, found[symbol])
        return found[symbol].px

    async def ask_price(self, where: Whereabouts, symbol: str, exchange: OpenExchange) -> None:
        """Have the signer know a price that the feed does not tell, if the exchange has a moment for it."""
        with suppress(Unavailable):
            found = (await exchange.venue.prices()).get(symbol)
            self._signing.saw(where.exchange, symbol, FreshPrice(found))

    async def aclose(self) -> None:
        """Close every exchange that was opened."""
        for one in self._exchanges.values():
            await one.open.venue.aclose()
        if self._budgets is not None:
            await self._budgets.aclose()

    async def _open(self, where: Whereabouts, broker_id: str) -> _Opened:
        runtime = self._runtime
        if self._budgets is None:
            self._budgets = runtime.budgets("terminal")
        venue = runtime.venue(
            where.venue,
            where.environment,
            broker_id=broker_id,
            egress=where.egress,
            budgets=self._budgets.of(where.venue, place_of(*where)),
            policy=self._signing.of(where.exchange),
        )
        try:
            return await _read(venue)
        except (CopydeskError, asyncio.CancelledError):
            await venue.aclose()
            raise

    def _broker_id(self, tenant_id: int, where: Whereabouts) -> str:
        exchanges = self._runtime.tenant(tenant_id).config.exchanges
        here = (one for one in exchanges if (one.venue, one.environment) == (where.venue, where.environment))
        return next((one.broker_id for one in here if one.broker_id), "")


async def _read(venue: Venue) -> _Opened:
    """Learn an exchange's clock and instruments; waits for the desk's small share of its limits, but not long."""
    patience = Patience(_PATIENCE_S)
    await patience.with_(partial(venue.warm, 1))
    return _Opened(OpenExchange(venue, await patience.with_(venue.instruments)), time.monotonic())
