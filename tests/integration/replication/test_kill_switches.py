"""Kill switches on a real PostgreSQL: opens stop on every path, closes on none, and never another brand's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput, NotFound, Unavailable
from copydesk.replication import carry_out, end_subscription
from copydesk.risk import Reach, Stops, ThrownSwitch
from copydesk.risk.switches import NewSwitch, Subjects, confirm, lift, read_board, read_switches, throw
from copydesk.trading import Credentials, EndMode, JoinMode, OrderRequest, OrderType, Side
from copydesk.venues import Outcome
from desk_site import Opens, Site, Worker
from life_site import join
from order_site import OrderSite
from paper_exchange import PERPETUAL, D, PaperExchange


@dataclass
class WireExchange(PaperExchange):
    """Asks for each order whether it may be written, as the real clients do; `written` is told of each one before."""

    written: Callable[[OrderRequest], None] = lambda _: None

    async def submit_many(
        self, orders: Sequence[tuple[Credentials, OrderRequest]], *, may_send: Callable[[], bool] = lambda: True
    ) -> list[Outcome]:
        outcomes = []
        for key, order in orders:
            if may_send():
                outcomes += await super().submit_many([(key, order)])
                self.written(order)
            else:
                outcomes.append(Outcome(Unavailable("not sent"), None, None))
        return outcomes


def known(site: Site) -> Subjects:
    return Subjects({"binance-lab"}, {"BTC/USDT", PERPETUAL}, {site.leader.strategy_id}, {site.tenant_id})


def thrown(
    site: Site, reach: Reach = Reach.TENANT, subject: str = "", *, stops: Stops = Stops.OPENS, platform: bool = False
) -> ThrownSwitch:
    """Store a switch, without anybody being told."""
    new = NewSwitch(reach, subject, stops, "drill", "Mara")
    with site.db.installation() if platform else site.db.tenant(site.tenant_id) as session:
        return throw(session, new, known(site))


def tell(site: Site, *workers: Worker) -> None:
    """Let workers see the switches that are stored."""
    for worker in workers:
        worker.around.in_force.board = read_board(site.db, [site.tenant_id])


def acted(site: Site, switch: ThrownSwitch, *workers: Worker) -> None:
    """Let workers see a switch, and have it carried out."""
    tell(site, *workers)
    with site.db.tenant(site.tenant_id) as session:
        carry_out(session, switch)


def copies(site: Site) -> list[tuple[str, str, str]]:
    rows = site.rows("SELECT leg, status, coalesce(reason, '') FROM copy ORDER BY id")
    return [tuple(row) for row in rows]


@pytest.fixture(autouse=True)
def platform_is_open(db: Database) -> Any:
    """Lift every switch of the platform after a test: they reach all brands of the module's database."""
    yield
    with db.installation() as session:
        for switch in read_switches(session):
            lift(session, switch.id, "the test")


@pytest.mark.parametrize(
    ("reach", "subject", "platform"),
    [
        (Reach.TENANT, "", False),
        (Reach.EXCHANGE, "binance-lab", False),
        (Reach.INSTRUMENT, "BTC/USDT", False),
        (Reach.STRATEGY, "own", False),
        (Reach.ALL, "", True),
        (Reach.EXCHANGE, "binance-lab", True),
        (Reach.TENANT, "own", True),
    ],
)
def test_a_switch_denies_opens_by_name_and_lets_closes_through(
    site: Site, reach: Reach, subject: str, platform: bool
) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    own = {Reach.STRATEGY: str(site.leader.strategy_id), Reach.TENANT: str(site.tenant_id)}
    thrown(site, reach, own[reach] if subject == "own" else subject, platform=platform)
    tell(site, worker)
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.trade(Side.SELL, "0.8")
    worker.drain()
    assert copies(site) == [("open", "filled", ""), ("open", "denied", "stopped_by_switch"), ("close", "filled", "")]
    facts = site.one("SELECT reason_facts FROM copy WHERE status = 'denied'")
    assert (facts["reach"], facts["reason"]) == (str(reach), "drill")
    qty, target, _ = site.book()
    assert (qty < D("0.00001"), target) == (True, D(0))


@pytest.mark.parametrize(
    ("reach", "subject"),
    [(Reach.INSTRUMENT, PERPETUAL), (Reach.STRATEGY, "other"), (Reach.EXCHANGE, "okx-lab")],
)
def test_a_switch_lets_pass_what_it_does_not_name(site: Site, reach: Reach, subject: str) -> None:
    worker = site.worker()
    named = Subjects({"okx-lab"}, {PERPETUAL}, {site.leader.strategy_id + 1_000})
    number = str(site.leader.strategy_id + 1_000) if subject == "other" else subject
    with site.db.tenant(site.tenant_id) as session:
        throw(session, NewSwitch(reach, number, Stops.OPENS, "drill", "Mara"), named)
    tell(site, worker)
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert copies(site) == [("open", "filled", "")]


