"""Strategies are judged by their leader's equity on a real PostgreSQL: suspended for everybody, until a person acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput, utc_now
from copydesk.replication import (
    NewsKind,
    acts_of,
    live_leaders,
    news_for,
    note_hearing,
    pause_strategy,
    resume_strategy,
    strategy_lines,
    unwatched_leaders,
)
from copydesk.risk.acts import Act, ActState, recent_acts, store_acts
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.trading import Side
from copydesk.workers.risk_strategies import Brand, StrategyGuards
from desk_site import SHARD, Opens, Site
from order_site import OrderSite
from paper_exchange import D
from shared_site import second_strategy

DRAWDOWN = "drawdown > 20 % of equity -> block_opens"
NOW = utc_now()


class Guarded:
    """The guard of one brand, with what it told and woke."""

    def __init__(self, site: Site, *lines: str) -> None:
        self.site = site
        self.told: list[Mapping[str, Any]] = []
        self.woken: list[str] = []
        self.at = utc_now() - timedelta(minutes=50)
        with site.db.tenant(site.tenant_id) as session:
            store_limits(session, LimitOwner(Scope.STRATEGY, site.leader.strategy_id), lines, "admin")
        brand = Brand(site.tenant_id, "USDT", ZoneInfo("UTC"))
        self.guards = StrategyGuards(
            site.db,
            lambda: [brand],
            wake=lambda _, shard: self.woken.append(shard),
            announce=lambda _, event: self.told.append(event),
        )

    def worth(self, *equities: int, every: timedelta = timedelta(minutes=1)) -> None:
        """Record what the leader is worth, a minute after the last time, and let the guard look."""
        for equity in equities:
            self.at += every
            self.site.act(
                "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) VALUES (:tenant, :id, :at, :equity)",
                tenant=self.site.tenant_id,
                id=self.site.leader.strategy_id,
                at=self.at,
                equity=equity,
            )
        self.guards.look()

    @property
    def status(self) -> str:
        return str(self.site.one("SELECT status FROM strategy"))

    @property
    def acts(self) -> list[tuple[str, str, str]]:
        rows = self.site.rows("SELECT scope, line, state FROM risk_act ORDER BY id")
        return [tuple(row) for row in rows]


def resume(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        resume_strategy(session, site.leader.strategy_id)


def test_a_strategy_that_lost_too_much_is_suspended_once_with_its_act_and_numbers(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000, 900)
    assert (guarded.status, guarded.acts) == ("live", [])
    guarded.worth(790)
    guarded.worth(780)
    assert guarded.status == "suspended"
    assert guarded.acts == [("strategy", DRAWDOWN, "blocked")]
    assert site.one("SELECT facts FROM risk_act") == {"strategy": "s", "now": "21", "at": "20"}
    assert [event["strategy_id"] for event in guarded.told] == [site.leader.strategy_id]


def test_a_suspended_strategy_opens_nothing_for_anyone_and_its_closes_are_copied(opens: Opens) -> None:
    site = opens(followers=2)
    worker = site.worker()
    site.trade(Side.BUY, "0.4")
    worker.drain()
    Guarded(site, DRAWDOWN).worth(1000, 700, every=timedelta(minutes=20))
    site.trade(Side.BUY, "0.4")
    site.trade(Side.SELL, "0.8")
    worker.drain()
    rows = site.rows("SELECT leg, status, coalesce(reason, '') FROM copy ORDER BY id")
    assert [tuple(row) for row in rows] == [
        *[("open", "filled", "")] * 2,
        *[("open", "denied", "strategy_suspended")] * 2,
        *[("close", "filled", "")] * 2,
    ]


def test_a_suspended_strategy_is_watched_and_listed_as_a_paused_one_is(site: Site) -> None:
    Guarded(site, DRAWDOWN).worth(1000, 700, every=timedelta(minutes=20))
    with site.db.tenant(site.tenant_id) as session:
        assert [one.strategy_id for one in live_leaders(session, venue="binance", environment="lab")] == [
            site.leader.strategy_id
        ]
        assert [line.status for line in strategy_lines(session)] == ["suspended"]
    site.act("UPDATE account SET status = 'invalid' WHERE id = :id", id=site.leader.account_id)
    with site.db.tenant(site.tenant_id) as session:
        assert len(unwatched_leaders(session)) == 1


def test_a_suspended_strategy_never_goes_on_by_itself(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000, 700, every=timedelta(minutes=20))
    guarded.worth(2000)
    assert guarded.status == "suspended"
    with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput, match="only a strategy that is live"):
        pause_strategy(session, site.leader.strategy_id)


def test_a_person_lets_a_suspended_strategy_go_on_and_its_losses_count_anew(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000, 700, every=timedelta(minutes=20))
    resume(site)
    site.act("UPDATE risk_act SET ended_at = :at", at=guarded.at + timedelta(seconds=1))
    guarded.worth(690, 600)
    assert guarded.status == "live"
    assert guarded.acts == [("strategy", DRAWDOWN, "closed")]
    guarded.worth(540)
    assert guarded.status == "suspended"
    assert [state for _, _, state in guarded.acts] == ["closed", "blocked"]


def test_a_withdrawal_of_a_leader_who_holds_nothing_suspends_nobody(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000, 1000, 400, 399)
    assert guarded.status == "live"


def test_the_same_fall_of_a_leader_who_holds_that_much_suspends(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000)
    site.trade(Side.BUY, "0.1", ago_s=48.5 * 60)
    guarded.worth(1000, 400)
    assert guarded.status == "suspended"


def test_a_warning_is_told_once_a_day_and_the_strategy_stays_live(site: Site) -> None:
    line = "drawdown > 5 % of equity -> warn"
    guarded = Guarded(site, line, DRAWDOWN)
    guarded.worth(1000, 940)
    guarded.worth(939)
    assert guarded.status == "live"
    assert guarded.acts == [("strategy", line, "warned")]
    assert len(guarded.told) == 1


def test_the_tightest_limit_on_the_strategy_counts_and_those_of_others_do_not(site: Site) -> None:
    tight = "drawdown > 10 % of equity -> block_opens"
    with site.db.tenant(site.tenant_id) as session:
        for owner in (LimitOwner(Scope.TENANT), LimitOwner(Scope.SUBSCRIPTION, site.subscriptions[0])):
            store_limits(session, owner, ["drawdown > 1 % of equity -> block_opens"], "somebody")
    guarded = Guarded(site, DRAWDOWN, tight, "profit > 5 % of equity -> close")
    guarded.worth(1000, 950)
    assert guarded.status == "live"
    guarded.worth(890)
    assert guarded.acts == [("strategy", tight, "blocked")]


def test_a_new_process_judges_by_what_was_stored_before(site: Site) -> None:
    Guarded(site, DRAWDOWN).worth(1000, 900)
    later = Guarded(site)
    later.at += timedelta(minutes=10)
    later.worth(790)
    assert later.status == "suspended"


def test_a_martingale_is_told_in_words_once_a_day(site: Site) -> None:
    for qty in ("0.1", "0.2", "0.4", "0.8"):
        site.trade(Side.BUY, qty)
    # Each addition was bought at a lower price than the one before.
    site.act("UPDATE signal SET px = 50000 - 1000 * (SELECT count(*) FROM signal o WHERE o.id < signal.id)")
    guarded = Guarded(site)
    guarded.guards.look()
    Guarded(site).guards.look()
    assert guarded.status == "live"
    ((scope, line, state),) = guarded.acts
    assert (scope, state) == ("strategy", "warned")
    assert line.startswith("A losing position was made larger 3 times in a row")
    assert site.one("SELECT facts ->> 'sentence' FROM risk_act") == "adds_while_losing"


def test_points_before_their_trades_are_known_are_not_judged_yet(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.at = utc_now() - timedelta(minutes=20)
    guarded.worth(1000)
    guarded.at = utc_now() - timedelta(minutes=1)
    guarded.worth(1)
    assert guarded.status == "live"


def test_a_strategy_without_a_point_yet_is_judged_from_its_first_on(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.guards.look()
    guarded.worth(1000)
    guarded.worth(790)
    assert guarded.status == "suspended"


def test_the_guard_of_one_brand_reaches_no_other(opens: Opens) -> None:
    ours, theirs = opens(), opens()
    other = Guarded(theirs, DRAWDOWN)
    other.worth(1000, 950)
    Guarded(ours, DRAWDOWN).worth(1000, 700, every=timedelta(minutes=20))
    other.guards.look()
    assert (other.status, other.acts) == ("live", [])


def test_followers_are_woken_where_orders_rest_that_open(db: Database) -> None:
    desk = OrderSite(db)
    desk.place("b", Side.BUY, "1", "45000")
    worker = desk.worker()
    worker.tend()
    assert len(desk.exchange.resting(desk.account)) == 1
    guarded = Guarded(desk.site, DRAWDOWN)
    guarded.worth(1000, 700, every=timedelta(minutes=20))
    assert guarded.woken == [SHARD]
    worker.later(1)
    assert desk.exchange.resting(desk.account) == []


def test_followers_are_told_of_a_suspension_and_of_its_end_once(site: Site) -> None:
    guarded = Guarded(site, DRAWDOWN)
    guarded.worth(1000, 700, every=timedelta(minutes=20))
    guarded.guards.look()
    with site.db.tenant(site.tenant_id) as session:
        (news,) = news_for(session, site.subscriptions[0])
    assert (news.kind, news.symbol) == (NewsKind.SUSPENDED, None)
    assert news.facts == {"now": "30", "at": "20", "line": DRAWDOWN}
    assert [event["news_id"] for event in guarded.told] == [news.id]
    resume(site)
    site.act("UPDATE strategy SET status = 'paused'")
    resume(site)
    with site.db.tenant(site.tenant_id) as session:
        kinds = [one.kind for one in news_for(session, site.subscriptions[0])]
    assert kinds == [NewsKind.RESUMED, NewsKind.SUSPENDED]


def test_a_followers_history_has_the_suspension_and_the_accounts_stops_that_reached_it(opens: Opens) -> None:
    site = opens(followers=2)
    mine, _ = site.subscriptions
    guarded = Guarded(site, DRAWDOWN, "drawdown > 5 % of equity -> warn")
    guarded.worth(1000, 940)
    guarded.worth(750)
    with site.db.tenant(site.tenant_id) as session:
        for scope, subject, subscription in (
            ("account", site.accounts[0], None),
            ("account", site.accounts[1], None),
            ("subscription", mine, mine),
        ):
            act = Act(f"{scope}-{subject}", scope, subject, subscription, "a limit", "close", ActState.CLOSED, {}, NOW)
            store_acts(session, [act])
        found = [(act.scope, act.subject_id) for act in acts_of(session, mine)]
        everything = len(recent_acts(session))
    assert found == [
        ("subscription", mine),
        ("account", site.accounts[0]),
        ("strategy", site.leader.strategy_id),
    ]
    assert everything == 5


def test_what_happened_before_a_subscription_began_or_after_it_ended_did_not_reach_it(site: Site) -> None:
    Guarded(site, DRAWDOWN).worth(1000, 700, every=timedelta(minutes=20))
    for lived in ("created_at = now() + interval '1 minute'", "ended_at = now() - interval '1 hour'"):
        site.act(f"UPDATE subscription SET {lived}")
        with site.db.tenant(site.tenant_id) as session:
            assert acts_of(session, site.subscriptions[0]) == []
            assert news_for(session, site.subscriptions[0]) == []
        site.act("UPDATE subscription SET created_at = now() - interval '1 day'")


def test_how_alike_two_strategies_go_is_kept_where_one_account_copies_both(site: Site) -> None:
    other = second_strategy(site)
    began = utc_now() - timedelta(days=26)
    for day in range(26):
        for desk, scale in ((site, 1), (other, -2)):
            desk.act(
                "INSERT INTO equity_point (tenant_id, strategy_id, at, equity) VALUES (:tenant, :id, :at, :equity)",
                tenant=site.tenant_id,
                id=desk.leader.strategy_id,
                at=began + timedelta(days=day),
                equity=1_000 + scale * (day % 5),
            )
    Guarded(site).guards.look()
    one, another, correlation, days = site.one("SELECT strategy_id, other_id, correlation, days FROM strategy_likeness")
    assert (one, another) == (site.leader.strategy_id, other.leader.strategy_id)
    assert correlation < D("-0.99")
    assert days in (24, 25)


def test_a_leader_whose_positions_have_no_stops_is_told_of_once_orders_are_heard(db: Database) -> None:
    desk = OrderSite(db)
    for _ in range(11):
        desk.site.trade(Side.BUY, "0.1")
        desk.site.trade(Side.SELL, "0.1")
    guarded = Guarded(desk.site)
    guarded.guards.look()
    assert guarded.acts == []
    with db.tenant(desk.site.tenant_id) as session:
        assert note_hearing(session, desk.site.leader)
    desk.site.act("UPDATE strategy SET orders_heard_since = now() - interval '1 hour'")
    again = Guarded(desk.site)
    again.guards.look()
    ((scope, line, state),) = again.acts
    assert (scope, line, state) == ("strategy", "11 of 11 positions had no resting stop.", "warned")


def test_orders_are_heard_from_when_somebody_copies_them_until_nobody_does(site: Site) -> None:
    def heard() -> bool:
        with site.db.tenant(site.tenant_id) as session:
            return note_hearing(session, site.leader)

    assert not heard()
    site.act("UPDATE subscription SET copies = 'orders'")
    assert heard()
    since = site.one("SELECT orders_heard_since FROM strategy")
    assert heard()
    assert site.one("SELECT orders_heard_since FROM strategy") == since is not None
    site.act("UPDATE subscription SET copies = 'fills'")
    assert not heard()
    assert site.one("SELECT orders_heard_since FROM strategy") is None
