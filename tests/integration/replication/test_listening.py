"""The listener on a scripted exchange: mute streams, rejected keys, strategies that come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from copydesk.bootstrap import Runtime
from copydesk.kernel import CopydeskError, Setting, VenueRefused
from copydesk.trading import Credentials, Denial, Environment, Instrument, PositionSide, Side
from copydesk.venues import BINANCE, Balance, LeaderTrade, Position, StreamEvent, StreamState, VenueTraits, Wallet
from copydesk.venues.budgets import SharedBudgets, seat_of
from copydesk.workers.listener import Listener
from desk_site import Site, leader_trade
from paper_exchange import INSTRUMENTS, PERPETUAL, PX
from redis import Redis

CONNECTED = StreamEvent(StreamState.CONNECTED)
PROBE = StreamEvent(StreamState.PROBE)
REJECTED = VenueRefused("Invalid API-key", code=Denial.KEY_REJECTED, venue_code="-2015")

# What one connection does, in order: trades by REST alone, an event, an error; then it stays silent.
Step = StreamEvent | CopydeskError | LeaderTrade


@dataclass
class ScriptedLeader:
    """The leader's side of an exchange; each new stream plays the next script."""

    scripts: list[list[Step]]
    opened: int = 0
    closed: int = 0
    played: int = 0
    reads: int = 0
    trades: list[LeaderTrade] = field(default_factory=list)
    reading_fails: CopydeskError | None = None
    positions_told: list[Position] = field(default_factory=list)

    async def _play(self) -> AsyncGenerator[StreamEvent, None]:
        script = self.scripts[self.opened] if self.opened < len(self.scripts) else [CONNECTED]
        self.opened += 1
        connected = False
        try:
            for step in script:
                if isinstance(step, LeaderTrade):
                    if connected:
                        await until(lambda: self.reads > 0)  # It is too late for the first reading.
                    self.trades.append(step)
                elif isinstance(step, CopydeskError):
                    raise step
                else:
                    connected = True
                    yield step
            self.played += 1
            await asyncio.Event().wait()
        finally:
            self.closed += 1

    def stream(self, venue: Any) -> Any:
        return SimpleNamespace(trades=lambda credentials: self._play())

    def venue(self, venue: str, environment: Environment, **how: Any) -> Any:
        return self

    @property
    def traits(self) -> VenueTraits:
        return BINANCE

    async def warm(self, connections: int) -> int:
        return connections

    async def instruments(self) -> Mapping[str, Instrument]:
        return INSTRUMENTS

    async def trades_since(self, credentials: Credentials, symbol: str, since_ms: int) -> Sequence[LeaderTrade]:
        if self.reading_fails:
            raise self.reading_fails
        self.reads += 1
        return [trade for trade in self.trades if trade.symbol == symbol]

    async def positions(self, credentials: Credentials, symbol: str | None = None) -> list[Position]:
        """Tell of one position after the other; the last one stays."""
        told = self.positions_told
        return [told.pop(0) if len(told) > 1 else told[0]] if told else []

    async def balances(self, credentials: Credentials, wallet: Wallet = Wallet.SPOT) -> dict[str, Balance]:
        """Every trade moves a balance, as on any exchange."""
        return {"BTC": Balance(Decimal(len(self.trades)), Decimal(0))}

    async def prices(self) -> dict[str, Any]:
        return {}

    async def aclose(self) -> None: ...


