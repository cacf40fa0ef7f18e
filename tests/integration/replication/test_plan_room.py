"""Plans have room for so many followers and strategies, and what a brand used in a month can be told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.estate import Month, Plan, Promise, Usage, brand_states, brand_usage, plan_of, set_plan
from copydesk.estate.passes import LINK_LASTS, SESSION_LASTS, end_all, enter, leave, make_link, opens
from copydesk.identity import Role, User
from copydesk.kernel import InvalidInput, new_id, utc_now
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, subscribe
from copydesk.replication.room import PlanFull
from copydesk.trading import Side
from copydesk.vault import Account
from desk_site import ALLOCATION, SHARD, Site

NOW = utc_now()
PROMISE = Promise(1_000, Decimal("0.9"))


@pytest.fixture
def wide(database_url: str) -> Iterator[Database]:
    db = Database.connect(database_url, pool_size=4)
    yield db
    db.dispose()


def person(site: Site) -> int:
    """Store somebody new with an account, and return its number."""
    with site.db.tenant(site.tenant_id) as session:
        name = str(new_id())
        user = User(tenant_id=site.tenant_id, email=f"{name}@x.invalid", display_name=name, role=Role.FOLLOWER)
        session.add(user)
        session.flush()
        values = {"user_id": user.id, "venue": "binance", "environment": "lab", "label": name, "shard": SHARD}
        account = Account(tenant_id=site.tenant_id, **values)
        session.add(account)
        session.flush()
        return int(account.id)


def copy(site: Site, account_id: int) -> None:
    with site.db.tenant(site.tenant_id) as session:
        subscribe(session, NewSubscription(site.leader.strategy_id, account_id, ALLOCATION))


def allow(site: Site, followers: int | None, strategies: int | None = None) -> None:
    with site.db.tenant(site.tenant_id) as session:
        set_plan(session, Plan(followers, strategies), at=NOW)


def test_nobody_begins_to_follow_beyond_the_plan_and_who_follows_already_is_no_new_follower(site: Site) -> None:
    allow(site, followers=2)
    copy(site, person(site))
    with pytest.raises(PlanFull, match="room for 2 followers"):
        copy(site, person(site))
    with site.db.tenant(site.tenant_id) as session:
        again = session.get_one(Account, (site.tenant_id, site.accounts[0])).user_id
        session.add(
            Account(
                tenant_id=site.tenant_id, user_id=again, venue="binance", environment="lab", label="2nd", shard=SHARD
            )
        )
    copy(site, int(site.one("SELECT max(id) FROM account")))
    allow(site, followers=None)
    copy(site, person(site))


def test_a_plan_that_is_made_smaller_puts_nobody_out(site: Site) -> None:
    copy(site, person(site))
    allow(site, followers=1)
    state = next(one for one in brand_states(site.db, PROMISE, at=utc_now()) if one.tenant_id == site.tenant_id)
    assert (state.crowd.followers, state.crowd.strategies, state.over_plan) == (2, 1, True)


def test_two_who_come_at_once_cannot_both_take_the_last_place(site: Site, wide: Database) -> None:
    allow(site, followers=2)
    site.db = wide
    accounts = [person(site) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        tried = [pool.submit(copy, site, account) for account in accounts]
    assert sum(one.exception() is None for one in tried) == 1
    assert all(isinstance(one.exception(), PlanFull) for one in tried if one.exception())


def test_no_strategy_is_published_beyond_the_plan_and_closed_ones_do_not_count(site: Site) -> None:
    allow(site, None, strategies=1)
    new = NewStrategy(site.one("SELECT min(id) FROM user_account"), site.accounts[0], "two", "Two", "A sentence.")
    with pytest.raises(PlanFull, match="room for 1 strategy at"), site.db.tenant(site.tenant_id) as session:
        add_strategy(session, new)
    site.act("UPDATE strategy SET status = 'closed'")
    with site.db.tenant(site.tenant_id) as session:
        assert add_strategy(session, new)


def test_setting_a_plan_is_recorded_once_and_a_limit_below_nothing_is_refused(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        assert set_plan(session, Plan(5, None), at=NOW)
        assert not set_plan(session, Plan(5, None), at=NOW)
        assert plan_of(session, site.tenant_id) == Plan(5, None)
        assert [entry.act for entry in read_entries(session, site.tenant_id)] == ["plan.set"]
        with pytest.raises(InvalidInput, match="followers_max: expected 0 to"):
            set_plan(session, Plan(-1, None), at=NOW)


def test_a_month_of_trading_is_told_by_currency_and_another_months_is_not_in_it(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    assert site.worker().drain() == 1
    month = Month.of(utc_now())
    bought = site.one("SELECT sum(cum_qty * avg_px) FROM copy")
    slug = site.one("SELECT slug FROM tenant WHERE id = :id", id=site.tenant_id)
    assert brand_usage(site.db, month)[slug] == Usage(1, 1, 1, {"USDT": bought})
    assert brand_usage(site.db, month.before)[slug] == Usage()


def test_a_copy_that_left_late_uses_the_error_budget_up(site: Site) -> None:
    site.trade(Side.BUY, "0.4")
    site.worker().drain()
    site.act("UPDATE copy SET sent_at = sent_at + interval '1 minute'")
    state = next(one for one in brand_states(site.db, PROMISE, at=utc_now()) if one.tenant_id == site.tenant_id)
    assert state.budget.duty == (1, 1)
    assert (state.budget.in_time_ratio, state.budget.left_ratio) == (0, -9)


def test_a_link_opens_the_console_once_and_a_session_ends_by_itself_or_when_all_are_ended(site: Site) -> None:
    with site.db.installation() as session:
        token, until = make_link(session, at=NOW)
        late, _ = make_link(session, at=NOW)
        assert until == NOW + LINK_LASTS
        assert enter(session, late, ip="", at=until) is None
        entered = enter(session, token, ip="127.0.0.1", at=NOW)
        assert entered is not None
        assert enter(session, token, ip="127.0.0.1", at=NOW) is None
        assert opens(session, entered[0], at=NOW + SESSION_LASTS - timedelta(seconds=1))
        assert not opens(session, entered[0], at=NOW + SESSION_LASTS)
        assert not opens(session, token, at=NOW)
        leave(session, entered[0], at=NOW)
        assert not opens(session, entered[0], at=NOW)
        unused, _ = make_link(session, at=NOW)
        assert end_all(session, at=NOW) >= 1
        assert enter(session, unused, ip="", at=NOW + timedelta(seconds=1)) is None
