"""Laws of the lab's perpetuals, over random orders, modes, leverages, marks, fundings, transfers and liquidations.

A machine drives two exchanges with the same calls: same calls, same events, same state. It does so with one purse for
spot and perpetuals, and with a purse for each.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from copydesk.venues.lab.accounts import Account, lock_need
from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.engine import Engine
from copydesk.venues.lab.maker import MarketMaker
from copydesk.venues.lab.model import (
    Attached,
    Bracket,
    ConditionalUpdate,
    Event,
    LabInstrument,
    NewOrder,
    OrderUpdate,
)
from copydesk.venues.lab.perp import PerpEngine, PerpRules
from copydesk.venues.lab.perp.margin import maint_of, valuation
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

ACCOUNTS = ("ann", "bob", "cy")
BTC, ETH = "BTCUSDT", "ETHUSDT"
SETTLE = "USDT"
ENOUGH = Decimal(2_000)
# The second bracket's maintenance is not continuous with the first, as on exchanges that know no deduction.
BRACKETS = (
    Bracket(Decimal(0), Decimal(20_000), 100, Decimal("0.005"), Decimal(0)),
    Bracket(Decimal(20_000), Decimal(60_000), 20, Decimal("0.02"), Decimal(100)),
    Bracket(Decimal(60_000), Decimal(10_000_000), 5, Decimal("0.1"), Decimal(4900)),
)


def _instrument(base: str, settle: str) -> LabInstrument:
    return LabInstrument(
        symbol=f"{base}/USDT",
        venue_symbol=f"{base}USDT",
        base=base,
        quote=SETTLE,
        px_tick=Decimal("0.1"),
        qty_step=Decimal("0.003"),
        qty_min=Decimal("0.003"),
        qty_max=Decimal(3000),
        notional_min=Decimal(5),
        settle=settle,
        brackets=BRACKETS if settle else (),
    )


accounts = st.sampled_from(ACCOUNTS)
sides = st.sampled_from(["buy", "sell"])
symbols = st.sampled_from([BTC, BTC, BTC, ETH])
quantities = st.integers(1, 6_000).map(lambda n: Decimal(n) * 3 / 1000)
prices = st.integers(9_000, 11_000).map(lambda n: Decimal(n) / 10)
position_sides = st.sampled_from(["net", "net", "long", "short"])
amounts = st.integers(-50_000, 90_000).map(lambda n: Decimal(n) / 100)
picks = st.integers(0, 9)


class World:
    """One exchange: spot and perpetuals with their makers."""

    def __init__(self, unified: bool, rules: PerpRules) -> None:
        self.rules = rules
        self.unified = unified
        self.spot = Engine([_instrument("BTC", "")])
        purses = self.spot.account_table if unified else {}
        fees = {"maker_fee": Decimal("0.00021"), "taker_fee": Decimal("0.00053")}
        self.perp = PerpEngine(
            [_instrument("BTC", SETTLE), _instrument("ETH", SETTLE)], purses=purses, **fees, rules=rules
        )
        self.makers = MarketMaker(seed=3, levels=3), MarketMaker(seed=4, levels=3)

    def snapshot(self) -> dict[str, Any]:
        return {"spot": self.spot.snapshot(), "perp": self.perp.snapshot()}

    def restart(self) -> None:
        state = json.loads(json.dumps(self.snapshot()))
        self.spot = Engine.restore(state["spot"])
        purses: dict[str, Account] = self.spot.account_table if self.unified else {}
        self.perp = PerpEngine.restore(state["perp"], purses=purses, rules=self.rules)
        assert self.snapshot() == state


class Exchange(RuleBasedStateMachine):
    unified = True
    exchange_rules = PerpRules(conditional_keeps_id=True, post_only_cancels=True)

    def __init__(self) -> None:
        super().__init__()
        self.deposited: dict[str, Decimal] = defaultdict(Decimal)
        self.now_ms = 1_000

    @initialize()
    def open_the_exchange(self) -> None:
        self.worlds = [World(self.unified, self.exchange_rules) for _ in range(2)]
        for account in ACCOUNTS:
            for world in self.worlds:
                world.spot.create_account(account, {SETTLE: ENOUGH})
                world.perp.open_account(account)
                if not self.unified:
                    world.perp.purses[account].balances[SETTLE].free = ENOUGH
            self.deposited[SETTLE] += ENOUGH if self.unified else 2 * ENOUGH
        self.quiet: set[str] = set()
        for symbol in (BTC, ETH):
            self.the_market_moves(symbol, Decimal(1000), False)
        self.bet("ann", BTC, "buy", "cross", 8)
        self.bet("bob", BTC, "sell", "isolated", 6)
        self.bet("cy", ETH, "buy", "cross", 5)

    def both(self, act: Callable[[World], list[Event]]) -> None:
        """Do the same on both exchanges, which must tell the same."""
        self.now_ms += 1
        left, right = (_plain(act(world)) for world in self.worlds)
        assert left == right

    def submit(self, new: NewOrder) -> None:
        def act(world: World) -> list[Event]:
            events = world.perp.submit(new, self.now_ms).events
            if new.symbol in self.quiet:
                return events
            return events + world.makers[1].replenish(world.perp, new.symbol, self.now_ms)

        self.both(act)

    def fitting(self, account: str, symbol: str, wanted: str) -> str:
        """Turn the position side mostly into one that the account's mode knows."""
        hedge = self.worlds[0].perp.hedge(account, symbol)
        if hedge:
            return "long" if wanted == "net" else wanted
        return "net" if wanted != "short" else wanted

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        qty=quantities,
        px=prices,
        tif=st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK", "GTD"]),
        kind=st.sampled_from(["limit", "limit", "limit", "limit_maker"]),
        position_side=position_sides,
        reduce_only=st.booleans(),
        attached=st.booleans(),
    )
    def limit_order(
        self,
        account: str,
        symbol: str,
        side: str,
        qty: Decimal,
        px: Decimal,
        tif: str,
        kind: str,
        position_side: str,
        reduce_only: bool,
        attached: bool,
    ) -> None:
        up, down = Attached(px + 5, None, "mark"), Attached(px - 5, px - 10, "last")
        take, stop = (up, down) if side == "buy" else (down, up)
        self.submit(
            NewOrder(
                account,
                "",
                symbol,
                side,
                kind,
                qty=qty,
                px=px,
                tif=tif if kind == "limit" else "GTC",
                market="perp",
                position_side=self.fitting(account, symbol, position_side),
                reduce_only=reduce_only,
                expire_ms=self.now_ms + 5 if tif == "GTD" and kind == "limit" else None,
                take_profit=take if attached else None,
                stop_loss=stop if attached else None,
            )
        )

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        qty=quantities,
        position_side=position_sides,
        reduce_only=st.booleans(),
        close=st.integers(0, 4).map(lambda n: n == 0),
    )
    def market_order(
        self,
        account: str,
        symbol: str,
        side: str,
        qty: Decimal,
        position_side: str,
        reduce_only: bool,
        close: bool,
    ) -> None:
        self.submit(
            NewOrder(
                account,
                "",
                symbol,
                side,
                "market",
                qty=None if close else qty,
                market="perp",
                position_side=self.fitting(account, symbol, position_side),
                reduce_only=reduce_only,
                close_position=close,
            )
        )

    @rule(
        account=accounts,
        symbol=symbols,
        side=sides,
        qty=quantities,
        px=prices,
        kind=st.sampled_from(["stop", "take_profit", "plan", "trailing"]),
        watch=st.sampled_from(["last", "mark", "index"]),
        position_side=position_sides,
        reduce_only=st.booleans(),
    )
    def conditional_order(
        self,
        account: str,
        symbol: str,
        side: str,
        qty: Decimal,
        px: Decimal,
        kind: str,
        watch: str,
        position_side: str,
        reduce_only: bool,
    ) -> None:
        fitted = self.fitting(account, symbol, position_side)
        new = NewOrder(
            account, "", symbol, side, "market", qty, market="perp", position_side=fitted, reduce_only=reduce_only
        )
        if kind == "trailing":
            asked = NewConditional(new, kind, watch=watch, callback_ratio=Decimal("0.01"), activation_px=px)
        else:
            asked = NewConditional(new, kind, px, watch)
        self.both(lambda world: world.perp.place_conditional(asked, self.now_ms).events)

    @rule(
        account=accounts, symbol=symbols, side=sides, mode=st.sampled_from(["cross", "isolated"]), qty=st.integers(2, 9)
    )
    def bet(self, account: str, symbol: str, side: str, mode: str, qty: int) -> None:
        """Take a position that a leap of the price ruins."""
        self.set_leverage(account, symbol, 50)
        self.set_margin_mode(account, symbol, mode)
        position_side = "net"
        if self.worlds[0].perp.hedge(account, symbol):
            position_side = "long" if side == "buy" else "short"
        self.submit(
            NewOrder(account, "", symbol, side, "market", Decimal(qty * 2), market="perp", position_side=position_side)
        )

    @rule(account=accounts, pick=picks)
    def cancel(self, account: str, pick: int) -> None:
        def act(world: World) -> list[Event]:
            found = world.perp.open_orders(account)
            order_id = found[pick % len(found)].order_id if found else 0
            return world.perp.cancel(account, None, order_id, now_ms=self.now_ms).events

        self.both(act)

    @rule(account=accounts, pick=picks, qty=st.none() | quantities, px=st.none() | prices)
    def amend(self, account: str, pick: int, qty: Decimal | None, px: Decimal | None) -> None:
        def act(world: World) -> list[Event]:
            found = world.perp.open_orders(account)
            order_id = found[pick % len(found)].order_id if found else 0
            return world.perp.amend(account, None, order_id, qty=qty, px=px, now_ms=self.now_ms).events

        self.both(act)

    @rule(account=accounts, symbol=symbols, leverage=st.sampled_from([1, 2, 5, 20, 50, 100, 125]))
    def set_leverage(self, account: str, symbol: str, leverage: int) -> None:
        self.both(lambda world: world.perp.set_leverage(account, symbol, leverage, self.now_ms).events)

    @rule(account=accounts, symbol=symbols, mode=st.sampled_from(["cross", "isolated"]))
    def set_margin_mode(self, account: str, symbol: str, mode: str) -> None:
        self.both(lambda world: world.perp.set_margin_mode(account, symbol, mode, self.now_ms).events)

    @rule(account=accounts, hedge=st.booleans(), symbol=st.none() | symbols)
    def set_position_mode(self, account: str, hedge: bool, symbol: str | None) -> None:
        self.both(lambda world: world.perp.set_position_mode(account, hedge, self.now_ms, symbol).events)

    @rule(account=accounts, symbol=symbols, position_side=position_sides, amount=amounts)
    def move_margin(self, account: str, symbol: str, position_side: str, amount: Decimal) -> None:
        side = self.fitting(account, symbol, position_side)
        self.both(lambda world: world.perp.move_margin(account, symbol, side, amount, self.now_ms).events)

    @rule(account=accounts, amount=amounts)
    def transfer(self, account: str, amount: Decimal) -> None:
        def act(world: World) -> list[Event]:
            change = world.perp.transfer(account, SETTLE, amount, self.now_ms)
            if change.reject is None and world is self.worlds[0]:
                self.deposited[SETTLE] += amount
            return change.events

        self.both(act)

    @rule(account=accounts, side=sides, qty=quantities, px=prices)
    def spot_order(self, account: str, side: str, qty: Decimal, px: Decimal) -> None:
        new = NewOrder(account, "", BTC, side, "limit", qty=qty, px=px)
        self.both(lambda world: world.spot.submit(new, self.now_ms).events)

    @rule(account=accounts, pick=picks, qty=st.none() | quantities, px=st.none() | prices)
    def amend_spot_order(self, account: str, pick: int, qty: Decimal | None, px: Decimal | None) -> None:
        def act(world: World) -> list[Event]:
            found = world.spot.open_orders(account)
            order_id = found[pick % len(found)].order_id if found else 0
            return world.spot.amend(account, None, order_id, qty=qty, px=px, now_ms=self.now_ms).events

        self.both(act)

    @rule(account=accounts, symbol=st.none() | symbols, countdown_ms=st.sampled_from([0, 3]))
    def kill_after(self, account: str, symbol: str | None, countdown_ms: int) -> None:
        for world in self.worlds:
            world.perp.kill_after(account, symbol, countdown_ms, self.now_ms)

    @rule()
    def time_passes(self) -> None:
        self.both(lambda world: world.perp.expire(self.now_ms))

    @rule(symbol=symbols, rate=st.integers(-30_001, 30_001).map(lambda n: Decimal(n) / 9_999_991))
    def fund(self, symbol: str, rate: Decimal) -> None:
        self.both(lambda world: world.perp.fund(symbol, rate, self.now_ms))

    @rule(account=accounts, gaps=st.lists(st.integers(0, 9), min_size=2, max_size=3))
    def guard(self, account: str, gaps: list[int]) -> None:
        """Put reduce-only orders for more than there is before each position."""
        for position in self.worlds[0].perp.positions(account):
            away = 1 if position.qty > 0 else -1
            for gap in gaps:
                self.submit(
                    NewOrder(
                        account,
                        "",
                        position.symbol,
                        "sell" if position.qty > 0 else "buy",
                        "limit",
                        abs(position.qty),
                        px=position.mark_px.quantize(Decimal("0.1")) + away * Decimal(gap) / 10,
                        market="perp",
                        position_side=position.position_side,
                        reduce_only=True,
                    )
                )

    @rule(symbol=symbols, mid=prices, quiet=st.booleans())
    def the_market_moves(self, symbol: str, mid: Decimal, quiet: bool) -> None:
        """Move the price; on a quiet market the house quotes nothing afterwards, so that accounts meet each other."""
        (self.quiet.add if quiet else self.quiet.discard)(symbol)

        def act(world: World) -> list[Event]:
            events: list[Event] = []
            if symbol == BTC:
                events += world.makers[0].requote(world.spot, symbol, mid, self.now_ms)
            events += world.makers[1].requote(world.perp, symbol, mid, self.now_ms)
            if quiet:
                events += world.perp.place_quotes(symbol, [], [], self.now_ms)
            return events + world.perp.mark(symbol, mid, mid - 1, self.now_ms)

        self.both(act)
        self.everybody_is_sound()

    @rule(symbol=symbols, mid=st.integers(3_000, 30_000).map(lambda n: Decimal(n) / 10))
    def the_mark_leaps(self, symbol: str, mid: Decimal) -> None:
        """Move the mark price alone, so that the book is far from it."""
        self.both(lambda world: world.perp.mark(symbol, mid, mid, self.now_ms))
        self.everybody_is_sound()

    def everybody_is_sound(self) -> None:
        """After a mark price nobody is below zero, and nobody holds a position that should have been liquidated."""
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            assert perp.margin(name).equity >= 0
            account = perp.account_table[name]
            value = valuation(account)
            positions = account.positions()
            assert value.cross_equity > value.cross_maint or all(leg.isolated for leg in positions)
            for leg in positions:
                maint = maint_of(leg, abs(leg.qty * leg.market.px()))
                assert not leg.isolated or leg.margin + leg.unrealized() > maint

    @rule()
    def restart(self) -> None:
        self.worlds[0].restart()

    @invariant()
    def both_exchanges_are_equal(self) -> None:
        left, right = (world.snapshot() for world in self.worlds)
        assert left == right

    @invariant()
    def money_is_conserved_to_the_last_digit(self) -> None:
        world = self.worlds[0]
        costs = sum((leg.cost for a in world.perp.account_table.values() for leg in a.legs.values()), Decimal(0))
        tables = {id(table): table for table in (world.spot.account_table, world.perp.purses)}
        balances = [purse.balances.get(SETTLE) for table in tables.values() for purse in table.values()]
        money = sum((balance.free + balance.locked for balance in balances if balance is not None), Decimal(0))
        assert money - costs == self.deposited[SETTLE]

    @invariant()
    def positions_of_a_contract_sum_to_zero(self) -> None:
        perp = self.worlds[0].perp
        for symbol, market in perp.markets.items():
            legs = [leg for a in perp.account_table.values() for leg in a.legs.values() if leg.symbol == symbol]
            assert sum(leg.qty for leg in legs) == 0
            assert {id(leg) for leg in legs if leg.qty} == {id(leg) for leg in market.legs.values()}

    @invariant()
    def a_position_is_the_signed_sum_of_its_executions(self) -> None:
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for fill in perp.trades(name):
                sums[fill.symbol, fill.position_side] += fill.qty if fill.side == "buy" else -fill.qty
            for (symbol, side), qty in sums.items():
                assert perp.position(name, symbol, side).qty == qty

    @invariant()
    def orders_are_the_sum_of_their_fills(self) -> None:
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            for order in perp.orders(name):
                assert order.cum_qty == sum(fill.qty for fill in order.fills)
                assert order.leaves == order.qty - order.cum_qty
                assert order.realized == sum(fill.realized for fill in order.fills)
                assert order.cum_qty in (0, order.qty) or order.tif != "FOK"

    @invariant()
    def what_positions_count_of_their_orders_is_what_rests(self) -> None:
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            for leg in perp.account_table[name].legs.values():
                resting = [o for o in perp.open_orders(name, leg.symbol) if o.position_side == leg.position_side]
                for side, counted in (("buy", leg.buys), ("sell", leg.sells)):
                    opening = [o for o in resting if o.side == side and not o.reduce_only]
                    assert counted == sum(o.px * o.leaves for o in opening if o.px is not None)
                reducing = [o for o in resting if o.reduce_only]
                assert all(o.leaves <= leg.room(o.side) for o in reducing)
                assert leg.reducers == {o.order_id: o for o in reducing}

    @invariant()
    def nothing_held_or_locked_is_below_zero(self) -> None:
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            purse = perp.purses[name]
            purse.available(SETTLE)
            assert purse.held[SETTLE] >= 0
            assert all(balance.locked >= 0 for balance in purse.balances.values())
            assert all(leg.margin >= 0 for leg in perp.account_table[name].legs.values())
            view = perp.margin(name)
            assert min(view.order_margin, view.available, view.withdrawable) >= 0

    @invariant()
    def spot_orders_lock_what_they_need(self) -> None:
        spot = self.worlds[0].spot
        for name in ACCOUNTS:
            needs = dict.fromkeys((SETTLE, "BTC"), Decimal(0))
            for order in spot.open_orders(name):
                asset, need = lock_need(order, "BTC", SETTLE)
                needs[asset] += need
            balances = spot.balances(name)
            assert all(balances.get(asset, (0, 0))[1] == need for asset, need in needs.items())

    @invariant()
    def the_books_never_cross(self) -> None:
        perp = self.worlds[0].perp
        for symbol, book in perp.books.items():
            bids, asks = perp.depth(symbol, 1000)[1:]
            assert not bids or not asks or bids[0][0] < asks[0][0]
            resting = sum(o.leaves for name in ACCOUNTS for o in perp.open_orders(name, symbol))
            quoted = sum(quote.leaves for side in (book.bids, book.asks) for quote in side.quotes.values())
            assert sum(qty for _, qty in bids + asks) == resting + quoted

    @invariant()
    def open_conditionals_wait_for_something(self) -> None:
        perp = self.worlds[0].perp
        for name in ACCOUNTS:
            for one in perp.conditionals(name):
                if not one.active:
                    assert one.parent_order_id in perp.account_table[name].open


class SeparatePurses(Exchange):
    unified = False
    exchange_rules = PerpRules(position_mode_per_symbol=True, leverage_default=50)


def _plain(events: list[Event]) -> list[object]:
    """Replace the records that have identity by their contents."""
    return [_contents(event) for event in events]


def _contents(event: Event) -> object:
    if isinstance(event, OrderUpdate):
        order = event.order
        return event._replace(order=None), [getattr(order, name) for name in order.__slots__]  # type: ignore[arg-type]
    if isinstance(event, ConditionalUpdate):
        one = event.conditional
        return event._replace(conditional=None), [getattr(one, name) for name in one.__slots__]  # type: ignore[arg-type]
    return event


LAWS = settings(max_examples=60, stateful_step_count=50, deadline=None, derandomize=True)
TestUnifiedPurse = Exchange.TestCase
TestUnifiedPurse.settings = LAWS
TestSeparatePurses = SeparatePurses.TestCase
TestSeparatePurses.settings = LAWS
