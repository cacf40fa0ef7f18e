"""A strategy's closed positions as its page lists them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.db import Database, TenantSession
from copydesk.performance.page import closed_positions, strategy_id_of
from copydesk.replication.tables import LeaderBook
from copydesk.trading import Side
from ranking_seed import NOW, D, add_strategy, add_trades
from record_site import open_record

SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


def test_a_position_tells_prices_result_and_time(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    add_trades(session, id_, (SPOT, "1", "100", "1"), (SPOT, "1", "110", "1"), (SPOT, "-2", "120", "2"))
    page = closed_positions(session, id_)
    (position,) = page.positions
    assert (page.page, page.pages, page.total) == (1, 1, 1)
    assert (position.symbol, position.side, position.qty) == (SPOT, "long", 2)
    assert (position.entry_px, position.exit_px, position.net) == (105, 120, 26)
    assert (position.opened_at, position.closed_at) == (NOW, NOW + timedelta(minutes=2))


def test_a_trade_through_nothing_ends_one_position_and_begins_another(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    add_trades(session, id_, (PERPETUAL, "1", "100", "0"), (PERPETUAL, "-3", "110", "0"), (PERPETUAL, "2", "90", "0"))
    short, long = closed_positions(session, id_).positions
    assert (long.side, long.qty, long.entry_px, long.exit_px, long.net) == ("long", 1, 100, 110, 10)
    assert (short.side, short.qty, short.entry_px, short.exit_px, short.net) == ("short", 2, 110, 90, 40)


def test_what_the_account_held_before_is_a_position_from_its_first_trade_on(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    held = LeaderBook(tenant_id=session.tenant_id, strategy_id=id_, symbol=PERPETUAL, qty=D(0), last_px=D(90))
    held.base_qty = D(-1)
    session.add(held)
    session.flush()
    add_trades(session, id_, (PERPETUAL, "-1", "100", "0"), (PERPETUAL, "2", "90", "0"))
    (position,) = closed_positions(session, id_).positions
    assert (position.side, position.qty, position.entry_px, position.exit_px) == ("short", 2, 100, 90)


def test_spot_that_was_bought_elsewhere_is_no_position_when_it_is_sold(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    add_trades(session, id_, (SPOT, "1", "100", "0"), (SPOT, "-5", "120", "0"))
    (position,) = closed_positions(session, id_).positions
    assert (position.qty, position.net) == (1, 20)


def test_pages_hold_twenty_five_the_newest_first_and_end(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    add_trades(session, id_, *((SPOT, side, str(100 + number), "0") for number in range(26) for side in ("1", "-1")))
    first, last, beyond = (closed_positions(session, id_, page=page) for page in (1, 2, 9))
    assert (len(first.positions), first.pages, first.total) == (25, 2, 26)
    assert first.positions[0].entry_px == 125
    assert last.positions == beyond.positions
    assert [position.entry_px for position in last.positions] == [100]


def test_without_trades_there_is_one_empty_page(session: TenantSession) -> None:
    page = closed_positions(session, add_strategy(session, "dawn"))
    assert (page.positions, page.page, page.pages, page.total) == ((), 1, 1, 0)


def test_the_list_holds_the_positions_that_the_figures_count(db: Database) -> None:
    site = open_record(db)
    for day, (coin, fee) in enumerate((("BTC", "0.002"), ("BNB", "0.01"), ("USDT", "0.5"))):
        site.mark("300", symbol="BNB/USDT")
        site.wait(61)
        site.trade(Side.BUY, "2", str(100 + day), fee=fee, coin=coin)
        site.trade(Side.SELL, "3", "101", symbol=PERPETUAL, fee="0.1")
        site.wait(300)
        site.trade(Side.SELL, "5", "102", fee="0.3")
        site.trade(Side.BUY, "4" if day else "3", str(99 + day), symbol=PERPETUAL, fee="0.1")
        site.wait(600)
        site.update()
    site.wait(600)
    site.update()
    figures = site.figures()
    with db.tenant(site.tenant_id) as session:
        page = closed_positions(session, strategy_id_of(session, "calm"))
    assert page.total == figures["closed"] > 4
    assert float(sum(one.net for one in page.positions)) == pytest.approx(figures["expectancy"] * page.total, rel=1e-8)
