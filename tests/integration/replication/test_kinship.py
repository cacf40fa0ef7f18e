"""No account copies itself: not directly, not over others, not across brands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from copydesk.db import Database
from copydesk.kernel import NotFound, Refused
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, identify, kinship_denial, subscribe
from copydesk.replication.lifecycle import end_subscription
from copydesk.replication.lifecycle_tables import FollowEdge
from copydesk.trading import Denial, EndMode
from copydesk.vault import Account, FileKeyStore, Fingerprints
from desk_site import ALLOCATION, Site
from life_site import other_account

NAMES = iter(range(10**6))


def strategy_of(site: Site, account: int) -> int:
    """Let an account lead."""
    with site.db.tenant(site.tenant_id) as session:
        user = session.get_one(Account, (site.tenant_id, account)).user_id
        return add_strategy(session, NewStrategy(user, account, f"s{next(NAMES)}", "S", "One sentence."))


def account_of(site: Site, uid_hash: str | None = None) -> int:
    with site.db.tenant(site.tenant_id) as session:
        account = other_account(session, site)
        if uid_hash is not None:
            identify(session, account, uid_hash)
        return account


def follow(site: Site, account: int, strategy: int) -> int:
    with site.db.tenant(site.tenant_id) as session:
        return subscribe(session, NewSubscription(strategy, account, ALLOCATION))


def refusal(site: Site, account: int, strategy: int) -> str:
    with pytest.raises(Refused) as refused:
        follow(site, account, strategy)
    return refused.value.code


def test_a_leaders_account_does_not_follow_itself(site: Site) -> None:
    assert refusal(site, site.leader.account_id, site.leader.strategy_id) == Denial.SELF_COPY
    assert site.one("SELECT count(*) FROM subscription WHERE account_id = :id", id=site.leader.account_id) == 0


def test_two_leaders_do_not_follow_each_other(site: Site) -> None:
    back = strategy_of(site, site.accounts[0])
    assert refusal(site, site.leader.account_id, back) == Denial.COPY_LOOP


def test_a_loop_over_three_accounts_is_refused(site: Site) -> None:
    second = strategy_of(site, site.accounts[0])
    third = account_of(site)
    follow(site, third, second)
    assert refusal(site, site.leader.account_id, strategy_of(site, third)) == Denial.COPY_LOOP


def test_a_chain_without_a_loop_is_fine(site: Site) -> None:
    second = strategy_of(site, site.accounts[0])
    third = account_of(site)
    follow(site, third, second)
    follow(site, third, site.leader.strategy_id)


def test_two_rows_of_one_exchange_account_are_one_account(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        identify(session, site.leader.account_id, "same")
    assert refusal(site, account_of(site, "same"), site.leader.strategy_id) == Denial.SELF_COPY


def test_a_loop_across_brands_is_refused_by_the_hash_of_the_exchanges_number(opens: Callable[..., Site]) -> None:
    here, there = opens(), opens()
    with here.db.tenant(here.tenant_id) as session:
        identify(session, here.leader.account_id, "uid-A")
        identify(session, here.accounts[0], "uid-B")
    leads = account_of(there, "uid-B")
    again = account_of(there, "uid-A")
    strategy = strategy_of(there, leads)
    with there.db.tenant(there.tenant_id) as session:
        assert kinship_denial(session, strategy_id=strategy, account_id=again) is Denial.COPY_LOOP
    assert refusal(there, again, strategy) == Denial.COPY_LOOP
    # Another account of that brand may follow all the same.
    follow(there, account_of(there, "uid-C"), strategy)


def test_an_account_that_is_identified_later_keeps_its_edges(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        identify(session, site.accounts[0], "uid-1")
        identify(session, site.leader.account_id, "uid-2")
        identify(session, site.leader.account_id, "uid-2")
    back = strategy_of(site, account_of(site, "uid-1"))
    assert refusal(site, account_of(site, "uid-2"), back) == Denial.COPY_LOOP


def test_an_account_that_changes_takes_no_edge_of_another_brand_with_it(opens: Callable[..., Site]) -> None:
    here, there = opens(), opens()
    for site in (here, there):
        with site.db.tenant(site.tenant_id) as session:
            identify(session, site.leader.account_id, "twin")
    with here.db.tenant(here.tenant_id) as session:
        identify(session, here.leader.account_id, "moved")
    with here.db.installation() as session:
        assert session.query(FollowEdge).filter(FollowEdge.leader == "twin").count() == 1


def test_an_ended_subscription_makes_no_loop_any_more(site: Site) -> None:
    back = strategy_of(site, site.accounts[0])
    with site.db.tenant(site.tenant_id) as session:
        end_subscription(session, site.subscriptions[0], EndMode.HAND_OVER)
    assert refusal(site, site.leader.account_id, back) == Denial.COPY_LOOP
    site.worker().reconcile()
    follow(site, site.leader.account_id, back)


def test_the_kin_of_what_is_not_there_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound), site.db.tenant(site.tenant_id) as session:
        kinship_denial(session, strategy_id=10**9, account_id=site.accounts[0])


def test_the_table_of_edges_holds_fingerprints_alone(db: Database, site: Site) -> None:
    with db.installation() as session:
        rows = session.query(FollowEdge).all()
    assert rows
    assert [column.name for column in FollowEdge.__table__.columns] == ["edge", "follower", "leader"]


def test_an_account_has_one_fingerprint_in_every_process_and_another_elsewhere(db: Database, tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path / "key")
    one, two = Fingerprints(store, db), Fingerprints(store, db)
    known = one.of_account("binance", "lab", "1001")
    assert known == two.of_account("binance", "lab", "1001")
    assert "1001" not in known and len(known) == 64
    assert len({known, one.of_account("binance", "live", "1001"), one.of_account("okx", "lab", "1001")}) == 3
