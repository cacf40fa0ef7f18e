"""Orders by hand on simulated exchanges: stored, sent once, looked up when in doubt; acts, exits and what is seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from copydesk.bootstrap import OpenExchange
from copydesk.identity import Role
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter, epoch_ms
from copydesk.replication import Whereabouts
from copydesk.risk.switch_rules import Reach, Stops
from copydesk.risk.switches import NewSwitch, Subjects, throw
from copydesk.terminal import ActKind, HandOrder, OrderState, Part, Rules, Ticket, read_exits, read_ticket
from copydesk.terminal.bars import Bars
from copydesk.terminal.change import changes_in_place
from copydesk.terminal.market import MarketBoard
from copydesk.terminal.store import (
    Placing,
    ask,
    history_of,
    look_at,
    open_orders_of,
    order_of,
    place,
    recent_acts,
    seen_of,
)
from copydesk.trading import Denial, Environment, OrderType
from copydesk.venues import TRAITS, Interval, Patience, Price, Wallet
from copydesk.venues.budgets import begin_anew
from copydesk.workers.terminal_desk import TerminalDesk
from key_people import KeySite
from lab_desk import DeskRuntime, LabHand
from redis import Redis

D = Decimal
PX = D(64000)
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
Look = Callable[[], None]


@dataclass
class Trader:
    """A trader with one account, and a terminal whose desk looks when told to."""

    site: KeySite
    lab: LabHand
    runtime: DeskRuntime
    runner: asyncio.Runner
    desk: TerminalDesk
    venue: str
    name: str
    user_id: int
    account_id: int

    def exchange(self) -> OpenExchange:
        where = Whereabouts(self.venue, Environment.LAB, "")
        return self.runner.run(self.desk._floor.exchange(self.site.tenant_id, where))

    def rules(self, symbol: str) -> Rules:
        return Rules(self.exchange().instruments[symbol], TRAITS[self.venue], PX)

    def read(self, symbol: str, **form: str) -> Ticket:
        ticket = read_ticket({"side": "buy", "type": "market", "unit": "base", **form}, self.rules(symbol))
        assert not ticket.problems, ticket.problems
        return ticket

    def give(self, symbol: str, *, name: str = "", at: datetime | None = None, **form: str) -> int | None:
        """Store what a ticket means, as the page does."""
        given_at = at or utc_now()
        placing = Placing(self.user_id, self.account_id, name or f"ticket-{given_at.timestamp()}")
        ticket = self.read(symbol, **form)
        at_ms = epoch_ms()
        marks = MarkWriter(self.runtime.redis, f"{self.venue}-lab")
        marks.write([Price(symbol, PX, at_ms, PX, at_ms)])
        with self.site.db.tenant(self.site.tenant_id) as session:
            return place(session, placing, ticket, actor=self.site.actor(self.user_id), at=given_at)

    def ask(self, kind: ActKind, symbol: str, **facts: Any) -> None:
        placing = Placing(self.user_id, self.account_id, "")
        told = {"symbol": symbol, "facts": facts, "actor": self.site.actor(self.user_id), "at": utc_now()}
        with self.site.db.tenant(self.site.tenant_id) as session:
            ask(session, placing, kind, **told)

    def give_exits(self, symbol: str, **form: str) -> int:
        """Store take profit and stop loss of the position that is held."""
        rules = replace(self.rules(symbol), held=D("0.01"))
        name = f"exits-{utc_now().timestamp()}"
        with self.site.db.tenant(self.site.tenant_id) as session:
            placing = Placing(self.user_id, self.account_id, name)
            who = self.site.actor(self.user_id)
            number = place(session, placing, read_exits(form, rules), actor=who, at=utc_now())
        assert number is not None
        return number

    def look_at(self, symbol: str) -> None:
        with self.site.db.tenant(self.site.tenant_id) as session:
            look_at(session, self.account_id, symbol, at=utc_now())

    def resting(self, symbol: str) -> set[tuple[Decimal, Decimal | None, Decimal | None]]:
        """Return quantity, price and trigger of what rests; plain orders the lab counts for itself."""
        key = self.runtime.keys.credentials(self.site.tenant_id, [self.account_id])[self.account_id]
        read = partial(self.exchange().venue.resting, key, symbol)
        found = self.runner.run(Patience(5.0).with_(read))
        assert sum(one.trigger_px is None for one in found) == self.at_exchange()["open_orders"]
        return {(one.qty, one.px, one.trigger_px) for one in found}

    def limit(self) -> HandOrder:
        """Return the newest limit order."""
        return next(one for one in self.orders() if one.planned.type is OrderType.LIMIT)

    def until(self, holds: Callable[[], bool]) -> None:
        """Have the desk look until something holds."""
        ends = time.monotonic() + 15
        while not holds():
            told = [(str(one.planned.part), str(one.state), one.reason, one.message) for one in self.orders()]
            assert time.monotonic() < ends, f"{told} {self.acts()}"
            self.runner.run(self.desk.settled(self.site.tenant_id))

    def look(self) -> None:
        self.runner.run(self.desk.settled(self.site.tenant_id))

    async def hear(self) -> None:
        """Have the desk hear that the account's stream has spoken."""
        self.desk.heard(self.site.tenant_id, self.account_id)

    def order(self, number: int | None) -> HandOrder:
        assert number is not None
        with self.site.db.tenant(self.site.tenant_id) as session:
            return order_of(session, self.user_id, self.account_id, number)

    def orders(self) -> list[HandOrder]:
        with self.site.db.tenant(self.site.tenant_id) as session:
            return open_orders_of(session, self.account_id) + history_of(session, self.account_id)

    def acts(self) -> list[tuple[str, str, str | None]]:
        with self.site.db.tenant(self.site.tenant_id) as session:
            found = recent_acts(session, self.account_id, since=utc_now() - timedelta(hours=1))
        return [(str(one.kind), str(one.state), one.reason) for one in found]

    def at_exchange(self) -> Mapping[str, Any]:
        return self.lab.control.view(self.name)