class Around:
    """As much of a runtime as a listener uses, with one brand; keys open to anything, nobody is announced to."""

    def __init__(self, site: Site, exchange: ScriptedLeader, markets: list[str]) -> None:
        place = SimpleNamespace(venue="binance", environment=Environment.LAB, markets=markets)
        config = SimpleNamespace(exchanges=[place], currency="USDT")
        brand = SimpleNamespace(slug="one", config=config)
        self.db = site.db
        self.tenant_ids = {"one": site.tenant_id}
        self.directory = SimpleNamespace(refresh_if_due=lambda: None, all=lambda: [brand])
        self.tenant = lambda tenant_id: brand
        self.stream, self.venue = exchange.stream, exchange.venue
        self.keys = self
        self.redis = Redis()  # Never connected: a brand without followers has no lane to wake.
        self.announced: list[int] = []
        self.forgotten: list[int] = []
        self.key = "key"

    def budgets(self, role: str) -> SharedBudgets:
        """Budgets of a Redis that is away: the scripted exchange draws on none."""
        return SharedBudgets("redis://127.0.0.1:1", seat_of(role, 1))

    def number(self, setting: Setting) -> int:
        return int(cast(int, setting.default))

    def credentials(self, tenant_id: int, account_ids: Collection[int]) -> dict[int, Credentials]:
        return {account: Credentials(account, self.key, "secret") for account in account_ids}

    def forget(self, tenant_id: int, account_id: int) -> None:
        self.forgotten.append(account_id)

    def announce(self, tenant_id: int, event: Mapping[str, Any]) -> None:
        self.announced.append(event["signal_id"])


@asynccontextmanager
async def listening(
    site: Site, exchange: ScriptedLeader, *, markets: Sequence[str] = ("BTC/USDT",), around: Around | None = None
) -> AsyncGenerator[Listener, None]:
    listener = Listener(cast(Runtime, around or Around(site, exchange, list(markets))))
    try:
        yield listener
    finally:
        await listener.aclose()


