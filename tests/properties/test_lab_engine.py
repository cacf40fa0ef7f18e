"""Laws of the lab's engine, over random sequences of deposits, orders, cancels and market moves.

A machine drives two engines with the same calls: same calls, same events, same state.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal

from copydesk.venues.lab.accounts import lock_need
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.model import HOUSE_ACCOUNTS, Event, LabInstrument, NewOrder, Order, OrderUpdate
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

ACCOUNTS = ("ann", "bob", "cy")
SYMBOL = "BTCUSDT"
INSTRUMENT = LabInstrument(
    symbol="BTC/USDT",
    venue_symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    px_tick=Decimal("0.1"),
    qty_step=Decimal("0.01"),
    qty_min=Decimal("0.01"),
    qty_max=Decimal(1000),
    notional_min=Decimal(5),
)

accounts = st.sampled_from(ACCOUNTS)
sides = st.sampled_from(["buy", "sell"])
quantities = st.integers(1, 20_000).map(lambda n: Decimal(n) / 100)
prices = st.integers(9_900, 10_100).map(lambda n: Decimal(n) / 10)
client_ids = st.sampled_from(["", "", "x", "y"])


class Exchange(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.deposited: dict[str, Decimal] = defaultdict(Decimal)
        self.now_ms = 1_000

    @initialize()
    def open_the_exchange(self) -> None:
        fees = Decimal("0.0007"), Decimal("0.00125")
        self.engines = [Engine([INSTRUMENT], *fees) for _ in range(2)]
        self.makers = [MarketMaker(seed=3, levels=4) for _ in range(2)]
        for account in ACCOUNTS:
            for engine in self.engines:
                engine.create_account(account, {"USDT": Decimal(100_000), "BTC": Decimal(100)})
            self.deposited["USDT"] += 100_000
            self.deposited["BTC"] += 100

    def both(self, act: Callable[[Engine, MarketMaker], list[Event]]) -> None:
        """Do the same on both engines, which must tell the same."""
        self.now_ms += 1
        left, right = (_plain(act(engine, maker)) for engine, maker in zip(self.engines, self.makers, strict=True))
        assert left == right

    @rule(account=accounts, asset=st.sampled_from(["USDT", "BTC"]), qty=quantities)
    def deposit(self, account: str, asset: str, qty: Decimal) -> None:
        self.deposited[asset] += qty
        self.both(lambda engine, _: engine.deposit(account, asset, qty, self.now_ms))

    def submit(self, new: NewOrder) -> None:
        def act(engine: Engine, maker: MarketMaker) -> list[Event]:
            events = engine.submit(new, self.now_ms).events
            return events + maker.replenish(engine, SYMBOL, self.now_ms)

        self.both(act)

    @rule(
        account=accounts,
        side=sides,
        qty=quantities,
        px=prices,
        tif=st.sampled_from(["GTC", "GTC", "IOC", "FOK"]),
        kind=st.sampled_from(["limit", "limit", "limit_maker"]),
        cid=client_ids,
    )
    def limit_order(self, account: str, side: str, qty: Decimal, px: Decimal, tif: str, kind: str, cid: str) -> None:
        self.submit(NewOrder(account, cid, SYMBOL, side, kind, qty=qty, px=px, tif=tif if kind == "limit" else "GTC"))

    @rule(account=accounts, side=sides, qty=quantities)
    def market_order(self, account: str, side: str, qty: Decimal) -> None:
        self.submit(NewOrder(account, "", SYMBOL, side, "market", qty=qty))

    @rule(account=accounts, side=sides, amount=st.integers(500, 9_000_000).map(lambda n: Decimal(n) / 100))
    def market_order_by_amount(self, account: str, side: str, amount: Decimal) -> None:
        self.submit(NewOrder(account, "", SYMBOL, side, "market", quote_qty=amount))

    @rule(account=accounts, pick=st.integers(0, 9))
    def cancel(self, account: str, pick: int) -> None:
        def act(engine: Engine, _: MarketMaker) -> list[Event]:
            found = engine.open_orders(account)
            order_id = found[pick % len(found)].order_id if found else 0
            return engine.cancel(account, SYMBOL, order_id, now_ms=self.now_ms).events

        self.both(act)

    @rule(mid=prices)
    def the_market_moves(self, mid: Decimal) -> None:
        self.both(lambda engine, maker: maker.requote(engine, SYMBOL, mid, self.now_ms))

    @rule()
    def restart(self) -> None:
        state = json.loads(json.dumps(self.engines[0].snapshot()))
        self.engines[0] = Engine.restore(state)
        assert self.engines[0].snapshot() == state

    @invariant()
    def both_engines_are_equal(self) -> None:
        left, right = (engine.snapshot() for engine in self.engines)
        assert left == right

    @invariant()
    def money_is_conserved_to_the_last_digit(self) -> None:
        assert self.engines[0].totals() == self.deposited

    @invariant()
    def nobody_real_is_in_debt_and_locked_is_what_open_orders_need(self) -> None:
        engine = self.engines[0]
        for name in ACCOUNTS:
            needs: dict[str, Decimal] = defaultdict(Decimal)
            for order in engine.open_orders(name):
                asset, need = lock_need(order, INSTRUMENT.base, INSTRUMENT.quote)
                needs[asset] += need
            for asset, (free, locked) in engine.balances(name).items():
                assert free >= 0
                assert locked == needs[asset]

    @invariant()
    def the_book_never_crosses_and_shows_what_rests(self) -> None:
        engine = self.engines[0]
        bids, asks = engine.depth(SYMBOL, 1000)[1:]
        assert [px for px, _ in bids] == sorted((px for px, _ in bids), reverse=True)
        assert [px for px, _ in asks] == sorted(px for px, _ in asks)
        assert not bids or not asks or bids[0][0] < asks[0][0]
        book = engine.books[SYMBOL]
        for side, shown in (("buy", bids), ("sell", asks)):
            resting = sum(o.leaves for name in ACCOUNTS for o in engine.open_orders(name) if o.side == side)
            quoted = sum(quote.leaves for quote in book.side(side).quotes.values())
            assert sum(qty for _, qty in shown) == resting + quoted
            assert all(qty > 0 for _, qty in shown)

    @invariant()
    def orders_are_the_sum_of_their_fills(self) -> None:
        engine = self.engines[0]
        for name in ACCOUNTS:
            for order in engine.orders(name, SYMBOL):
                assert order.cum_qty == sum(fill.qty for fill in order.fills)
                assert order.cum_quote == sum(fill.qty * fill.px for fill in order.fills)
                assert order.leaves == order.qty - order.cum_qty
                assert all(_within_limit(order, fill.px, resting=fill.maker) for fill in order.fills)

    @invariant()
    def the_house_locks_nothing(self) -> None:
        for name in HOUSE_ACCOUNTS:
            assert all(locked == 0 for _, locked in self.engines[0].balances(name).values())


def _within_limit(order: Order, px: Decimal, *, resting: bool) -> bool:
    if order.px is None:
        return not resting
    if resting:
        return px == order.px
    return px <= order.px if order.side == "buy" else px >= order.px


def _plain(events: list[Event]) -> list[object]:
    """Replace the order records, which have identity, by their contents."""
    return [e._replace(order=_contents(e.order)) if isinstance(e, OrderUpdate) else e for e in events]  # type: ignore[arg-type]


def _contents(order: Order) -> tuple[object, ...]:
    return tuple(getattr(order, field.name) for field in fields(order) if field.name != "fills") + tuple(order.fills)


TestExchange = Exchange.TestCase
TestExchange.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, derandomize=True)