@pytest.fixture(scope="module")
def trading(
    site: KeySite, lab: LabHand, redis_server: Any
) -> Iterator[tuple[DeskRuntime, asyncio.Runner, TerminalDesk]]:
    """One terminal's desk for the module, on real budgets and a real signer."""
    begin_anew(redis_server.url)
    runtime = DeskRuntime(site, lab, redis_server.url)
    lab.control.call("POST", "marks", {"symbol": "BTCUSDT", "px": str(PX)})
    with asyncio.Runner() as runner:
        desk = TerminalDesk(runtime)
        try:
            yield runtime, runner, desk
        finally:
            runner.run(desk.aclose())
            runtime.close()


@pytest.fixture
def trader_at(
    site: KeySite, lab: LabHand, desk: Look, trading: tuple[DeskRuntime, asyncio.Runner, TerminalDesk]
) -> Callable[[str], Trader]:
    """Return somebody who has connected a new account of an exchange, with money for spot and perpetuals."""

    def connect(venue: str) -> Trader:
        name, owner = lab.account(venue), site.person(Role.TRADER)
        if Wallet.FUTURES in TRAITS[venue].wallets:
            deposit = {"account": name, "asset": "USDT", "qty": "1000", "wallet": "futures"}
            lab.control.call("POST", "deposits", deposit)
        site.hand_in(owner, venue, lab.key(name))
        desk()
        (health,) = site.health(owner)
        return Trader(site, lab, *trading, venue, name, owner, health.account_id)

    return connect


TraderAt = Callable[[str], Trader]


