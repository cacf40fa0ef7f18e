"""The terminal's pages: what is asked, kept, said and stored. The desk that sends is tested on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from copydesk.identity import Role
from copydesk.marks import ComingFunding, Listings, MarkWriter, epoch_ms
from copydesk.replication.tables import Strategy, Subscription
from copydesk.terminal import CHANNEL, AccountView, HeldPosition, OrderState, read_news
from copydesk.terminal.bars import Bars
from copydesk.terminal.market import MarketBoard
from copydesk.terminal.sending import keep_view
from copydesk.terminal.store import history_of, look_at, open_orders_of, recent_acts
from copydesk.terminal.tables import TerminalOrder
from copydesk.terminal.view import BookView
from copydesk.trading import Environment, Instrument, MarginMode, PositionSide
from copydesk.vault.tables import Account
from copydesk.venues import Candle, FundingRate, Interval, Price
from copydesk.web.database import db
from factor_site import FactorSite, Visit
from redis import Redis
from site_seed import NOW, FakeRuntime
from sqlalchemy import update

D = Decimal
SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
PLACE = "binance-lab"
TICKET = re.compile(r'name="ticket" value="([^"]+)"')
RULES = {
    SPOT: Instrument(
        *("binance", SPOT, "BTCUSDT", "BTC", "USDT"),
        *(D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5)),
    ),
    SWAP: Instrument(
        *("binance", SWAP, "BTCUSDT", "BTC", "USDT"),
        *(D("0.1"), D("0.001"), D("0.001"), D(1000), D(50)),
        settle="USDT",
        leverage_max=125,
    ),
}


@dataclass
class Desk:
    """A trader at their terminal, with one account that leads a strategy."""

    site: FactorSite
    visit: Visit
    account_id: int
    strategy_id: int

    @property
    def page(self) -> str:
        return f"/terminal/{self.account_id}"

    def show(self, symbol: str = SPOT) -> str:
        return unescape(self.visit.get(f"{self.page}?symbol={symbol}").text)

    def send(self, what: str = "order", symbol: str = SPOT, **fields: str) -> Any:
        """Fill in the form of the terminal, and send it to an address below it."""
        found = TICKET.search(self.show(symbol))
        assert found
        told = {"symbol": symbol, "ticket": found.group(1), "side": "buy", "type": "limit", "unit": "base"}
        return self.visit.send(f"{self.page}/{what}", f"{self.page}?symbol={symbol}", **told | fields)

    def orders(self) -> list[Any]:
        with self.site.runtime.database.tenant(self.site.tenant_id) as session:
            return open_orders_of(session, self.account_id) + history_of(session, self.account_id)

    def acts(self) -> list[tuple[str, str, dict[str, Any]]]:
        with self.site.runtime.database.tenant(self.site.tenant_id) as session:
            found = recent_acts(session, self.account_id, since=NOW.replace(year=2020))
        return [(str(one.kind), one.symbol, dict(one.facts)) for one in found]

    def see(self, equity: str = "10000", *positions: HeldPosition) -> None:
        """Store what the desk would have read of the account."""
        view = AccountView(NOW, "USDT", D(equity), {"USDT": D(equity)}, positions, {"BTC": D("0.5")}, ())
        with self.site.runtime.database.tenant(self.site.tenant_id) as session:
            look_at(session, self.account_id, SPOT, at=NOW)
            keep_view(session, self.account_id, view, trouble="", at=NOW)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def site(runtime: FakeRuntime, redis_url: str) -> Iterator[FactorSite]:
    site = FactorSite(replace(runtime, redis_url=redis_url))
    yield site
    with site.app.app_context():
        db.engine.dispose()


@pytest.fixture
def desk(site: FactorSite, redis: Redis) -> Desk:
    """Rules, prices and funding are known; the account was not read yet."""
    Listings(redis).write(PLACE, RULES)
    now_ms = epoch_ms()
    MarkWriter(redis, PLACE).write([Price(one, D(64000), now_ms) for one in RULES])
    ComingFunding(redis).write(PLACE, {SWAP: FundingRate(D("0.0001"), now_ms + 3_600_000)})
    visit = site.person(Role.TRADER)
    assert visit.set_up_app().status_code in {200, 303}
    account_id = _account(site, visit.user_id)
    terms = {"slug": f"of-{account_id}", "name": "Led by hand", "summary": "One."}
    with site.runtime.database.tenant(site.tenant_id) as session:
        strategy = Strategy(tenant_id=site.tenant_id, trader_id=visit.user_id, account_id=account_id, **terms)
        session.add(strategy)
        session.flush()
        return Desk(site, visit, account_id, strategy.id)


def _account(site: FactorSite, user_id: int) -> int:
    with site.runtime.database.tenant(site.tenant_id) as session:
        row = Account(
            tenant_id=site.tenant_id,
            user_id=user_id,
            venue="binance",
            environment=Environment.LAB,
            label="Main",
            shard="binance-lab:0",
            sealed_key=b"sealed",
        )
        session.add(row)
        session.flush()
        return row.id


def test_the_door_lists_ones_own_accounts(desk: Desk) -> None:
    page = unescape(desk.visit.get("/terminal").text)
    assert f'href="{desk.page}"' in page
    assert "leads Led by hand" in page
    stranger = desk.site.person(Role.TRADER)
    assert stranger.set_up_app().status_code in {200, 303}
    assert "No account yet" in stranger.get("/terminal").text
    assert stranger.get(desk.page).status_code == 404


def test_the_page_shows_what_is_known_and_a_dash_for_the_rest(desk: Desk) -> None:
    page = desk.show(SWAP)
    assert "64,000.00" in page
    assert "0.0100 %" in page.replace("\u00a0", " ")
    assert "The account is being read" in page
    assert 'data-live-on="order position"' in page
    assert "None" not in page
    assert "NaN" not in page
    position = HeldPosition(SWAP, D("0.02"), PositionSide.NET, D(60000), D(64000), 10, MarginMode.CROSS, D(80), None)
    desk.see("10000", position)
    page = desk.show(SWAP).replace("\u00a0", " ")
    assert "10,000.00 USDT" in page
    assert "10× · cross" in page
    assert "+80.00 USDT" in page
    assert "Close at market" in page
    assert "Sell all at market" in page
    assert desk.visit.get(f"{desk.page}?symbol=DOGE/USDT").status_code == 404


def test_an_order_is_stored_once_however_often_it_is_sent(desk: Desk) -> None:
    fields = {"qty": "0.01", "px": "60000", "ticket": "the-same"}
    first, second = desk.send(**fields), desk.send(**fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == f"{desk.page}?symbol=BTC%2FUSDT#orders"
    (order,) = desk.orders()
    assert (order.state, order.strategy_id, order.planned.px) == (OrderState.PLANNED, desk.strategy_id, D(60000))
    page = desk.show()
    assert "Waiting to be sent" in page
    assert "An order is on its way" in page


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(desk: Desk) -> None:
    answer = desk.send(qty="0.01", px="60000.001", take_profit_px="1")
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert "enter 60000 or 60000.01" in page
    assert 'value="60000.001"' in page
    assert 'id="error-take_profit_px"' in page
    assert desk.orders() == []


def test_the_estimate_counts_followers_below_the_minimum(desk: Desk) -> None:
    desk.see("10000")
    accounts = {amount: _account(desk.site, desk.site.person().user_id) for amount in (10, 20, 5000)}
    with desk.site.runtime.database.tenant(desk.site.tenant_id) as session:
        for allocation, account_id in accounts.items():
            row = Subscription(
                tenant_id=desk.site.tenant_id,
                strategy_id=desk.strategy_id,
                account_id=account_id,
                allocation=D(allocation),
                sizing_mode="equity_ratio",
            )
            session.add(row)
    page = unescape(desk.send("estimate", qty="0.01", px="60000").text).replace("\u00a0", " ")
    assert "2 of 3 followers are below the minimum of their exchange with this order." in page
    assert "600.00 USDT" in page
    assert "6.0 % of the equity" in page
    assert desk.orders() == []


def test_a_large_market_order_is_asked_about_once_more(desk: Desk) -> None:
    desk.see("1000000")
    assert desk.send(type="market", qty="0.01").status_code == 303
    desk.see("1000")
    asked = desk.send(type="market", qty="0.01")
    assert asked.status_code == 200
    assert "Buy 0.01 BTC now" in unescape(asked.text)
    assert len(desk.orders()) == 1
    assert desk.send(type="market", qty="0.01", confirmed="yes").status_code == 303
    assert len(desk.orders()) == 2


def test_exits_of_an_entry_wait_and_those_of_a_position_do_not(desk: Desk) -> None:
    answer = desk.send(symbol=SWAP, qty="0.01", px="60000", take_profit_px="70000", stop_loss_px="50000")
    assert answer.status_code == 303
    loss, gain, entry = desk.orders()
    assert (entry.waits, gain.waits, loss.waits) == (False, True, True)
    assert gain.group_id == loss.group_id == entry.id
    assert "Waits for its entry" in desk.show(SWAP)
    desk.see("10000", HeldPosition(SWAP, D("0.02"), PositionSide.NET))
    assert 'id="error-gain_px"' in desk.send("exits", SWAP, gain_px="60000").text
    assert desk.send("exits", SWAP, loss_px="60000").status_code == 303
    newest = desk.orders()[0]
    assert (newest.planned.qty, newest.planned.stop_px, newest.waits) == (D("0.02"), D(60000), False)


def test_acts_are_rows_for_the_desk(desk: Desk) -> None:
    desk.send(qty="0.01", px="60000")
    (order,) = desk.orders()
    assert desk.send("cancel", order=str(order.id)).status_code == 303
    assert desk.send("cancel", order=str(order.id + 1000)).status_code == 404
    assert desk.send("cancel").status_code == 422
    refused = desk.send("leverage", SWAP, leverage="200", margin_mode="isolated")
    assert refused.status_code == 422
    # What was typed stays in the form that says what is wrong with it.
    assert 'name="leverage" type="text" inputmode="decimal" value="200"' in refused.text
    assert '<option value="isolated" selected>' in refused.text
    assert desk.send("leverage", SWAP, leverage="5", margin_mode="isolated").status_code == 303
    assert desk.send("close", SWAP).status_code == 303
    assert desk.send("cancel-all").status_code == 303
    assert "Close all positions?" in desk.send("close-all").text
    assert desk.send("close-all", confirmed="yes").status_code == 303
    assert desk.acts() == [
        ("close_all", SPOT, {}),
        ("cancel_all", SPOT, {}),
        ("close_position", SWAP, {}),
        ("leverage", SWAP, {"leverage": 5, "margin_mode": "isolated"}),
        ("cancel", SPOT, {"order_id": order.id}),
    ]
    assert "Set leverage and margin mode" in desk.show(SWAP)


def test_what_is_over_is_listed_with_its_reason(desk: Desk) -> None:
    desk.send(qty="0.01", px="60000")
    with desk.site.runtime.database.tenant(desk.site.tenant_id) as session:
        mine = TerminalOrder.account_id == desk.account_id
        values = {"state": "rejected", "reason": "insufficient_balance", "done_at": NOW}
        session.execute(update(TerminalOrder).where(mine).values(values))
    assert "The account has not enough money for it." in desk.show()
    assert "Rejected" in unescape(desk.visit.get(f"{desk.page}/history").text)


def test_chart_and_book_are_told_as_data(desk: Desk, redis: Redis) -> None:
    board, minute = MarketBoard(redis), int(NOW.timestamp()) - 60
    board.write_minute(PLACE, SPOT, minute, Candle(D(1), D(3), D("0.5"), D(2)))
    board.write_book(PLACE, SPOT, BookView([(D(63999), D(1))], [(D(64001), D(2))], 1))
    market = desk.visit.get(f"{desk.page}/market?symbol={SPOT}&interval=1m").json
    told = {"at": [minute], "open": [1.0], "high": [3.0], "low": [0.5], "close": [2.0], "px": "64000"}
    assert market == told | {"from": "asked"}
    assert board.asked_bars(PLACE, SPOT) == [Interval.M1]
    assert desk.visit.get(f"{desk.page}/book?symbol={SPOT}").json["asks"] == [["64001", "2"]]
    assert desk.visit.get(f"{desk.page}/book?symbol={SWAP}").json["asks"] == []


def test_the_chart_is_of_the_exchanges_candles_or_says_that_there_are_none(desk: Desk, redis: Redis) -> None:
    board, hour = MarketBoard(redis), int(NOW.timestamp()) // 3600 * 3600
    seen = Candle(D(7), D(9), D(6), D(8))
    board.write_minute(PLACE, SPOT, int(NOW.timestamp()), seen)
    board.write_bars(PLACE, SPOT, Interval.H1, Bars())
    address = f"{desk.page}/market?symbol={SPOT}&interval=1h"
    assert desk.visit.get(address).json["from"] == "seen"
    read = Bars(hour - 1, {hour - 3600: Candle(D(1), D(3), D(1), D(2)), hour: Candle(D(2), D(2), D(2), D(2))})
    board.write_bars(PLACE, SPOT, Interval.H1, read)
    board.write_bars(PLACE, SPOT, Interval.H1, Bars())  # A reading that fails takes nothing away.
    market = desk.visit.get(address).json
    assert (market["from"], market["at"], market["close"]) == ("exchange", [hour - 3600, hour], [2.0, 8.0])
    page = desk.visit.get(f"{desk.page}?symbol={SPOT}&interval=1h").text
    assert 'data-interval="1h"' in page
    assert 'data-zone="' in page


def test_who_opens_the_terminal_is_looked_at_without_delay(desk: Desk, redis: Redis) -> None:
    with redis.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(CHANNEL)
        channel.get_message(timeout=5)
        desk.show()
        message = channel.get_message(timeout=5)
        assert message is not None
        assert read_news(message["data"]) == desk.site.tenant_id
        desk.show()
        assert channel.get_message() is None


def test_an_order_that_rests_is_changed_on_a_page_of_its_own(desk: Desk) -> None:
    desk.send(qty="0.01", px="60000")
    (order,) = desk.orders()
    page = f"{desk.page}/amend?order={order.id}&symbol={SPOT}"
    assert "cannot be changed" in desk.visit.get(page).text
    assert desk.send("amend", order=str(order.id), px="61000").status_code == 422
    with desk.site.runtime.database.tenant(desk.site.tenant_id) as session:
        session.execute(
            update(TerminalOrder).where(TerminalOrder.id == order.id).values(state="open", venue_order_id="7")
        )
    assert f"/amend?order={order.id}" in desk.show()
    assert 'value="60000"' in desk.visit.get(page).text
    wrong = desk.send("amend", order=str(order.id), qty="0.01", px="60000.001")
    assert wrong.status_code == 422
    assert 'id="error-px"' in wrong.text
    assert 'value="60000.001"' in wrong.text
    assert desk.send("amend", order=str(order.id), qty="0.02", px="61000").status_code == 303
    assert desk.acts() == [("amend", SPOT, {"order_id": order.id, "qty": "0.02", "px": "61000"})]
    assert desk.visit.get(f"{desk.page}/amend?order={order.id + 1000}&symbol={SPOT}").status_code == 404


def test_exits_that_are_set_take_the_place_of_those_before(desk: Desk) -> None:
    desk.see("10000", HeldPosition(SWAP, D("0.02"), PositionSide.NET, D(60000)))
    assert "Close a part" in desk.show(SWAP)
    reducing = unescape(desk.visit.get(f"{desk.page}?symbol={SWAP}&reduce=yes").text)
    assert re.search(r'name="side" value="sell" checked', reducing)
    assert re.search(r'name="reduce_only" value="yes" checked', reducing)
    assert desk.send("exits", SWAP, gain_px="70000", loss_px="50000").status_code == 303
    old = sorted(one.id for one in desk.orders())
    assert re.search(r'name="gain_px"[^>]* value="70000"', desk.show(SWAP))
    assert desk.send("exits", SWAP, gain_px="71000", loss_px="1").status_code == 303
    new = min({one.id for one in desk.orders()} - set(old))
    canceled = [facts for kind, _, facts in desk.acts() if kind == "cancel"]
    assert sorted(one["order_id"] for one in canceled) == old
    assert {one["after"] for one in canceled} == {new}
    assert desk.send("exits", SWAP, gain_px="", loss_px="").status_code == 303
    assert len([1 for kind, _, facts in desk.acts() if kind == "cancel" and "after" not in facts]) == 4


def test_without_the_exchanges_rules_nothing_is_guessed(desk: Desk, redis: Redis) -> None:
    redis.flushall()
    page = desk.show()
    assert "The rules of this market are not known at the moment" in page
    assert desk.send(qty="0.01", px="60000").status_code == 422
    assert desk.orders() == []
