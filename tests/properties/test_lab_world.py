"""The whole simulated world: the same seed and the same wishes give the same journal, byte for byte, and after a
crash the journal gives back every balance and position."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from copydesk.venues.lab import state
from copydesk.venues.lab.exchange import FUNDING, FUTURES, Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import BUY, GTC, LIMIT, MARKET, PERP, SELL, SPOT, NewOrder
from copydesk.venues.lab.world import MarketClock, World

D = Decimal
START_MS = 1_700_000_000_000.0
SPEED = 20_000.0  # Several fundings in the course of a test.
STEPS = 120


def opened(folder: Path, seed: int, clock_ms: Callable[[], float]) -> World:
    saved, market = state.read(folder), Market(seed=seed)
    origin_ms = saved.market_ms if saved is not None else market.start_ms
    world = World(
        market=market,
        journal=Journal(folder / state.JOURNAL),
        faults=FaultPlan(seed),
        clock=MarketClock(origin_ms, clock_ms(), SPEED),
        clock_ms=clock_ms,
        seed=seed,
    )
    state.fill(world, saved, folder)
    world.tick()
    return world


class Played:
    """A world in which a seeded crowd trades on every exchange; `now_ms` is its clock."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.now_ms = START_MS
        self.world = opened(folder, seed, lambda: self.now_ms)
        self._chance = random.Random(seed)
        for exchange in self.world.exchanges.values():
            for number in range(2):
                name = f"{exchange.venue}-{number}"
                exchange.create_account(name, {"USDT": D(100_000), "BTC": D(3)})
                exchange.deposit(name, "USDT", D(50_000), FUTURES)

    def play(self, steps: int, on_step: Callable[[int], None] = lambda _step: None) -> None:
        for step in range(steps):
            self.now_ms += 100.0
            self.world.tick()
            for exchange in self.world.exchanges.values():
                self._wish(exchange)
            on_step(step)

    def _wish(self, exchange: Exchange) -> None:
        chance, now_ms = self._chance, int(self.now_ms)
        account = f"{exchange.venue}-{chance.randrange(2)}"
        market = chance.choice((SPOT, PERP))
        engine = exchange.engine(market)
        symbol, instrument = chance.choice(list(engine.instruments.items()))
        kind = chance.choice((MARKET, MARKET, LIMIT))
        px = None
        if kind == LIMIT:
            away = D(chance.randrange(-30, 31)) / 10_000
            px = exchange.world.price(exchange.venue, instrument) * (1 + away)
            px = (px / instrument.px_tick).to_integral_value() * instrument.px_tick
        qty = (D(chance.randrange(50, 2_000)) / exchange.world.index(instrument) / instrument.qty_step) // 1
        side = chance.choice((BUY, SELL))
        wish = NewOrder(
            account, "", symbol, side, kind, max(qty, D(1)) * instrument.qty_step, None, px, GTC, market=market
        )
        exchange.submit(wish, now_ms)
        if chance.random() < 0.1:
            for order in engine.open_orders(account):
                exchange.publish(engine.cancel(account, order.symbol, order.order_id, now_ms=now_ms).events, now_ms)
        if chance.random() < 0.05:
            exchange.transfer(account, "USDT", D(10), FUTURES, FUNDING)

    def journal_hash(self) -> str:
        self.world.journal.close()
        return sha256(self.world.journal.path.read_bytes()).hexdigest()


def played(folder: Path, seed: int) -> str:
    folder.mkdir()
    crowd = Played(folder, seed)
    crowd.play(STEPS)
    return crowd.journal_hash()


def holdings(world: World) -> dict[str, object]:
    """Return what every account of the world has: money in each wallet, positions and open orders."""
    told: dict[str, object] = {}
    for exchange in world.exchanges.values():
        for name in (f"{exchange.venue}-0", f"{exchange.venue}-1"):
            purses = (exchange.spot.account_table[name], exchange.purses[name], exchange.funding[name])
            told[name] = (
                [{asset: b.free + b.locked for asset, b in purse.balances.items()} for purse in purses],
                [(p.symbol, p.position_side, p.qty, p.entry_px, p.realized) for p in exchange.perp.positions(name)],
                [
                    (o.market, o.order_id, o.leaves, o.px)
                    for e in (exchange.spot, exchange.perp)
                    for o in e.open_orders(name)
                ],
            )
    return told


def test_the_same_seed_gives_the_same_journal(tmp_path: Path) -> None:
    first, again, other = (played(tmp_path / name, seed) for name, seed in (("a", 7), ("b", 7), ("c", 8)))
    assert first == again
    assert first != other


@pytest.mark.parametrize("saved_at", [None, 40])
def test_a_crashed_world_comes_back_with_every_balance_position_and_order(tmp_path: Path, saved_at: int | None) -> None:
    crowd = Played(tmp_path, 3)

    def save(step: int) -> None:
        if step == saved_at:
            state.save(crowd.world, tmp_path)

    crowd.play(STEPS, save)
    before = holdings(crowd.world)
    crowd.world.journal.close()

    found = World(
        market=Market(seed=3),
        journal=Journal(tmp_path / state.JOURNAL),
        faults=FaultPlan(3),
        clock=MarketClock(START_MS, START_MS, SPEED),
        clock_ms=lambda: crowd.now_ms,
        seed=3,
    )
    state.fill(found, state.read(tmp_path), tmp_path)
    found.journal.close()
    assert holdings(found) == before
    funded = [line for line in found.journal.path.read_bytes().splitlines() if b'"kind":"funding"' in line]
    assert funded, "positions were held over a funding"