def test_an_order_rests_until_its_owner_takes_it_back(trader_at: TraderAt) -> None:
    trader = trader_at("binance")
    number = trader.give(SPOT, type="limit", qty="0.001", px="60000", name="once")
    assert trader.give(SPOT, type="limit", qty="0.001", px="60000", name="once") is None
    assert trader.order(number).state is OrderState.PLANNED
    trader.look()
    resting = trader.order(number)
    assert resting.state is OrderState.OPEN
    assert resting.client_order_id
    assert resting.venue_order_id
    trader.ask(ActKind.CANCEL, SPOT, order_id=number)
    trader.until(lambda: trader.order(number).state is OrderState.CANCELED)
    assert trader.order(number).reason == "by_owner"
    assert trader.acts() == [("cancel", "done", None)]
    assert len(trader.orders()) == 1


def test_what_was_bought_is_sold_by_one_button(trader_at: TraderAt) -> None:
    trader = trader_at("okx")
    number = trader.give(SPOT, qty="0.005")
    trader.until(lambda: trader.order(number).state is OrderState.FILLED)
    bought = trader.order(number)
    assert sum(fill.qty for fill in bought.fills) == bought.cum_qty == D("0.005")
    trader.ask(ActKind.CLOSE_POSITION, SPOT)
    trader.until(lambda: len(trader.orders()) == 2 and trader.orders()[0].state is OrderState.FILLED)
    sold = trader.orders()[0]
    assert (sold.planned.part, sold.planned.side) == (Part.CLOSE, "sell")
    trader.ask(ActKind.CLOSE_POSITION, "SOL/USDT")
    trader.until(lambda: trader.acts()[0] == ("close_position", "refused", "no_position"))


def test_exits_follow_their_entry_and_one_ends_the_other(trader_at: TraderAt) -> None:
    trader = trader_at("binance")
    trader.ask(ActKind.LEVERAGE, SWAP, leverage=10, margin_mode="isolated")
    trader.until(lambda: trader.acts() == [("leverage", "done", None)])
    number = trader.give(SWAP, qty="0.01", take_profit_px="66000", stop_loss_px="60000")
    trader.until(lambda: [one.state for one in trader.orders()] == [OrderState.OPEN] * 2 + [OrderState.FILLED])
    gain, loss = sorted(trader.orders()[:2], key=lambda one: one.id)
    assert (gain.planned.part, loss.planned.part) == (Part.TAKE_PROFIT, Part.STOP_LOSS)
    assert gain.group_id == loss.group_id == number
    try:
        trader.lab.control.call("POST", "marks", {"symbol": "BTCUSDT", "px": "66500"})
        trader.runner.run(trader.hear())
        trader.until(lambda: trader.order(gain.id).state is OrderState.FILLED)
        trader.until(lambda: trader.order(loss.id).state is OrderState.CANCELED)
    finally:
        trader.lab.control.call("POST", "marks", {"symbol": "BTCUSDT", "px": str(PX)})
    assert trader.order(loss.id).reason == "other_exit_filled"


@pytest.mark.parametrize("venue", ["okx", "bybit", "bitget"])
def test_other_exchanges_take_the_exits_with_the_entry(trader_at: TraderAt, venue: str) -> None:
    trader = trader_at(venue)
    number = trader.give(SWAP, qty="0.01", take_profit_px="66000", stop_loss_px="60000")
    trader.until(lambda: trader.order(number).state is OrderState.FILLED)
    trader.look_at(SWAP)
    trader.until(lambda: _seen(trader) is not None)
    view = _seen(trader)
    assert view is not None
    position = view.position_in(SWAP)
    assert position is not None
    assert position.qty == D("0.01")
    assert sorted(str(one.stop_px) for one in view.orders) == ["60000", "66000"]
    book = MarketBoard(Redis.from_url(trader.runtime.environ["REDIS_URL"])).book(f"{venue}-lab", SWAP)
    assert book is not None
    assert book["bids"]
    assert book["asks"]
    trader.ask(ActKind.CLOSE_ALL, SWAP)
    trader.until(lambda: trader.orders()[0].planned.part is Part.CLOSE and not trader.orders()[0].cancelable)
    trader.until(lambda: trader.orders()[0].state is OrderState.FILLED)


