"""A statement says what is stored: the same money as the earnings, to the last digit, and of nobody else."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.kernel import NotFound, utc_now
from copydesk.performance.rebuild import rebuild_strategy
from copydesk.replication import read_earnings
from copydesk.replication.adjustments import Adjusts, write_down
from copydesk.replication.doors import Doorway
from copydesk.statements import MovementKind, Period, PeriodKind, Statement, SubscriptionPart, read_statement
from copydesk.tenancy import Tenant, TenantDirectory
from copydesk.trading import PositionSide, Side
from desk_site import Opens, Site
from paper_exchange import PERPETUAL, D
from shared_site import second_strategy
from sqlalchemy import text

ROOT = Path(__file__).parents[3]
BUY, SELL = Side.BUY, Side.SELL
MARK, CENT = D(52_000), D("0.01")
NOW = datetime(2099, 1, 1, tzinfo=UTC)
EVER = Period("ever", PeriodKind.RANGE, datetime(2000, 1, 1, tzinfo=UTC), NOW)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def brand() -> Tenant:
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    found = directory.by_slug("aurora")
    assert found is not None
    return found


def traded(site: Site) -> Site:
    """Trade a perpetual and a coin with fees, pay funding, and lose a part to a liquidation."""
    worker = site.worker()
    for side, qty, symbol in (
        (BUY, "0.5", PERPETUAL),
        (SELL, "0.2", PERPETUAL),
        (BUY, "0.4", "BTC/USDT"),
        (SELL, "0.4", "BTC/USDT"),
    ):
        site.trade(side, qty, symbol=symbol, fee="0.1")
        worker.drain()
    with site.db.tenant(site.tenant_id) as session:
        door = Doorway(site.subscriptions[0], PERPETUAL, PositionSide.NET)
        assert write_down(session, door, D("-0.001"), Adjusts.LIQUIDATED, px=D(40_000))
    pay = (
        "INSERT INTO funding_payment (tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at)"
        " VALUES (:tenant_id, :account, 'p', :id, :symbol, -0.37, 'USDT', now())"
    )
    keys = {"tenant_id": site.tenant_id, "account": site.accounts[0], "symbol": PERPETUAL}
    site.act(pay, id=site.subscriptions[0], **keys)
    return site


def owner(site: Site, number: int = 0) -> int:
    return int(site.rows("SELECT user_id FROM account WHERE id = :id", id=site.accounts[number])[0][0])


def statement(site: Site, brand: Tenant, user_id: int, period: Period = EVER) -> Statement:
    with site.db.tenant(site.tenant_id) as session:
        return read_statement(session, brand, user_id, period, now=min(NOW, period.until))


def mine(site: Site, brand: Tenant, period: Period = EVER) -> SubscriptionPart:
    return statement(site, brand, owner(site), period).subscriptions[0]


def mark(site: Site, px: object, at: datetime) -> None:
    with site.db.installation() as session:
        session.execute(text("SELECT performance_room('mark_minute', :at, :at)"), {"at": at})
        row = {"symbol": PERPETUAL, "at": at, "px": px}
        session.execute(text("INSERT INTO mark_minute VALUES ('binance-lab', :symbol, :at, :px)"), row)


def test_a_statement_of_all_time_is_what_the_earnings_say(site: Site, brand: Tenant) -> None:
    traded(site)
    part = mine(site, brand)
    prices = {held.symbol: held.px for held in part.held}
    with site.db.tenant(site.tenant_id) as session:
        found = read_earnings(session, site.subscriptions)[site.subscriptions[0]]
    assert part.money.net == found.net(prices)["USDT"]  # type: ignore[arg-type]
    assert part.money.closing == 1_000 + part.money.net
    assert part.money.funding == D("-0.37") and part.money.fees > 0


def test_what_is_open_is_worth_the_newest_price_of_a_minute(opens: Opens, brand: Tenant) -> None:
    site = traded(opens())
    mark(site, MARK, NOW - 2 * DAY)
    mark(site, 99_999, NOW + DAY)
    held = next(one for one in mine(site, brand).held if one.symbol == PERPETUAL)
    assert (held.px, held.unrealized) == (MARK, held.qty * MARK - held.cost)


def test_copies_are_listed_with_what_came_of_them(opens: Opens, brand: Tenant) -> None:
    site = traded(opens())
    part = mine(site, brand)
    stored = site.rows("SELECT status, count(*) FROM copy GROUP BY status ORDER BY 2 DESC, 1")
    assert [(one.status, one.copies) for one in part.outcomes] == [(row[0], row[1]) for row in stored]
    orders = site.rows("SELECT id, signal_id, cum_qty FROM copy ORDER BY planned_at, id")
    assert [(int(copy.reference), copy.signal_id, copy.qty) for copy in part.copies] == [tuple(row) for row in orders]


def test_before_the_first_trade_there_is_nothing(opens: Opens, brand: Tenant) -> None:
    site = traded(opens())
    early = Period("early", PeriodKind.RANGE, EVER.since, EVER.since + DAY)
    assert statement(site, brand, owner(site), early).subscriptions == ()
    after = Period("after", PeriodKind.RANGE, NOW - DAY, NOW)
    part = mine(site, brand, after)
    assert (part.money.net, part.movements, part.money.opening) == (0, (), part.money.closing)


def test_a_trader_sees_followers_in_aggregate_and_no_name(opens: Opens, brand: Tenant) -> None:
    site = traded(opens())
    trader = int(site.rows("SELECT trader_id FROM strategy")[0][0])
    (part,) = statement(site, brand, trader).strategies
    assert (part.followers.joined, part.followers.after, part.followers.allocation) == (1, 1, 1_000)
    assert {type(getattr(part.followers, one.name)) for one in fields(part.followers)} == {int, Decimal}
    assert part.closed and {line.kind for line in part.movements} == {MovementKind.FILL}


def test_nobody_elses_rows_are_in_it(opens: Opens, brand: Tenant) -> None:
    site, other = opens(), opens()
    second_strategy(site)
    with pytest.raises(NotFound):
        statement(site, brand, owner(other))
    assert len(statement(site, brand, owner(site)).subscriptions) == 2
    assert len(statement(other, brand, owner(other)).subscriptions) == 1


def test_it_agrees_to_the_cent_with_the_figures_that_pages_show(opens: Opens, brand: Tenant) -> None:
    site = opens()
    began = utc_now() - timedelta(minutes=30)
    sample = "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) VALUES (:tenant_id, :id, :at, 100000)"
    site.act(sample, tenant_id=site.tenant_id, id=site.leader.strategy_id, at=began)
    site.act("UPDATE subscription SET created_at = :at WHERE id = :id", at=began, id=site.subscriptions[0])
    traded(site)
    now = utc_now() + timedelta(minutes=5)
    mark(site, MARK, now.replace(second=0, microsecond=0))
    with site.db.tenant(site.tenant_id) as session:
        rebuild_strategy(session, brand, site.leader.strategy_id, now=now)
    (kept,) = site.rows("SELECT equity, net_result, money_weighted FROM subscription_figures")
    until_now = Period("so far", PeriodKind.RANGE, EVER.since, now)
    part = mine(site, brand, until_now)
    assert [abs(part.money.closing - kept.equity) < CENT, abs(part.money.net - kept.net_result) < CENT] == [True, True]
    assert part.money_weighted is not None and abs(part.money_weighted - kept.money_weighted) < D("1e-6")
    assert part.fall is not None and 0 < part.fall < 1
    trader = statement(site, brand, owner(site), until_now).strategies[0]
    assert trader.opening == 100_000 and trader.months and trader.followers.counted == 1
    assert abs(trader.followers.net - part.money.net) < CENT