async def until(condition: Callable[[], bool], act: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
    async with asyncio.timeout(10):
        while not condition():
            if act:
                await act()
            await asyncio.sleep(0.001)


def signals(site: Site) -> int:
    return int(site.one("SELECT count(*) FROM signal"))


def test_a_stream_that_does_not_tell_what_a_probe_finds_is_opened_anew(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)
    exchange = ScriptedLeader([[CONNECTED, leader_trade(1, Side.BUY, "1"), PROBE, PROBE]])

    async def run() -> None:
        async with listening(site, exchange) as listener:
            await listener.look()
            await until(lambda: exchange.opened == 2 and exchange.played == 1 and signals(site) == 1)
            assert exchange.closed == 1

    asyncio.run(run())


def test_a_silent_stream_that_has_told_everything_is_kept(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)
    missed, told = leader_trade(1, Side.BUY, "1"), leader_trade(2, Side.BUY, "1")
    news = StreamEvent(StreamState.TRADES, (told,))
    exchange = ScriptedLeader([[missed, CONNECTED, PROBE, told, news, PROBE, PROBE]])

    async def run() -> None:
        async with listening(site, exchange) as listener:
            await listener.look()
            await until(lambda: exchange.played == 1 and signals(site) == 2)
            assert (exchange.opened, exchange.closed) == (1, 0)

    asyncio.run(run())


def test_a_leader_whose_key_the_exchange_rejects_is_put_aside_and_not_tried_again(opens: Callable[..., Site]) -> None:
    by_stream, by_rest = ScriptedLeader([[REJECTED]]), ScriptedLeader([], reading_fails=REJECTED)
    for exchange in (by_stream, by_rest):
        site = opens(followers=0)
        query = "SELECT status, status_reason FROM account WHERE id = :id"

        async def run(site: Site = site, exchange: ScriptedLeader = exchange, query: str = query) -> None:
            async with listening(site, exchange) as listener:
                told = ("unusable", "key_rejected")
                await until(lambda: site.one(query, id=site.leader.account_id) == told, listener.look)
                await listener.look()
                assert (exchange.opened, exchange.closed) == (1, 1)

        asyncio.run(run())


@dataclass
class Renewing(ScriptedLeader):
    """An exchange where the first key is deleted once it is told to be; notes with which keys streams were opened."""

    deleted: asyncio.Event = field(default_factory=asyncio.Event)
    keys: list[str] = field(default_factory=list)

    def stream(self, venue: Any) -> Any:
        return SimpleNamespace(trades=self._trades)

    async def _trades(self, credentials: Credentials) -> AsyncGenerator[StreamEvent, None]:
        self.keys.append(credentials.api_key)
        if credentials.api_key == "key":
            await self.deleted.wait()
            raise REJECTED
        yield CONNECTED
        self.played += 1
        await asyncio.Event().wait()


def test_a_leader_whose_key_was_renewed_is_watched_with_the_new_one_before_the_old_one_is_deleted(
    opens: Callable[..., Site],
) -> None:
    site = opens(followers=0)

    async def run() -> None:
        exchange = Renewing([])
        around = Around(site, exchange, ["BTC/USDT"])
        async with listening(site, exchange, around=around) as listener:
            await until(lambda: exchange.keys == ["key"], listener.look)
            around.key = "new"
            await until(lambda: exchange.played == 1, listener.look)
            assert exchange.keys == ["key", "new"]

    asyncio.run(run())


def test_a_leader_is_not_put_aside_for_the_key_that_they_had_before(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)

    async def run() -> None:
        exchange = Renewing([])
        around = Around(site, exchange, ["BTC/USDT"])
        async with listening(site, exchange, around=around) as listener:
            await until(lambda: exchange.keys == ["key"], listener.look)
            exchange.deleted.set()
            await until(lambda: listener.ended == 1)
            around.key = "new"
            await until(lambda: exchange.played == 1, listener.look)

    asyncio.run(run())
    assert site.one("SELECT status FROM account WHERE id = :id", id=site.leader.account_id) == "active"


def test_a_watch_that_broke_for_another_reason_is_taken_up_again(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)
    exchange = ScriptedLeader([[VenueRefused("odd")], [CONNECTED]])

    async def run() -> None:
        async with listening(site, exchange) as listener:
            await until(lambda: exchange.played == 1, listener.look)
            assert exchange.opened == 2

    asyncio.run(run())


def test_a_strategy_that_pauses_is_still_watched_and_one_that_closes_is_not(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)
    exchange = ScriptedLeader([[CONNECTED]])

    async def run() -> None:
        async with listening(site, exchange) as listener:
            await listener.look()
            await until(lambda: exchange.played == 1)
            site.act("UPDATE strategy SET status = 'paused'")
            await listener.look()
            assert exchange.closed == 0
            site.act("UPDATE strategy SET status = 'closed'")
            await listener.look()
            assert exchange.closed == 1
            site.act("UPDATE strategy SET status = 'live'")
            await listener.look()
            await until(lambda: exchange.opened == 2)

    asyncio.run(run())


def perpetual(number: int, side: Side, qty: str) -> LeaderTrade:
    return leader_trade(number, side, qty, symbol=PERPETUAL)


def position(qty: str) -> Position:
    return Position(PERPETUAL, PositionSide.NET, Decimal(qty), PX, PX, 7, None, Decimal(0), None)


def test_a_perpetual_that_was_held_before_is_closed_and_not_turned_round(opens: Callable[..., Site]) -> None:
    """The stream tells of the close before the account was read; nothing is stored until it was."""
    site = opens(followers=0)
    sold = perpetual(1, Side.SELL, "2")
    news = StreamEvent(StreamState.TRADES, (sold,))
    exchange = ScriptedLeader([[sold, news, CONNECTED]], positions_told=[position("3"), position("1"), position("1")])

    async def run() -> None:
        async with listening(site, exchange, markets=["BTC/USDT", PERPETUAL]) as listener:
            await listener.look()
            await until(lambda: signals(site) == 1)

    asyncio.run(run())
    query = "SELECT position_before, position_after, leader_leverage FROM signal"
    assert site.one(query) == (3, 1, 7)


def test_a_key_that_expired_is_put_aside_with_its_own_reason(opens: Callable[..., Site]) -> None:
    site = opens(followers=0)
    exchange = ScriptedLeader([[VenueRefused("expired", code=Denial.KEY_EXPIRED)]])
    query = "SELECT status, status_reason FROM account WHERE id = :id"

    async def run() -> None:
        async with listening(site, exchange) as listener:
            told = ("unusable", "key_expired")
            await until(lambda: site.one(query, id=site.leader.account_id) == told, listener.look)

    asyncio.run(run())