def _seen(trader: Trader) -> Any:
    with trader.site.db.tenant(trader.site.tenant_id) as session:
        return seen_of(session, trader.account_id)[0]


def test_an_order_whose_answer_was_lost_is_looked_up_and_never_sent_again(trader_at: TraderAt) -> None:
    trader = trader_at("binance")
    trader.lab.control.call(
        "POST", "faults", {"harm": "execute_then_drop", "method": "POST", "path": "/api/v3/order", "times": 1}
    )
    number = trader.give(SPOT, type="limit", qty="0.001", px="60000")
    trader.until(lambda: trader.order(number).state is OrderState.OPEN)
    venue = trader.exchange()
    key = trader.runtime.keys.credentials(trader.site.tenant_id, [trader.account_id])[trader.account_id]
    open_there = trader.runner.run(venue.venue.open_orders(key, SPOT))
    assert [one.client_order_id for one in open_there] == [trader.order(number).client_order_id]


def test_an_order_that_waited_is_not_sent_any_more(trader_at: TraderAt) -> None:
    trader = trader_at("binance")
    number = trader.give(SPOT, qty="0.001", at=utc_now() - timedelta(minutes=1))
    trader.look()
    assert (trader.order(number).state, trader.order(number).reason) == (OrderState.REJECTED, "waited_too_long")
    assert trader.order(number).client_order_id is None


SEATS = [(venue, symbol) for venue in ("binance", "okx", "bybit", "bitget") for symbol in (SPOT, SWAP)]


@pytest.mark.parametrize(("venue", "symbol"), SEATS, ids=lambda one: one)
def test_a_ticket_is_an_order_at_every_exchange_and_rests_until_it_is_changed(
    trader_at: TraderAt, venue: str, symbol: str
) -> None:
    trader = trader_at(venue)
    plain = trader.give(symbol, type="limit", qty="0.002", px="60000")
    stop = trader.give(symbol, type="stop_limit", qty="0.002", px="67000", stop_px="66000")
    trader.until(lambda: all(trader.order(one).state is OrderState.OPEN for one in (plain, stop)))
    terms = {(D("0.002"), D(60000), None), (D("0.002"), D(67000), D(66000))}
    # Bitget's list of plans tells those alone that close something.
    trader.until(lambda: terms - trader.resting(symbol) == (set() if venue != "bitget" else {max(terms, key=repr)}))
    trader.ask(ActKind.AMEND, symbol, order_id=plain, qty="0.004", px="61000")
    trader.until(lambda: trader.acts()[0] == ("amend", "done", None))
    trader.until(lambda: trader.limit().state is OrderState.OPEN)
    changed = trader.limit()
    assert (changed.planned.qty, changed.planned.px) == (D("0.004"), D(61000))
    trader.until(lambda: (D("0.004"), D(61000), None) in trader.resting(symbol))
    assert (changed.id == plain) is changes_in_place(symbol, TRAITS[venue])
    if changed.id != plain:
        assert (trader.order(plain).state, trader.order(plain).reason) == (OrderState.CANCELED, "replaced")


def test_an_order_that_cannot_be_changed_any_more_says_so(trader_at: TraderAt) -> None:
    trader = trader_at("bitget")
    number = trader.give(SPOT, qty="0.005")
    trader.until(lambda: trader.order(number).state is OrderState.FILLED)
    trader.ask(ActKind.AMEND, SPOT, order_id=number, qty="0.004", px="61000")
    trader.until(lambda: trader.acts() == [("amend", "refused", "over_before")])


def test_a_change_whose_answer_was_lost_is_doubtful_and_the_next_reading_tells_the_terms(trader_at: TraderAt) -> None:
    trader = trader_at("okx")
    number = trader.give(SPOT, type="limit", qty="0.002", px="60000")
    trader.until(lambda: trader.order(number).state is OrderState.OPEN)
    harm = {"harm": "execute_then_drop", "method": "POST", "path": "/api/v5/trade/amend-order", "times": 1}
    trader.lab.control.call("POST", "faults", harm)
    trader.ask(ActKind.AMEND, SPOT, order_id=number, qty="0.002", px="61000")
    trader.until(lambda: trader.acts() == [("amend", "doubtful", None)])
    trader.look_at(SPOT)
    trader.until(lambda: trader.order(number).planned.px == D(61000))
    assert len(trader.resting(SPOT)) == 1


