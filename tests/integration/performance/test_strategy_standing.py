"""What the page of one strategy reads: score, followers, months, lifetime; and strategies beside each other."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.performance.board import leaderboard
from copydesk.performance.followed import read_truth
from copydesk.performance.lifetime import lifetime
from copydesk.performance.page import compare, equity, standing, strategy_id_of
from copydesk.performance.subject import read_strategy
from copydesk.performance.tables import PerformancePoint, SubscriptionFigures
from copydesk.replication.tables import Subscription
from copydesk.replication.usage import crowd_now
from copydesk.trading import Side
from copydesk.vault import Account
from ranking_seed import NOW, D, add_follower, add_person, add_strategy, brand
from record_site import open_record
from sqlalchemy import select, update


def add_result(session: TenantSession, strategy_id: int, result: str, difference: str = "-0.01") -> None:
    """Store a follower with this money-weighted result."""
    session.add(
        SubscriptionFigures(
            tenant_id=session.tenant_id,
            subscription_id=add_follower(session, strategy_id),
            strategy_id=strategy_id,
            as_of=NOW,
            cursor={},
            summary={},
            figures={},
            money_weighted=D(result),
            tracking_difference=D(difference),
        )
    )
    session.flush()


def add_day(session: TenantSession, strategy_id: int, at: datetime, index: str) -> None:
    numbers = {"equity": D(1_000), "flow": D(0)}
    indexes = {name: D(index) for name in ("index_close", "index_low", "index_high")}
    which = {"owner": "strategy", "owner_id": strategy_id, "grain": "day"}
    session.add(PerformancePoint(tenant_id=session.tenant_id, at=at, **which, **numbers, **indexes))
    session.flush()


def test_followers_results_are_told_by_quartiles_and_as_bars(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    for result in ("-0.6", "-0.02", "0.04", "0.12", "0.3"):
        add_result(session, id_, result)
    truth = standing(session, brand(), "dawn", now=NOW).truth
    assert (truth.followers, truth.judged, truth.in_profit_ratio, truth.tracking_difference) == (5, 5, 0.6, -0.01)
    assert (truth.quartile_low, truth.median) == (pytest.approx(-0.02), pytest.approx(0.04))
    assert truth.quartile_high == pytest.approx(0.12)
    assert [bar for bar in truth.histogram if bar[2]] == [
        (-1.0, -0.5, 1),
        (-0.05, 0.0, 1),
        (0.0, 0.05, 1),
        (0.1, 0.2, 1),
        (0.3, 0.5, 1),
    ]


def test_what_demo_accounts_copy_is_in_no_number_that_others_judge_a_strategy_by(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    for result in ("-0.02", "0.02", "0.04", "0.06", "0.12"):
        add_result(session, id_, result)
    before, crowd = standing(session, brand(), "dawn", now=NOW), crowd_now(session)
    told, account = read_truth(session, id_), select(Subscription.account_id).order_by(Subscription.id.desc()).limit(1)
    for result in ("5", "6", "7"):
        add_result(session, id_, result)
        session.execute(update(Account).where(Account.id == account.scalar_subquery()).values(demo=True))
    after = standing(session, brand(), "dawn", now=NOW)
    assert (after.truth, after.followers_by_state) == (before.truth, before.followers_by_state)
    assert (after.row.followers, after.truth.judged, after.truth.median) == (5, 5, pytest.approx(0.04))
    assert (read_truth(session, id_), read_strategy(session, id_).followers) == (told, 5)
    assert crowd_now(session) == crowd


def test_without_followers_nothing_is_told_of_them(session: TenantSession) -> None:
    add_strategy(session, "dawn")
    truth = standing(session, brand(), "dawn", now=NOW).truth
    assert (truth.followers, truth.judged, truth.median, truth.in_profit_ratio, truth.histogram) == (
        0,
        0,
        None,
        None,
        (),
    )


def test_months_come_from_daily_closes_and_the_newest_ends_where_the_whole_return_does(session: TenantSession) -> None:
    id_ = add_strategy(session, "dawn")
    for month, day, index in ((1, 15, "1.1"), (1, 31, "1.2"), (2, 28, "0.9")):
        add_day(session, id_, datetime(2026, month, day, tzinfo=NOW.tzinfo), index)
    (year,) = standing(session, brand(), "dawn", now=NOW).monthly
    assert year.year == 2026
    assert year.months[:4] == (pytest.approx(0.2), pytest.approx(-0.25), pytest.approx(1.3 / 0.9 - 1), None)
    assert year.total == pytest.approx(0.3)


def test_a_strategy_without_figures_has_a_page_that_says_so_little(session: TenantSession) -> None:
    add_strategy(session, "fresh", figures=False)
    shown = standing(session, brand(), "fresh", now=NOW)
    assert (shown.row.too_early, shown.figures, shown.monthly, shown.score.total) == (True, {}, (), None)
    assert {part.points for part in shown.score.parts if part.part not in {"length", "popularity"}} == {None}
    assert shown.row.as_of is None
    assert equity(session, shown.row.id, now=NOW).at == ()


def test_what_was_closed_or_lost_stays_on_the_lifetime_record(session: TenantSession) -> None:
    trader = add_person(session, "Mara Lind", "trader")
    add_strategy(session, "lost", trader=trader, status="closed", days=D(400), drawdown_max=D(1), return_all=D(-1))
    live = add_strategy(session, "live", trader=trader, days=D(90))
    add_strategy(session, "hidden", trader=trader, status="pending")
    add_strategy(session, "another", trader_name="Nils Berg")
    newest, oldest = lifetime(session, live, now=NOW)
    assert (newest.slug, newest.ended_at, newest.days, newest.lost) == ("live", None, 90, False)
    assert (oldest.slug, oldest.status, oldest.lost, oldest.return_ratio) == ("lost", "closed", True, -1)
    assert oldest.ended_at == NOW - timedelta(hours=1)
    assert standing(session, brand(), "lost", now=NOW).lifetime == (newest, oldest)


def test_strategies_are_compared_in_the_order_asked_for_each_once(session: TenantSession) -> None:
    add_strategy(session, "one")
    add_strategy(session, "two", status="closed")
    found = compare(session, ["two", "one", "two"], now=NOW)
    assert [each.row.slug for each in found] == ["two", "one"]
    assert found[0].figures["return_all"] == 0.3
    assert found[0].figures["sharpe"] is None
    assert found[0].figures["latency_ms"] == 90


def test_what_cannot_be_compared_is_named(session: TenantSession) -> None:
    add_strategy(session, "one")
    add_strategy(session, "hidden", status="pending")
    with pytest.raises(NotFound, match='no strategy "hidden"'):
        compare(session, ["one", "hidden"], now=NOW)
    with pytest.raises(NotFound):
        compare(session, ["one\0"], now=NOW)
    with pytest.raises(InvalidInput, match="at most 4 strategies, found 5"):
        compare(session, list("abcde"), now=NOW)
    with pytest.raises(NotFound):
        strategy_id_of(session, "hidden")


def test_what_was_traded_and_copied_is_what_the_page_tells(db: Database) -> None:
    site = open_record(db)
    for side, px in ((Side.BUY, "100"), (Side.SELL, "120")):
        site.wait(120)
        site.trade(side, "10", px)
        site.fill(side, "1", px)
        site.wait(600)
        site.update_all()
    with db.tenant(site.tenant_id) as session:
        shown = standing(session, site.tenant, "calm", now=site.at)
        (row,) = leaderboard(session, now=site.at).rows
        curve = equity(session, site.strategy_id, now=site.at)
    assert (shown.figures["closed"], shown.figures["net_result"], shown.row.equity) == (1, 200, 10_200)
    assert (shown.truth.judged, shown.truth.median, shown.figures["follower_return"]) == (1, None, None)
    assert (row.too_early, row.return_all, row.closed, row.spot, row.style) == (True, None, 1, True, "scalping")
    assert row.gates == shown.score.gates == ("record_too_short", "too_few_closed")
    assert float(row.spark[-1][1]) == float(curve.index[-1]) == pytest.approx(1.02)
