"""Figures follow what is traded, and come out the same when they are computed anew from raw rows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from copydesk.analytics.record import DAY_S
from copydesk.db import Database
from copydesk.kernel import NotFound
from copydesk.performance.audit_run import check_tenant, compare_tenant, same
from copydesk.performance.keep import Kept, update_strategy
from copydesk.performance.marks import MarkCache, held_symbols, marks_of, record_marks
from copydesk.performance.points import Owner, curve, forget, make_room
from copydesk.performance.rebuild import rebuild_tenant
from copydesk.performance.roster import due_strategies
from copydesk.performance.told import strategy_told
from copydesk.replication.profit import Traded, WrittenOff, earned
from copydesk.trading import Side
from record_site import BEGIN, BTC, PERP, RecordSite, open_record

D = Decimal


@pytest.fixture
def site(db: Database) -> RecordSite:
    return open_record(db)


def trade_for_days(site: RecordSite, days: int) -> None:
    """Trade spot and perpetual, long and short, with fees in quote, base and a third coin; follow it as it goes."""
    for day in range(days):
        site.wait(DAY_S / 2 - 600)
        site.mark("300", symbol="BNB/USDT")
        site.wait(61)
        site.trade(Side.BUY, "1", str(100 + day), fee="0.001", coin="BTC")
        site.fill(Side.BUY, "0.1", str(100 + day), fee="0.0001", coin="BTC")
        site.wait(20)
        site.trade(Side.SELL, "20", "101", symbol=PERP, fee="0.001", coin="BNB")
        site.fill(Side.SELL, "2", "101", symbol=PERP, fee="0.02")
        site.update()
        site.update_all()
        for minute in range(4):
            site.wait(61)
            site.mark(str(103 + day - minute))
            site.mark(str(101 + 3 * minute), symbol=PERP)
            if minute != 1:
                site.update()
        site.wait(7)
        site.trade(Side.BUY, "20", "99" if day % 3 else "104", symbol=PERP, fee="0.5")
        site.fill(Side.BUY, "2", "99" if day % 3 else "104", symbol=PERP, fee="0.05")
        site.update_all()
        site.wait(40)
        site.trade(Side.SELL, "0.999", str(102 + day % 2), fee="0.1")
        site.fill(Side.SELL, "0.0999", str(102 + day % 2), fee="0.01")
        site.update_all()
        site.wait(DAY_S / 2)
    site.update_all()


def test_a_recomputation_reproduces_every_number_that_was_computed_step_by_step(site: RecordSite) -> None:
    trade_for_days(site, 3)
    assert check_tenant(site.db, site.tenant, now=site.at).differences == ()
    before = site.everything()

    rebuilt = rebuild_tenant(site.db, site.tenant, now=site.at)

    after = site.everything()
    assert (rebuilt.strategies, rebuilt.subscriptions, site.figures()["closed"]) == (1, 1, 6)
    for stored, made in zip(before, after, strict=True):
        assert len(stored) == len(made) > 0
        pairs = [(old, new) for (old,), (new,) in zip(stored, made, strict=True)]
        assert [(name, old[name]) for old, new in pairs for name in old if not same(old[name], new[name])] == []
    assert len(after[2]) > 30
    assert {grain for (point,) in after[2] for grain in [point["grain"]]} == {"minute", "hour", "day"}


def test_the_check_finds_what_somebody_changed_and_a_recomputation_repairs_it(site: RecordSite) -> None:
    site.wait(70)
    site.trade(Side.BUY, "1", "100")
    site.wait(70)
    site.trade(Side.SELL, "1", "110")
    site.wait(5)
    site.update_all()
    site.act("UPDATE strategy_figures SET return_all = 0.5, figures = figures || '{\"closed\": 7}'")
    site.act("UPDATE performance_point SET equity = 1 WHERE grain = 'day' AND owner = 'strategy'")

    checked = check_tenant(site.db, site.tenant, now=site.at)

    found = {one.figure: (one.stored, one.recomputed) for one in checked.differences}
    assert set(found) == {"return_all", "closed", "points_day"}
    assert (found["closed"], found["return_all"][0]) == ((7, 1), 0.5)
    assert found["return_all"][1] == pytest.approx(0.001)
    ((count, took_ms),) = site.rows("SELECT jsonb_array_length(differences), took_ms FROM figures_check")
    assert (count, took_ms >= 0) == (3, True)
    rebuild_tenant(site.db, site.tenant, now=site.at)
    with site.db.tenant(site.tenant_id) as session:
        assert compare_tenant(session, site.tenant, now=site.at) == []


def test_a_fill_that_comes_late_counts_as_if_it_had_come_in_time(site: RecordSite) -> None:
    site.wait(60)
    site.trade(Side.BUY, "10", "100")
    site.wait(300)
    site.update()
    site.wait(900)
    site.update()
    site.trade(Side.SELL, "10", "120", ago_s=600)
    site.wait(1)

    late = site.update()

    assert late.rebuilt
    assert site.figures()["equity"] == pytest.approx(10_200)
    assert site.figures()["time_in_market"] == pytest.approx(600 / 1260, rel=0.01)
    with site.db.tenant(site.tenant_id) as session:
        assert compare_tenant(session, site.tenant, now=site.at) == []


def test_what_a_close_leaves_over_counts_as_sold_however_often_figures_are_followed(site: RecordSite) -> None:
    for side, qty in ((Side.BUY, "1"), (Side.SELL, "0.9995"), (Side.BUY, "1"), (Side.SELL, "1.0005")):
        site.wait(300)
        site.trade(side, qty, "100", fee="1")
        site.wait(300)
        site.update()

    assert site.figures()["costs"] == pytest.approx(3 + 1 / 1.0005)
    assert (site.figures()["closed"], site.figures()["open"]) == (2, 0)
    with site.db.tenant(site.tenant_id) as session:
        assert compare_tenant(session, site.tenant, now=site.at) == []


def test_a_deposit_is_seen_and_changes_no_return(site: RecordSite) -> None:
    for equity in ("10000", "10003", "10002", "15002", "15001"):
        site.wait(5)
        site.sample(equity)
    site.wait(60)
    site.trade(Side.BUY, "10", "100")
    site.wait(8)
    site.sample("15001")
    site.wait(70)
    site.trade(Side.SELL, "10", "115")
    site.wait(8)
    site.sample("15151")
    site.wait(10)
    site.update()
    site.wait(70)
    site.sample("14151")
    site.wait(20)
    site.update()

    figures = site.figures()
    assert site.rows("SELECT kind, amount FROM cash_flow WHERE strategy_id IS NOT NULL ORDER BY at") == [
        ("opening", D(10_000)),
        ("observed", D(5_000)),
        ("observed", D(-1_000)),
    ]
    assert figures["equity"] == pytest.approx(14_150)
    assert figures["return_all"] == pytest.approx(0.01)
    assert figures["unexplained"] == pytest.approx(1)


def test_what_a_leader_sells_of_earlier_holdings_is_no_part_of_the_record(site: RecordSite) -> None:
    site.wait(60)
    site.trade(Side.BUY, "1", "100")
    site.wait(60)
    site.trade(Side.SELL, "5", "110")
    site.wait(60)
    site.mark("500")
    site.wait(180)
    site.update()

    figures = site.figures()
    assert (figures["equity"], figures["open"]) == (pytest.approx(10_010), 0)


def test_a_follower_is_worth_what_their_books_earned_with_funding_and_what_their_owner_took_over(
    site: RecordSite,
) -> None:
    site.wait(60)
    site.fill(Side.BUY, "0.5", "100", fee="0.0005", coin="BTC")
    site.fill(Side.BUY, "3", "100", symbol=PERP, fee="0.3")
    site.wait(200)
    site.act(_ADJUST, id=site.subscription_id, symbol=PERP, qty=D(-1), px=D(90), at=site.at)
    site.update_all()
    site.act(_ADJUST, id=site.subscription_id, symbol=BTC, qty=D("-0.2"), px=None, at=site.wait(1))
    site.act(_FUND, id=site.subscription_id, account=site.follower_account, at=site.at - timedelta(seconds=150))
    site.wait(400)
    site.mark("120", symbol=PERP)
    site.mark("130")
    site.wait(61)

    site.update_all()

    with site.db.tenant(site.tenant_id) as session:
        assert compare_tenant(session, site.tenant, now=site.at) == []
    spot = earned(BTC, [Traded(Side.BUY, D("0.5"), D(100), D("0.0005"), "BTC"), WrittenOff(D("-0.2"))])
    perp = earned(PERP, [Traded(Side.BUY, D(3), D(100), D("0.3"), "USDT"), WrittenOff(D(-1), D(90))])
    held = spot.realized + spot.unrealized(D(130)) + perp.realized + perp.unrealized(D(120))
    net = held - D("0.3") - D("0.7")
    followed = site.followed()
    assert followed["equity"] == pytest.approx(float(1_000 + net))
    assert followed["net_result"] == pytest.approx(float(net))
    assert followed["money_weighted"] == pytest.approx(float(net) / 1_000)
    assert followed["tracking_difference"] == pytest.approx(float(net) / 1_000)
    assert site.figures()["follower_return"] is None, "one follower's result is that follower's"


def test_a_changed_allocation_is_a_flow_and_no_result(site: RecordSite) -> None:
    site.wait(60)
    site.update_all()
    site.act("UPDATE subscription SET allocation = 1500")
    site.wait(3_700)
    site.update_all()

    kinds = site.rows("SELECT kind, amount FROM cash_flow WHERE subscription_id IS NOT NULL ORDER BY at")
    assert kinds == [("opening", D(1_000)), ("allocation", D(500))]
    assert (site.followed()["equity"], site.followed()["net_result"]) == (1_500, 0)


def test_only_what_is_behind_is_due(site: RecordSite) -> None:
    def due() -> bool:
        with site.db.tenant(site.tenant_id) as session:
            return due_strategies(session, now=site.at) == [site.strategy_id]

    told = [due()]
    site.update_all()
    told.append(due())
    site.wait(60)
    site.trade(Side.BUY, "1", "100")
    told.append(due())
    assert site.update() != Kept(0, 0)
    told.append(due())
    assert site.update() == Kept(0, 0)
    site.wait(60)
    told.append(due())
    site.trade(Side.SELL, "1", "100")
    site.update()
    site.wait(60)
    told.append(due())
    site.fill(Side.BUY, "1", "100")
    told.append(due())
    assert told == [True, False, True, False, True, False, True]


def test_points_are_made_by_the_minute_while_something_is_open(site: RecordSite) -> None:
    site.wait(30)
    site.trade(Side.BUY, "10", "100")
    for px in ("90", "130", "95"):
        site.mark(px)
        site.wait(60)
    site.trade(Side.SELL, "10", "101")
    site.wait(7_200)
    site.update()

    with site.db.tenant(site.tenant_id) as session:
        shown = curve(session, Owner.STRATEGY, site.strategy_id)
        bounds = {"since": BEGIN, "until": BEGIN + timedelta(minutes=9)}
        few = curve(session, "strategy", site.strategy_id, **bounds, points_max=4)
        none = curve(session, Owner.STRATEGY, 0)
    assert [round(equity) for equity in shown.equity] == [10_000, 9_900, 10_300, 9_950, 10_010]
    assert shown.at[0] == BEGIN
    assert max(shown.drawdown) == pytest.approx(D("0.033981"), abs=D("0.000001"))
    assert (max(few.index), few.index[-1]) == (max(shown.index), shown.index[-1])
    assert none.at == ()
    hours = site.rows("SELECT at, index_low, index_high, index_close FROM performance_point WHERE grain = 'hour'")
    assert [tuple(map(float, row[1:])) for row in hours[-1:]] == [(0.99, 1.03, 1.001)]


def test_a_price_counts_from_the_next_minute_on_and_is_never_changed(site: RecordSite) -> None:
    symbol, at = "NEW/USDT", BEGIN + timedelta(seconds=20)

    def px(minutes: float) -> list[float]:
        since = BEGIN + timedelta(minutes=minutes)
        with site.db.installation() as session:
            found = marks_of(
                session, site.place, [symbol, "NONE/USDT"], since=since, until=BEGIN + timedelta(minutes=9)
            )
            cached = MarkCache(BEGIN, BEGIN + timedelta(days=1))(
                session, site.place, [symbol], since=since, until=BEGIN + timedelta(minutes=9)
            )
        line = found[symbol]
        assert line.px.tolist() == cached[symbol].px.tolist()
        return [float(price) for price in line.px]

    stored = [record_marks(site.db, site.place, {symbol: D(price)}, at) for price in ("5", "6")]
    stored += [record_marks(site.db, site.place, {symbol: D(7)}, BEGIN + timedelta(minutes=3)), 0]
    assert stored == [1, 0, 1, 0]
    assert (px(0), px(1), px(2), px(5)) == ([5, 7], [5, 7], [5, 7], [7])


def test_prices_are_wanted_of_what_is_held_and_of_coins_that_fees_are_paid_in(site: RecordSite) -> None:
    site.trade(Side.BUY, "1", "100", fee="0.01", coin="BNB")
    site.trade(Side.BUY, "1", "100", symbol="ETH/USDT")
    site.trade(Side.SELL, "1", "100", symbol="ETH/USDT")

    assert held_symbols(site.db, [site.tenant_id]) == {site.place: {BTC, "BNB/USDT"}}


def test_who_was_never_told_an_equity_has_no_figures(site: RecordSite) -> None:
    site.act("DELETE FROM equity_point")
    site.trade(Side.BUY, "1", "100")

    assert site.update() == Kept(0, 0)
    with site.db.tenant(site.tenant_id) as session:
        assert due_strategies(session, now=site.at) == []
        assert strategy_told(session, "calm").as_of is None
        with pytest.raises(NotFound, match="there is no strategy 0"):
            update_strategy(session, site.tenant, 0, now=site.at)


def test_old_minutes_are_forgotten_and_young_ones_kept(site: RecordSite) -> None:
    made = make_room(site.db, since=BEGIN, until=BEGIN + timedelta(days=21))
    site.wait(60)
    site.trade(Side.BUY, "10", "100")
    site.wait(60)
    site.update()

    def grains() -> set[str]:
        return {grain for (grain,) in site.rows("SELECT DISTINCT grain FROM performance_point")}

    assert made > 0
    assert make_room(site.db, since=BEGIN, until=BEGIN + timedelta(days=21)) == 0
    forget(site.db, now=BEGIN + timedelta(days=34))
    assert grains() == {"minute", "hour", "day"}
    assert forget(site.db, now=BEGIN + timedelta(days=45)) > 0
    assert grains() == {"hour", "day"}


_ADJUST = """
    INSERT INTO book_adjustment (tenant_id, subscription_id, symbol, position_side, qty, px, reason, at)
    VALUES (:tenant_id, :id, :symbol, 'net', :qty, :px, 'detached', :at)
"""
_FUND = """
    INSERT INTO funding_payment (tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at)
    VALUES (:tenant_id, :account, 'p1', :id, 'BTC/USDT:USDT', -0.7, 'USDT', :at)
"""