def test_a_brands_switch_never_touches_the_other_brand(opens: Opens) -> None:
    ours, theirs = opens(), opens()
    workers = [ours.worker(), theirs.worker()]
    switch = thrown(ours, stops=Stops.ALL)
    for worker in workers:
        worker.around.in_force.board = read_board(ours.db, [ours.tenant_id, theirs.tenant_id])
    with theirs.db.tenant(theirs.tenant_id) as session:
        assert read_switches(session, lifted=True) == []
        assert carry_out(session, switch).subscription_ids == ()
        with pytest.raises(NotFound):
            lift(session, switch.id, "Mara")
    for site, worker in zip((ours, theirs), workers, strict=True):
        site.trade(Side.BUY, "0.4")
        worker.drain()
    assert copies(ours) == [("open", "denied", "stopped_by_switch")]
    assert copies(theirs) == [("open", "filled", "")]


def test_opens_stop_in_the_middle_of_a_fan_out_and_are_never_sent_later(opens: Opens) -> None:
    site = opens(followers=3)
    site.exchange = WireExchange()
    worker = site.worker()
    thrown(site)
    site.exchange.written = lambda _: tell(site, worker)
    site.trade(Side.BUY, "0.4")
    worker.drain()
    stopped = ("open", "rejected", "stopped_by_switch")
    assert sorted(copies(site)) == [("open", "filled", ""), stopped, stopped]
    targets = [row[0] for row in site.rows("SELECT target_qty FROM book ORDER BY target_qty")]
    assert (targets[:2], targets[2] > 0) == ([D(0), D(0)], True)
    with site.db.tenant(site.tenant_id) as session:
        lift(session, read_switches(session)[0].id, "Mara")
    tell(site, worker)
    worker.clock.ahead_s = 10
    for _ in range(2):
        worker.reconcile()
    assert len(site.exchange.arrived) == 1
    assert sorted(copies(site)) == [("open", "filled", ""), stopped, stopped]


def test_closes_of_a_fan_out_are_all_written_while_a_switch_is_thrown(opens: Opens) -> None:
    site = opens(followers=3)
    site.exchange = WireExchange()
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    thrown(site)
    site.exchange.written = lambda _: tell(site, worker)
    site.trade(Side.SELL, "0.4")
    worker.drain()
    assert copies(site)[3:] == [("close", "filled", "")] * 3


