"""The whole simulated world: the same seed and the same wishes give the same journal, byte for byte, and after a
crash the journal gives back every balance, position and order list. Order lists move no money of their own."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from copydesk.venues.lab import state
from copydesk.venues.lab.accounts import lock_need
from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, NewConditional
from copydesk.venues.lab.exchange import FUNDING, FUTURES, Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import BUY, GTC, LIMIT, LIMIT_MAKER, MARKET, PERP, SELL, SPOT, NewOrder, OrderListUpdate
from copydesk.venues.lab.order_lists import Leg, NewOrderList
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
        if exchange.venue == "binance":
            self._wish_list(exchange, account)

    def _wish_list(self, exchange: Exchange, account: str) -> None:
        """Place a pair around the price, or end one by itself, by a leg, or by amending a leg before."""
        chance, now_ms, engine = self._chance, int(self.now_ms), exchange.spot
        placed = engine.place_order_list(self._pair(exchange, account), now_ms)
        exchange.publish(placed.events, now_ms)
        lists = engine.order_lists.of(account, open_only=True)
        if not lists or chance.random() < 0.7:
            return
        one = chance.choice(lists)
        leg = chance.choice(one.legs).order_id
        order = engine.order(account, one.symbol, leg)
        if order is not None and order.is_open and chance.random() < 0.5:
            smaller = order.qty - engine.instruments[one.symbol].qty_step
            exchange.publish(engine.amend(account, one.symbol, leg, qty=smaller, now_ms=now_ms).events, now_ms)
        elif chance.random() < 0.5:
            exchange.publish(engine.cancel_order_list(one, now_ms), now_ms)
        else:
            exchange.publish(engine.cancel(account, one.symbol, leg, now_ms=now_ms).events, now_ms)
            exchange.publish(engine.cancel_conditional(account, one.symbol, leg, now_ms=now_ms).events, now_ms)

    def _pair(self, exchange: Exchange, account: str) -> NewOrderList:
        """Make a pair with a stop close by, and a post-only order or a take-profit on the other side."""
        chance = self._chance
        symbol, instrument = chance.choice(list(exchange.spot.instruments.items()))
        side, last = chance.choice((BUY, SELL)), exchange.spot.ticker(symbol).last_px
        up = D(1) if side == BUY else D(-1)

        def near(steps: int) -> Decimal:
            px = last * (1 + up * steps / 10_000)
            return (px / instrument.px_tick).to_integral_value() * instrument.px_tick

        qty = (D(chance.randrange(50, 2_000)) / last / instrument.qty_step) // 1 * instrument.qty_step
        plain = NewOrder(account, "", symbol, side, MARKET, max(qty, instrument.qty_step))
        limit = plain._replace(type=LIMIT, px=near(chance.randrange(-10, 30)))
        stop = NewConditional(
            chance.choice((plain, limit)), STOP, near(chance.randrange(1, 20)), rises=side == BUY, tag="pair"
        )
        far = near(-chance.randrange(2, 20))
        goals = (
            plain._replace(type=LIMIT_MAKER, px=far),
            NewConditional(chance.choice((plain, limit)), TAKE_PROFIT, far, rises=side != BUY, tag="pair"),
        )
        return NewOrderList(account, symbol, "", (stop, chance.choice(goals)))

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
                [{a: b.free + b.locked for a, b in purse.balances.items() if b.free or b.locked} for purse in purses],
                [(p.symbol, p.position_side, p.qty, p.entry_px, p.realized) for p in exchange.perp.positions(name)],
                [
                    (o.market, o.order_id, o.leaves, o.px)
                    for e in (exchange.spot, exchange.perp)
                    for o in e.open_orders(name)
                ],
                {asset: b.locked for asset, b in exchange.spot.account_table[name].balances.items() if b.locked},
                [(one.list_id, one.held, one.legs) for one in exchange.spot.order_lists.of(name, open_only=True)],
                [(one.conditional_id, one.trigger_px) for one in exchange.spot.conditionals(name)],
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


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_order_lists_neither_make_money_nor_keep_it(tmp_path: Path, seed: int) -> None:
    crowd = Played(tmp_path, seed)
    exchange = crowd.world.exchanges["binance"]
    engine, at_first = exchange.spot, exchange.spot.totals()
    ended: list[int] = []

    def hear(event: object) -> None:
        if isinstance(event, OrderListUpdate) and not event.order_list.is_open:
            ended.append(event.order_list.list_id)

    for name in ("binance-0", "binance-1"):
        exchange.streams.listen(name, hear)

    def check(_step: int) -> None:
        assert {asset: qty for asset, qty in engine.totals().items() if qty} == at_first
        for name in ("binance-0", "binance-1"):
            assert_locks_are_those_of_orders_and_lists(exchange, name)

    crowd.play(STEPS, check)
    crowd.world.journal.close()
    fates = {engine.order(name, None, leg.order_id) is not None for name, leg in legs_of(exchange)}
    assert len(ended) == len(set(ended)) > 20, "every list ends once"
    assert fates == {True, False}, "some legs came to the book, others did not"


def legs_of(exchange: Exchange) -> list[tuple[str, Leg]]:
    return [(one.account, leg) for one in exchange.spot.order_lists.table.values() for leg in one.legs]


def assert_locks_are_those_of_orders_and_lists(exchange: Exchange, name: str) -> None:
    """An open list has an open leg, at most one of them on the book; a finished one has none and holds nothing."""
    engine = exchange.spot
    needs: dict[str, Decimal] = defaultdict(Decimal)
    for order in engine.open_orders(name):
        instrument = engine.instruments[order.symbol]
        asset, need = lock_need(order, instrument.base, instrument.quote)
        needs[asset] += need
    resting = {order.order_id for order in engine.open_orders(name)}
    waiting = {one.conditional_id for one in engine.conditionals(name)}
    for one in engine.order_lists.of(name):
        needs[one.asset] += one.held
        ids = {leg.order_id for leg in one.legs}
        assert one.held >= 0
        assert bool(ids & (resting | waiting)) == one.is_open
        assert len(ids & resting) <= 1
        locked = sum(lock_need(engine.registries[name].open[i], "", "")[1] for i in ids & resting) + one.held
        for stop in (engine.conditional_book.table[i] for i in ids & waiting):
            worth = (stop.new.px or stop.trigger_px) if stop.new.side == BUY else 1
            assert locked >= (stop.new.qty or 0) * worth, "the waiting leg can pay for itself"
        assert one.is_open or not one.held
        assert len(ids & waiting) in (0, len(ids) - len(ids & resting)), "a leg on its way has ended the others"
    for asset, (free, locked) in engine.balances(name).items():
        assert free >= 0
        assert locked == needs[asset]
