"""Limits on shares of what an account owns, and on how alike its strategies go: what they are held against."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import InvalidInput, utc_now
from copydesk.replication import NewSubscription, require_allocation, subscribe
from copydesk.replication.likenesses import keep_likenesses, pairs_together
from copydesk.risk.grammar import parse
from copydesk.risk.likeness import Likeness
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.service import Ground
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.trading import Denial, Side
from desk_site import Site
from life_site import other_account
from paper_exchange import PERPETUAL, PX, D
from shared_site import second_strategy
from sqlalchemy import event

BUY = Side.BUY
SHARE = "allocation > 50 % of balance -> block_opens"


@pytest.fixture(autouse=True)
def no_futures_purse(site: Site) -> None:
    """Let the account have its money in one purse."""
    site.exchange.margin = {}


def limit(site: Site, *lines: str, subject: LimitOwner | None = None) -> None:
    with site.db.tenant(site.tenant_id) as session:
        store_limits(session, subject or LimitOwner(Scope.SUBSCRIPTION, site.subscriptions[0]), lines, "test")


def last(site: Site) -> Any:
    return site.rows("SELECT status, reason FROM copy ORDER BY id DESC LIMIT 1")[0]


def test_an_allocation_is_held_against_what_the_account_owns(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    limit(site, SHARE)
    site.exchange.cash[account] = D(1_999)
    assert worker.look_at_purses()
    site.trade(BUY, "0.4")
    worker.drain()
    assert last(site) == ("denied", "risk_allocation_max")
    worker.clock.ahead_s = 61
    site.exchange.cash[account] = D(2_000)
    assert worker.look_at_purses()
    worker.clock.ahead_s = 0
    site.trade(BUY, "0.4")
    worker.drain()
    assert last(site) == ("filled", None)


def test_where_the_purse_was_never_seen_a_share_of_it_lets_nothing_open_and_says_so(site: Site) -> None:
    worker = site.worker()
    limit(site, SHARE)
    site.trade(BUY, "0.4")
    worker.drain()
    assert last(site) == ("denied", "risk_purse_unknown")


def test_what_copies_bought_still_belongs_to_the_purse(site: Site) -> None:
    """Half of 2 000 is invested: the account owns no less than before."""
    worker, account = site.worker(), site.accounts[0]
    site.trade(BUY, "1")
    worker.drain()
    (cost,) = site.rows("SELECT cost FROM book")[0]
    site.exchange.cash[account] = D(2_000) - cost
    limit(site, SHARE)
    worker.look_at_purses()
    assert site.one("SELECT balance FROM account_purse") == 2_000
    site.trade(BUY, "0.1")
    worker.drain()
    assert last(site) == ("filled", None)


def test_a_share_of_equity_counts_what_is_bought_at_the_markets_price(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.trade(BUY, "1")
    worker.drain()
    qty, _, cost = site.book()
    site.exchange.cash[account] = D(2_000) - cost
    worker.around.marks = {"BTC/USDT": PX / 2}
    limit(site, "allocation > 50 % of equity -> block_opens")
    worker.look_at_purses()
    assert site.one("SELECT equity FROM account_purse") == D(2_000) - cost + qty * PX / 2
    worker.around.marks = {}
    site.trade(BUY, "0.1")
    worker.drain()
    assert last(site) == ("denied", "risk_allocation_max")


def test_the_futures_purse_counts_where_perpetuals_are_copied(site: Site) -> None:
    worker, account = site.worker(), site.accounts[0]
    site.exchange.cash, site.exchange.margin = {account: D(300)}, {account: D(1_700)}
    limit(site, SHARE)
    worker.look_at_purses()
    assert site.one("SELECT balance FROM account_purse") == 2_000
    worker.around.markets = worker.around.markets - {PERPETUAL}
    worker.clock.ahead_s = 61
    worker.look_at_purses()
    assert site.one("SELECT balance FROM account_purse") == 300


def test_only_purses_that_a_limit_is_a_share_of_are_looked_at_and_once_a_minute(site: Site) -> None:
    worker = site.worker()
    limit(site, "allocation > 500 USDT -> warn", "order > 10 % of balance -> shrink")
    assert not worker.look_at_purses()
    worker.around.risk_limits = (Scoped(Scope.PLATFORM, parse("allocation_total > 90 % of balance -> block_opens")),)
    assert worker.look_at_purses()
    assert not worker.look_at_purses()
    worker.clock.ahead_s = 61
    assert worker.look_at_purses()


def test_an_account_with_an_order_on_its_way_is_looked_at_when_that_has_ended(site: Site) -> None:
    worker = site.worker()
    site.exchange.mood = {site.accounts[0]: "rest"}
    site.trade(BUY, "0.4")
    worker.drain()
    limit(site, SHARE)
    assert not worker.look_at_purses()
    site.exchange.match()
    site.act("UPDATE copy SET next_check_at = now()")
    worker.reconcile()
    assert worker.look_at_purses()


def test_a_purse_costs_one_statement_for_all_followers_of_a_signal(opens: Any) -> None:
    site = opens(followers=3)
    worker = site.worker()
    worker.around.markets = worker.around.markets - {PERPETUAL}
    for account in site.accounts:
        site.exchange.cash[account] = D(10_000)
    statements_of(site, worker)
    plain = statements_of(site, worker)
    limit(site, SHARE, subject=LimitOwner(Scope.TENANT))
    worker.look_at_purses()
    statements_of(site, worker)  # The crowd is read anew.
    assert len(statements_of(site, worker)) == len(plain) + 1


def ground(site: Site, *lines: str) -> Ground:
    told = tuple(Scoped(Scope.TENANT, parse(line)) for line in lines)
    return Ground("USDT", frozenset({"BTC/USDT"}), told, {})


def begin(site: Site, allocation: int, *lines: str, account: int | None = None) -> int:
    """Subscribe an account to the second strategy."""
    with site.db.tenant(site.tenant_id) as session:
        account = account or other_account(session, site, f"new {allocation}")
        new = NewSubscription(site.leader.strategy_id, account, Decimal(allocation))
        return subscribe(session, new, ground(site, *lines))


def test_a_subscription_beyond_its_amount_is_refused_with_field_bound_and_value(site: Site) -> None:
    with pytest.raises(InvalidInput) as refused:
        begin(site, 501, "allocation > 500 USDT -> block_opens")
    assert str(refused.value) == (
        "allocation: expected at most 500 USDT (allocation > 500 USDT -> block_opens, the tenant's limit), "
        "found 501 USDT"
    )
    assert refused.value.code == "limit_allocation"
    assert begin(site, 500, "allocation > 500 USDT -> block_opens")
    assert begin(site, 502, "allocation > 500 USDT -> warn")


def test_a_subscription_beyond_its_share_of_the_purse_is_refused_once_the_purse_was_seen(site: Site) -> None:
    worker = site.worker()
    limit(site, SHARE)
    site.exchange.cash[site.accounts[0]] = D(1_600)
    subscription = site.subscriptions[0]
    with site.db.tenant(site.tenant_id) as session:
        require_allocation(session, ground(site), subscription)
    worker.look_at_purses()
    with site.db.tenant(site.tenant_id) as session, pytest.raises(InvalidInput, match=r"at most 800 USDT.*found 1000"):
        require_allocation(session, ground(site), subscription)


def test_all_subscriptions_of_an_account_count_together_when_one_is_added(site: Site) -> None:
    other = second_strategy(site, allocation=D(300))
    lines = ("allocation_total > 1300 USDT -> block_opens",)
    with other.db.tenant(other.tenant_id) as session:
        require_allocation(session, ground(other, *lines), other.subscriptions[0])
    tight = ("allocation_total > 1299 USDT -> block_opens",)
    with other.db.tenant(other.tenant_id) as session, pytest.raises(InvalidInput, match="found 1300 USDT"):
        require_allocation(session, ground(other, *tight), other.subscriptions[0])


def test_strategies_that_go_alike_open_nothing_for_an_account_that_copies_both(site: Site) -> None:
    other, worker = second_strategy(site), site.worker()
    limit(site, "correlation > 70 % -> block_opens", subject=LimitOwner(Scope.ACCOUNT, site.accounts[0]))
    with site.db.tenant(site.tenant_id) as session:
        (pair,) = pairs_together(session)
    assert pair == (site.leader.strategy_id, other.leader.strategy_id)
    for known, outcome in (
        (Likeness(D("0.7"), 30), ("filled", None)),
        (Likeness(D("0.7001"), 30), ("denied", str(Denial.RISK_CORRELATION_MAX))),
        (Likeness(None, 19), ("filled", None)),
    ):
        with site.db.tenant(site.tenant_id) as session:
            keep_likenesses(session, {pair: known}, at=utc_now())
        for one in (site, other):
            one.trade(BUY, "0.1")
            worker.drain()
            assert last(one) == outcome


def test_likenesses_of_pairs_that_nobody_copies_any_more_are_forgotten(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        keep_likenesses(session, {(1, 2): Likeness(D(1), 20), (1, 3): Likeness(D(1), 20)}, at=utc_now())
        keep_likenesses(session, {(1, 3): Likeness(D("0.5"), 21)}, at=utc_now())
    assert site.rows("SELECT other_id, correlation, days FROM strategy_likeness") == [(3, D("0.5"), 21)]


def statements_of(site: Site, worker: Any) -> list[str]:
    site.trade(BUY, "0.1")
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        seen.append(statement)

    event.listen(site.db.engine, "before_cursor_execute", note)
    try:
        worker.drain()
    finally:
        event.remove(site.db.engine, "before_cursor_execute", note)
    return seen