def test_an_order_that_never_arrived_is_not_sent_again_behind_a_switch(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.mood = {account: "lost"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    thrown(site)
    tell(site, worker)
    worker.clock.ahead_s = 8
    worker.reconcile()
    assert copies(site) == [("open", "rejected", "stopped_by_switch")]
    assert site.exchange.arrived == []


def test_a_close_that_never_arrived_is_sent_again_behind_a_switch(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    thrown(site)
    tell(site, worker)
    site.exchange.mood = {account: "lost"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.clock.ahead_s = 8
    worker.reconcile()
    assert copies(site) == [("open", "filled", ""), ("close", "filled", "")]


def test_a_close_that_fell_short_is_corrected_behind_a_switch(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    thrown(site)
    tell(site, worker)
    site.exchange.mood = {account: "half"}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    site.exchange.mood = {}
    worker.reconcile()
    assert copies(site)[1:] == [("close", "expired", "no_liquidity"), ("fix-1", "filled", "")]
    assert site.book()[0] < D("0.00001")


def test_a_close_of_more_than_is_there_is_resized_behind_a_switch(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4")
    worker.drain()
    thrown(site)
    tell(site, worker)
    site.exchange.mood, site.exchange.sold_by_hand = {account: "strict"}, {account: D("0.001")}
    site.trade(Side.SELL, "0.4")
    worker.drain()
    worker.reconcile()
    assert copies(site)[1:3] == [("close", "rejected", "insufficient_balance"), ("resized", "filled", "")]


def test_who_leaves_is_closed_behind_a_switch(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    thrown(site)
    tell(site, worker)
    with site.db.tenant(site.tenant_id) as session:
        end_subscription(session, site.subscriptions[0], EndMode.CLOSE_NOW)
    worker.reconcile()
    assert copies(site)[1:] == [("end", "filled", "")]


def test_a_busy_exchanges_open_is_not_tried_again_behind_a_switch(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "busy"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    assert copies(site)[0][1] == "in_flight"
    site.exchange.mood = {}
    thrown(site)
    tell(site, worker)
    worker.clock.ahead_s = 5
    worker.reconcile()
    assert copies(site) == [("open", "rejected", "stopped_by_switch")]


def test_a_second_try_is_stopped_by_name(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "half"}
    site.trade(Side.BUY, "0.4")
    worker.drain()
    site.exchange.mood = {}
    thrown(site)
    tell(site, worker)
    for _ in range(2):
        worker.reconcile()
    assert copies(site) == [("open", "expired", "price_moved"), ("top-up", "rejected", "stopped_by_switch")]
    qty, target, _ = site.book()
    assert qty == target


def test_a_late_join_is_denied_for_good(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    subscription, account = join(site, JoinMode.AT_MARKET)
    switch = thrown(site)
    tell(site, worker)
    worker.reconcile()
    state = "SELECT state, reason FROM late_join WHERE subscription_id = :id"
    assert site.one(state, id=subscription) == ("skipped", "stopped_by_switch")
    with site.db.tenant(site.tenant_id) as session:
        lift(session, switch.id, "Mara")
    tell(site, worker)
    worker.reconcile()
    assert site.exchange.orders_of(account) == []


def test_the_second_leg_of_a_reversal_is_stopped_and_its_close_is_not(site: Site) -> None:
    site.act("UPDATE subscription SET allocation = 5000")
    worker, account = site.worker(), site.accounts[0]
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    site.exchange.mood = {account: "rest"}
    site.trade(Side.SELL, "0.8", symbol=PERPETUAL)
    worker.drain()
    thrown(site)
    tell(site, worker)
    site.exchange.mood = {}
    site.exchange.match()
    worker.clock.ahead_s = 2
    for _ in range(2):
        worker.reconcile()
    legs = {leg: (status, reason) for leg, status, reason in copies(site)[1:]}
    assert legs["close"] == ("filled", "")
    assert legs["open"] == ("rejected", "stopped_by_switch")
    assert site.book(symbol=PERPETUAL)[:2] == (D(0), D(0))


def resting(desk: OrderSite) -> list[str]:
    return sorted(str(order.type) for order in desk.exchange.resting(desk.account))


def test_resting_orders_that_open_are_recalled_and_exits_stay(db: Database) -> None:
    desk = OrderSite(db, symbol=PERPETUAL)
    desk.exchange.liquidation_px = D(40_000)
    worker = desk.worker()
    desk.site.trade(Side.BUY, "1", order="market", symbol=PERPETUAL)
    worker.drain()
    worker.reconcile()
    desk.place("b", Side.BUY, "1", "45000")
    desk.place("s", Side.SELL, "1", None, type=OrderType.STOP_MARKET, trigger_px=D(44000), reduces=True)
    worker.tend()
    assert resting(desk) == ["limit", "stop_market"]
    switch = thrown(desk.site)
    acted(desk.site, switch, worker)
    worker.tend()
    assert resting(desk) == ["stop_market"]
    desk.place("c", Side.BUY, "1", "44500")
    worker.tend()
    assert resting(desk) == ["stop_market"]
    with db.tenant(desk.site.tenant_id) as session:
        lifted = lift(session, switch.id, "Mara")
    acted(desk.site, lifted, worker)
    worker.tend()
    assert resting(desk) == ["limit", "limit", "stop_market"]


def test_over_all_brands_opens_stop_until_a_second_person_lets_close(site: Site) -> None:
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    switch = thrown(site, Reach.ALL, stops=Stops.ALL, platform=True)
    acted(site, switch, worker)
    site.trade(Side.BUY, "0.4")
    worker.drain()
    worker.reconcile()
    assert copies(site) == [("open", "filled", ""), ("open", "denied", "stopped_by_switch")]
    with site.db.installation() as session, pytest.raises(InvalidInput, match="another person than Mara, found mara"):
        confirm(session, switch.id, "mara")
    with site.db.installation() as session:
        confirmed = confirm(session, switch.id, "Omar")
    acted(site, confirmed, worker)
    worker.reconcile()
    assert site.book()[0] < D("0.00001")
    assert site.one("SELECT state, state_reason FROM subscription") == ("disarmed", "stopped_by_switch")
    with site.db.installation() as session, pytest.raises(InvalidInput, match="confirmed already, by Omar"):
        confirm(session, switch.id, "Eve")


def test_a_switch_is_thrown_and_lifted_once_and_stays_on_record(site: Site) -> None:
    switch = thrown(site)
    with pytest.raises(InvalidInput, match=f"switch {switch.id} does that already"):
        thrown(site)
    with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput, match="needs no second person"):
        confirm(session, switch.id, "Omar")
    with site.db.tenant(site.tenant_id) as session:
        lift(session, switch.id, "Omar")
    with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput, match="lifted already, by Omar"):
        lift(session, switch.id, "Omar")
    with site.db.tenant(site.tenant_id) as session:
        assert read_switches(session) == []
        (kept,) = read_switches(session, lifted=True)
    assert (kept.author, kept.reason, kept.lifted_by) == ("Mara", "drill", "Omar")
    assert kept.lifted_at is not None
    assert kept.lifted_at >= kept.at
