"""The leaderboard as a visitor pages through it: order, filters, and that nothing repeats or vanishes meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copydesk.db import Database, TenantSession
from copydesk.kernel import InvalidInput
from copydesk.performance.board import Board, Filters, Market, Sort, leaderboard, listed_slugs
from copydesk.performance.scoring import placed
from copydesk.performance.tables import PerformancePoint
from copydesk.tenancy import ensure_tenant
from ranking_seed import NOW, SOUND, D, add_follower, add_strategy, brand
from sqlalchemy import event, text


def shown(session: TenantSession, **asked: object) -> list[str]:
    return [row.slug for row in leaderboard(session, now=NOW, **asked).rows]  # type: ignore[arg-type]


def ranked(session: TenantSession, *sortinos: str) -> None:
    """Store a strategy for each Sortino ratio, named after it, and give them places."""
    for sortino in sortinos:
        add_strategy(session, f"s-{sortino}", sortino=D(sortino))
    placed(session, brand())


def to_the_end(session: TenantSession, sort: Sort = Sort.SCORE, *, limit: int = 2) -> list[str]:
    """Page on until there is no more, and return what was seen."""
    page = leaderboard(session, sort=sort, limit=limit, now=NOW)
    seen = [row.slug for row in page.rows]
    while page.after:
        page = leaderboard(session, sort=sort, after=page.after, limit=limit, now=NOW)
        seen += [row.slug for row in page.rows]
    return seen


def test_the_best_score_comes_first_and_what_has_no_figures_yet_last(session: TenantSession) -> None:
    add_strategy(session, "unknown", figures=False)
    add_strategy(session, "young", days=D(5), too_early=True)
    ranked(session, "0.5", "2", "1")
    board = leaderboard(session, now=NOW)
    assert [row.slug for row in board.rows] == ["s-2", "s-1", "s-0.5", "young", "unknown"]
    assert [row.place for row in board.rows] == [1, 2, 3, None, None]
    assert (board.total, board.after) == (5, None)
    assert board.rows[4].too_early
    assert board.rows[4].as_of is None


@pytest.mark.parametrize("sort", list(Sort))
def test_paging_on_shows_every_strategy_once_whatever_the_order(session: TenantSession, sort: Sort) -> None:
    add_strategy(session, "unknown", figures=False)
    add_strategy(session, "young", days=D(5), too_early=True)
    ranked(session, "1", "1.5", "0.5", "3")
    assert sorted(to_the_end(session, sort)) == ["s-0.5", "s-1", "s-1.5", "s-3", "unknown", "young"]


def test_a_strategy_that_falls_or_rises_between_two_pages_is_shown_once(session: TenantSession) -> None:
    ranked(session, "3", "2.5", "2", "1.5", "1", "0.5")
    first = leaderboard(session, limit=3, now=NOW)
    session.execute(
        text(
            "UPDATE strategy_figures SET place = CASE slug WHEN 's-3' THEN 6 WHEN 's-0.5' THEN 1 ELSE place END "
            "FROM strategy WHERE strategy.id = strategy_id"
        )
    )
    second = leaderboard(session, after=first.after, limit=3, now=NOW)
    assert [row.slug for row in first.rows] == ["s-3", "s-2.5", "s-2"]
    assert [row.slug for row in second.rows] == ["s-0.5", "s-1.5", "s-1"]
    assert second.after is None


def test_a_strategy_that_comes_while_somebody_pages_on_is_shown_and_none_is_left_out(session: TenantSession) -> None:
    ranked(session, "3", "2", "1")
    first = leaderboard(session, limit=2, now=NOW)
    ranked(session, "2.5")
    assert shown(session, after=first.after, limit=2) == ["s-2.5", "s-1"]


def test_a_strategy_that_closes_while_somebody_pages_on_takes_nothing_else_with_it(session: TenantSession) -> None:
    ranked(session, "3", "2", "1", "0.5")
    first = leaderboard(session, limit=2, now=NOW)
    session.execute(text("UPDATE strategy SET status = 'closed' WHERE slug = 's-3'"))
    assert shown(session, after=first.after, limit=2) == ["s-1", "s-0.5"]
    assert leaderboard(session, now=NOW).total == 3


@pytest.mark.parametrize(
    ("sort", "better", "worse"),
    [
        (Sort.RETURN_30, {"return_30": D("0.5")}, {"return_30": D("-0.5")}),
        (Sort.RETURN_90, {"return_90": D("0.5")}, {"return_90": None}),
        (Sort.RETURN_ALL, {"return_all": D("0.5")}, {"return_all": D("0.9"), "too_early": True}),
        (Sort.DRAWDOWN, {"drawdown_max": D("0.05")}, {"drawdown_max": D("0.4")}),
        (Sort.FOLLOWERS_RESULT, {"follower_return": D("0.2")}, {"follower_return": D("-0.2")}),
        (Sort.RISK, {"risk": 2}, {"risk": 8}),
        (Sort.DAYS, {"days": D(900)}, {"days": D(40)}),
    ],
)
def test_each_order_puts_its_best_first_and_what_cannot_be_told_last(
    session: TenantSession, sort: Sort, better: dict[str, object], worse: dict[str, object]
) -> None:
    for slug, columns in (("worse", worse), ("sound", {}), ("better", better)):
        add_strategy(session, slug, **columns)
    assert shown(session, sort=sort) == ["better", "sound", "worse"]


@pytest.mark.parametrize(
    ("filters", "other"),
    [
        (Filters(market=Market.PERPETUAL), {"perpetual": False}),
        (Filters(market=Market.SPOT), {"spot": False}),
        (Filters(exchange="bybit"), {"venue": "okx"}),
        (Filters(risk_max=3), {"risk": 5}),
        (Filters(risk_max=3), {"too_early": True}),
        (Filters(drawdown_max=D("0.2")), {"drawdown_max": D("0.21")}),
        (Filters(drawdown_max=D("0.2")), {"drawdown_max": None}),
        (Filters(allocation_max=D(50)), {"min_allocation": D("50.01")}),
        (Filters(style="day"), {"style": "scalping"}),
        (Filters(age_days_min=90), {"days": D(89)}),
        (Filters(text="WAVE\0"), {"name": "Tide"}),
        (Filters(text="lovelace"), {"trader_name": "Somebody"}),
        (Filters(text="50%_w"), {"name": "50 waves"}),
    ],
)
def test_each_filter_lets_through_what_fits(session: TenantSession, filters: Filters, other: dict[str, object]) -> None:
    fits = {
        "perpetual": True,
        "venue": "bybit",
        "risk": 3,
        "drawdown_max": D("0.2"),
        "min_allocation": D(50),
        "style": "day",
        "days": D(90),
        "name": "50%_wave rider",
        "trader_name": "Ada Lovelace",
    }
    add_strategy(session, "fits", **fits)
    add_strategy(session, "other", **fits | other)
    add_strategy(session, "unknown", figures=False)
    board = leaderboard(session, filters, now=NOW)
    assert [row.slug for row in board.rows] == ["fits"]
    assert board.total == 1


def test_filters_together_leave_what_fits_all_of_them(session: TenantSession) -> None:
    add_strategy(session, "one", style="day", risk=2)
    add_strategy(session, "two", style="day", risk=9)
    every = Filters(text="o", exchange="binance", style="day", risk_max=5, market=Market.SPOT, age_days_min=30)
    assert shown(session, filters=every) == ["one"]
    assert leaderboard(session, replace(every, style="swing"), now=NOW) == Board((), None, 0)


def test_while_it_is_too_early_there_is_a_drawdown_and_no_headline(session: TenantSession) -> None:
    add_strategy(session, "young", **SOUND | {"days": D(5), "closed": 2, "too_early": True})
    (row,) = leaderboard(session, now=NOW).rows
    assert row.too_early
    assert {row.return_ratio, row.return_30, row.return_90, row.return_all, row.follower_return, row.risk} == {None}
    assert (row.score, row.place) == (None, None)
    assert row.gates == ("record_too_short", "too_few_closed")
    assert (row.drawdown_max_ratio, row.drawdown_now_ratio) == (D("0.1"), D("0.01"))


def test_a_row_tells_what_is_stored_and_counts_followers_as_they_are_now(session: TenantSession) -> None:
    id_ = add_strategy(session, "sound", flags={"hidden_loss": {"share": 0.2}})
    add_follower(session, id_)
    add_follower(session, id_, state="ended")
    (row,) = leaderboard(session, now=NOW).rows
    assert (row.return_ratio, row.return_30, row.follower_return, row.risk) == (D("0.05"), D("0.02"), D("0.04"), 4)
    assert (row.slippage_bps_p50, row.latency_ms_p50, row.success_ratio) == (D("1.5"), 90, D("0.98"))
    assert (row.copies_done, row.copies_expected, row.followers, row.closed) == (49, 50, 1, 200)
    assert row.flags == {"hidden_loss": {"share": 0.2}}
    assert row.record_days == 365
    assert row.symbols == ("BTC/USDT",)


@pytest.mark.parametrize(("days", "grain"), [(D("0.2"), "minute"), (D(3), "hour"), (D(200), "day")])
def test_the_small_curve_is_as_fine_as_the_record_is_young(session: TenantSession, days: object, grain: str) -> None:
    id_ = add_strategy(session, "sound", days=days)
    for room in ("point_minute", "point_hour"):
        session.execute(text("SELECT performance_room(:room, :at, :at)"), {"room": room, "at": NOW})
    for each, index in (("minute", "1.1"), ("hour", "1.2"), ("day", "1.3")):
        session.add(
            PerformancePoint(
                tenant_id=session.tenant_id,
                owner="strategy",
                owner_id=id_,
                grain=each,
                at=NOW,
                equity=D(1),
                flow=D(0),
                index_close=D(index),
                index_low=D(1),
                index_high=D(2),
            )
        )
    session.flush()
    (row,) = leaderboard(session, now=NOW).rows
    assert row.spark == ((NOW, {"minute": D("1.1"), "hour": D("1.2"), "day": D("1.3")}[grain]),)


@pytest.mark.parametrize("cursor", ["nonsense", "", "eJyLjgUAARUAuQ"])
def test_what_is_no_cursor_of_this_list_is_refused(session: TenantSession, cursor: str) -> None:
    ranked(session, "2", "1")
    if not cursor:
        cursor = leaderboard(session, sort=Sort.DAYS, limit=1, now=NOW).after or ""
    with pytest.raises(InvalidInput, match="expected the cursor of a page of this list"):
        leaderboard(session, after=cursor, now=NOW)


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_one_to_a_hundred_rows(session: TenantSession, limit: int) -> None:
    with pytest.raises(InvalidInput, match=f"expected 1 to 100, found {limit}"):
        leaderboard(session, limit=limit, now=NOW)


def test_closed_strategies_and_other_brands_are_not_listed(session: TenantSession, db: Database) -> None:
    add_strategy(session, "here")
    add_strategy(session, "gone", status="closed")
    assert shown(session) == listed_slugs(session) == ["here"]
    with db.installation() as opening:
        number = ensure_tenant(opening, "boreal")
    with db.tenant(number) as elsewhere:
        add_strategy(elsewhere, "elsewhere")
    assert shown(session) == ["here"]


def test_the_number_of_statements_does_not_grow_with_the_rows(session: TenantSession) -> None:
    ranked(session, "3", "2", "1")
    sent: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: sent.append(args[2]))
    leaderboard(session, now=NOW)
    assert len(sent) == 3, "which rows, what they tell, their small curves"
