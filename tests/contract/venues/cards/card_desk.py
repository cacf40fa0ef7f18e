"""One account at one exchange and market as a card uses it: orders through the port, truth from the exchange's side.

The truth is the lab's journal and its view of the account; what the port says is held against it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from card_floor import PATIENT, PERPETUAL, SYMBOL, Floor, Seat, digest
from card_listener import Listener
from copydesk.kernel import VenueRefused
from copydesk.trading import (
    Credentials,
    Denial,
    Instrument,
    OrderRequest,
    OrderStatus,
    OrderType,
    OrderView,
    PositionSide,
    Side,
    TimeInForce,
)
from copydesk.venues import Feature, StreamTiming, Venue, VenueTraits, Wallet, client_order_id
from venue_lab import LabAccount, LabProcess

QTY = Decimal("0.01")
LOOKS_MAX = 500
RIGHTS = ("read", "trade", "perp")
LAB_MARKET = {"spot": "spot", PERPETUAL: "perp"}
TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})
BUY, SELL = Side.BUY, Side.SELL
D = Decimal


@dataclass
class Desk:
    """`named` counts this desk's orders, so that every one has an id of its own.

    `since` is the last record of the lab's journal before the desk was opened, `opened_ms` the exchange's time then.
    """

    floor: Floor
    seat: Seat
    account: LabAccount
    venue: Venue
    instrument: Instrument
    since: int
    opened_ms: int
    named: int = field(default=0)

    @property
    def lab(self) -> LabProcess:
        return self.floor.lab

    @property
    def key(self) -> Credentials:
        return self.account.credentials

    @property
    def symbol(self) -> str:
        return SYMBOL[self.seat.market]

    @property
    def perpetual(self) -> bool:
        return self.seat.market == PERPETUAL

    @property
    def traits(self) -> VenueTraits:
        return self.venue.traits

    @property
    def market_in_lab(self) -> str:
        return LAB_MARKET[self.seat.market]

    @property
    def purses(self) -> frozenset[Wallet]:
        """Return the wallets that this kind of account keeps apart."""
        unified = self.seat.kind != self.seat.exchange
        return self.traits.wallets - {Wallet.FUTURES} if unified else self.traits.wallets

    @property
    def second_purse(self) -> Wallet:
        """Return a wallet that is not the first: that of the market where it has one of its own."""
        order = (Wallet.FUTURES, Wallet.FUNDING) if self.perpetual else (Wallet.FUNDING, Wallet.FUTURES)
        return next(wallet for wallet in order if wallet in self.purses)

    async def beside(self) -> Desk:
        """Open another account at the same seat."""
        return await open_desk(self.floor, self.seat)

    def feature(self, on_spot: Feature, on_perpetuals: Feature) -> Feature:
        return on_perpetuals if self.perpetual else on_spot

    # Orders, through the port.

    def name(self) -> str:
        """Return a client order id that no order has."""
        self.named += 1
        return client_order_id("", digest(self.account.name, str(self.named)), self.traits)

    def order(self, side: Side, qty: Decimal = QTY, **terms: Any) -> OrderRequest:
        """Make a taking order, or with `px` a limit order at that price."""
        terms.setdefault("type", OrderType.MARKET if "px" not in terms else OrderType.LIMIT)
        terms.setdefault("symbol", self.symbol)
        if side is BUY and terms["type"] is OrderType.MARKET and not self.market_buys:
            terms |= {"type": OrderType.LIMIT, "px": D(60600), "time_in_force": TimeInForce.IOC}
        return OrderRequest(self.name(), side=side, qty=qty, **terms)

    @property
    def market_buys(self) -> bool:
        return self.perpetual or self.traits.supports(Feature.SPOT_MARKET_BUY)

    def resting(self, **terms: Any) -> OrderRequest:
        """Make a limit order far below the market."""
        return self.order(BUY, px=D(50000), time_in_force=TimeInForce.GTC, **terms)

    async def submit(self, order: OrderRequest) -> OrderView:
        return await self.venue.submit(self.key, order)

    async def done(self, order: OrderRequest) -> OrderView:
        """Send an order and return what became of it, with its fills."""
        await self.submit(order)
        return await self.found(order)

    async def found(self, order: OrderRequest, *, conditional: bool = False) -> OrderView:
        """Ask for an order that the exchange has: it is told as final, with all its fills."""
        view = await self.query(order, conditional=conditional)
        assert view is not None, "the exchange does not know the order"
        assert sum((fill.qty for fill in view.fills), D(0)) == view.cum_qty
        assert view.status in TERMINAL
        return view

    async def query(self, order: OrderRequest, *, conditional: bool = False) -> OrderView | None:
        return await self.venue.query(self.key, order.symbol, order.client_order_id, conditional=conditional)

    async def open_orders(self, *, conditional: bool = False) -> list[OrderView]:
        return await self.venue.open_orders(self.key, self.symbol, conditional=conditional)

    async def refused(self, order: OrderRequest) -> VenueRefused:
        """Send an order that is refused with proof: nothing of it was executed."""
        before = len(self.executions())
        with pytest.raises(VenueRefused) as refusal:
            await self.submit(order)
        assert len(self.executions()) == before
        assert refusal.value.code in set(Denial)
        return refusal.value

    async def lacks(self, feature: Feature, ask: Callable[[], Awaitable[Any]]) -> bool:
        """Tell whether the exchange lacks a feature: then asking is refused in the words of its traits."""
        if self.traits.supports(feature):
            return False
        changes = len(self.changes())
        with pytest.raises(VenueRefused) as refusal:
            await ask()
        assert self.traits.unsupported[feature] in str(refusal.value)
        assert len(self.changes()) == changes, "it is refused before anything is sent"
        return True

    # What the exchange knows.

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the journal's records of one kind since the desk was opened."""
        return self.lab.journal(kind, self.account.name, after=self.since)

    def executions(self) -> list[dict[str, Any]]:
        return [record for record in self.told("execution") if record["market"] == self.market_in_lab]

    def orders(self, order: OrderRequest | None = None) -> list[dict[str, Any]]:
        """Return what was recorded of this order, or of all."""
        records = self.told("order")
        return [r for r in records if order is None or r["client_order_id"] == order.client_order_id]

    def changes(self) -> list[dict[str, Any]]:
        """Return the requests that were to change something."""
        return [request for request in self.told("request") if request["method"] != "GET"]

    def state(self) -> dict[str, Any]:
        """Return the exchange's own view of the account: money, positions, open orders, streams."""
        (row,) = self.lab.control("GET", "accounts", account=self.account.name)["accounts"]
        return dict(row)

    def holding(self, currency: str) -> Decimal:
        """Return what the spot wallet holds of a currency, free and locked."""
        return sum(map(D, self.state()["trading"].get(currency, ())), D(0))

    def position(self, side: PositionSide = PositionSide.NET) -> dict[str, Any] | None:
        return next((p for p in self.state()["positions"] if p["side"] == side.value and D(p["qty"])), None)

    def held(self, side: PositionSide = PositionSide.NET) -> Decimal:
        """Return the signed quantity of a position; 0 where there is none."""
        position = self.position(side)
        return D(0) if position is None else D(position["qty"])

    def until(self, holds: Callable[[], Any]) -> None:
        """Wait until the exchange's side is as expected; each look is a request to the lab."""
        for _ in range(LOOKS_MAX):
            if holds():
                return
        raise AssertionError("the exchange did not get there")

    # What goes wrong.

    def harm(self, harm: str, **terms: Any) -> None:
        """Put a fault in force that hits this account alone."""
        self.lab.control("POST", "faults", harm=harm, account=self.account.name, **terms)

    def harm_exchange(self, harm: str, **terms: Any) -> None:
        self.lab.control("POST", "faults", harm=harm, venue=self.seat.kind, **terms)

    def halt(self, *, halted: bool = True) -> None:
        """Stop trading of the card's instrument, or resume it."""
        where = {"venue": self.seat.kind, "market": self.market_in_lab}
        self.lab.control("POST", "halt", symbol=self.instrument.venue_symbol, halted=halted, **where)

    def move(self, px: str) -> None:
        """Move the market."""
        self.lab.control("POST", "marks", symbol="BTCUSDT", px=px)

    def await_tick(self) -> int:
        """Wait for the market's tick and return its `seq`: what a script has thinned stays thin until the next one."""
        since = self.lab.control("GET", "state")["journal_seq"]
        while not (marks := self.lab.journal("mark", after=since)):
            pass
        return int(marks[-1]["seq"])

    def own_venue(self) -> AbstractAsyncContextManager[Venue]:
        return self.floor.own_venue(self.seat.exchange)

    @asynccontextmanager
    async def listening(
        self, timing: StreamTiming = PATIENT, *, key: Credentials | None = None
    ) -> AsyncIterator[Listener]:
        """Listen to the account's stream, from its confirmation on."""
        stream = await self.floor.stream(self.seat.exchange, timing)
        async with aclosing(stream.trades(key or self.key)) as events:
            listener = Listener(events)
            await listener.connected()
            yield listener


async def open_desk(floor: Floor, seat: Seat, rights: tuple[str, ...] = RIGHTS) -> Desk:
    """Open a fresh account with money and a key of these rights."""
    venue = await floor.venue(seat.exchange)
    now = floor.lab.control("GET", "state")
    account = floor.lab.account(permissions=rights, venue=seat.kind)
    instrument = floor.instruments[seat.exchange][SYMBOL[seat.market]]
    return Desk(floor, seat, account, venue, instrument, now["journal_seq"], now["at_ms"])