def test_new_exits_are_at_the_exchange_before_the_old_ones_are_canceled(trader_at: TraderAt) -> None:
    trader = trader_at("bybit")
    entry = trader.give(SWAP, qty="0.01")
    trader.until(lambda: trader.order(entry).state is OrderState.FILLED)
    old = trader.give_exits(SWAP, take_profit_px="66000", stop_loss_px="60000")
    trader.until(lambda: [one.state for one in trader.orders()[:2]] == [OrderState.OPEN] * 2)
    new = trader.give_exits(SWAP, take_profit_px="67000", stop_loss_px="61000")
    for one in (old, old + 1):
        trader.ask(ActKind.CANCEL, SWAP, order_id=one, after=new)
    trader.until(lambda: [state for _, state, _ in trader.acts()] == ["done"] * 2)
    assert {trigger for _, _, trigger in trader.resting(SWAP)} == {D(61000), D(67000)}
    refused = trader.give(SPOT, qty="1")
    trader.ask(ActKind.CANCEL, SWAP, order_id=new, after=refused)
    trader.until(lambda: trader.acts()[0] == ("cancel", "refused", "new_not_taken"))
    assert trader.order(new).state is OrderState.OPEN
    trader.ask(ActKind.CANCEL_ALL, SWAP)
    trader.ask(ActKind.CLOSE_ALL, SWAP)
    trader.until(lambda: not trader.resting(SWAP))


def test_candles_are_read_for_whoever_looks_and_their_absence_is_told(trader_at: TraderAt) -> None:
    trader = trader_at("bitget")
    board = MarketBoard(trader.runtime.redis)
    trader.look_at(SPOT)
    board.ask_bars("bitget-lab", SPOT, Interval.M5)
    trader.lab.control.call(
        "POST", "faults", {"harm": "status", "status": 500, "path": "/api/v2/spot/market/candles", "times": 1}
    )
    trader.until(lambda: board.bars("bitget-lab", SPOT, Interval.M5) is not None)
    assert board.bars("bitget-lab", SPOT, Interval.M5) == Bars()
    board.ask_bars("bitget-lab", SPOT, Interval.H1)
    trader.until(lambda: len((board.bars("bitget-lab", SPOT, Interval.H1) or Bars()).candles) == 300)


def test_what_the_exchange_refuses_is_told_by_name(trader_at: TraderAt) -> None:
    trader = trader_at("bybit")
    number = trader.give(SPOT, qty="1")
    trader.until(lambda: trader.order(number).state is OrderState.REJECTED)
    assert trader.order(number).reason == Denial.INSUFFICIENT_BALANCE


def test_a_switch_stops_what_opens_and_lets_what_closes_go(trader_at: TraderAt) -> None:
    trader = trader_at("okx")
    bought = trader.give(SPOT, qty="0.005")
    trader.until(lambda: trader.order(bought).state is OrderState.FILLED)
    new = NewSwitch(Reach.TENANT, "", Stops.OPENS, "a drill", "nobody")
    with trader.site.db.tenant(trader.site.tenant_id) as session:
        throw(session, new, Subjects(frozenset(), frozenset(), frozenset()))
    number = trader.give(SPOT, qty="0.005")
    trader.look()
    assert trader.order(number).reason == Denial.STOPPED_BY_SWITCH
    trader.ask(ActKind.CLOSE_POSITION, SPOT)
    trader.until(lambda: trader.orders()[0].planned.part is Part.CLOSE)
    trader.until(lambda: trader.orders()[0].state is OrderState.FILLED)
