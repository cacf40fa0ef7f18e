"""Guests of the demo brands without a simulated exchange: their accounts, and what these copy."""

from __future__ import annotations

from decimal import Decimal

from account_people import Browser, People
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.guests.tables import GuestDemo
from copydesk.identity import Role, User
from copydesk.keys import Handed
from copydesk.keys.tables import KeyIntake
from copydesk.performance.tables import SubscriptionFigures
from copydesk.replication.tables import Strategy, Subscription
from copydesk.vault import Account
from form_posts import submit
from site_seed import ROOT
from sqlalchemy import select, update

LEADER = "leader@post.example"


class PaperLab:
    """A simulated exchange that gives keys and keeps nothing."""

    def open_account(self, account: str, venue: str, funds: dict[str, Decimal], currency: str) -> None:
        assert (account.count(":"), venue, currency) == (2, "okx", "USDT")
        assert funds == {"trading": Decimal(10_000)}

    def issue_key(self, account: str, ips: tuple[str, ...]) -> Handed:
        return Handed("k" * 36, "s" * 32, "p" * 8)


def begun(people: People, brand: str = "aurora") -> Browser:
    browser = people.browser(brand)
    assert submit(browser, "/guest").status_code == 303
    return browser


def user_of(people: People, brand: str = "aurora") -> User:
    with people.database.tenant(people.runtime.tenant_ids[brand]) as session:
        newest = select(User).join(GuestDemo, GuestDemo.user_id == User.id).order_by(User.id.desc()).limit(1)
        return session.scalars(newest).one()


def connected(people: People, user: User, *, demo: bool = True) -> int:
    """Store an account of somebody as the desk does that accepts its key; the demo's, or one of their own."""
    with people.database.tenant(user.tenant_id) as session:
        account = Account(tenant_id=user.tenant_id, user_id=user.id, venue="okx", environment="lab", label="Mine")
        account.shard, account.sealed_key, account.demo = "okx-lab:0", b"sealed", demo
        session.add(account)
        session.flush()
        if demo:
            done = {"state": "accepted", "account_id": account.id}
            session.execute(update(KeyIntake).where(KeyIntake.user_id == user.id).values(done))
        return account.id


def copies(people: People, user: User, account_id: int) -> int:
    """Have an account copy a strategy, with a tracking difference that was counted."""
    with people.database.tenant(user.tenant_id) as session:
        strategy = session.scalars(select(Strategy)).first() or _strategy(people, session)
        new = Subscription(tenant_id=user.tenant_id, strategy_id=strategy.id, account_id=account_id)
        new.allocation, new.sizing_mode = Decimal(750), "equity_ratio"
        session.add(new)
        session.flush()
        figures = {"cursor": {}, "summary": {}, "figures": {}, "as_of": people.clock.at, "net_result": Decimal("12.5")}
        place = {"tenant_id": user.tenant_id, "subscription_id": new.id, "strategy_id": strategy.id}
        session.add(SubscriptionFigures(**place, **figures, tracking_difference=Decimal("-0.0123")))
        return new.id


def _strategy(people: People, session: TenantSession) -> Strategy:
    leader = people.add(role=Role.TRADER, email=LEADER)
    account = Account(tenant_id=leader.tenant_id, user_id=leader.id, venue="okx", environment="lab", label="Lead")
    account.shard = "okx-lab:0"
    session.add(account)
    session.flush()
    strategy = Strategy(tenant_id=leader.tenant_id, trader_id=leader.id, account_id=account.id)
    strategy.slug, strategy.name, strategy.summary = "dawn", "Dawn Runner", "Careful."
    session.add(strategy)
    session.flush()
    return strategy


def worker_of(people: People) -> Runtime:
    """Return the worker's runtime on the brands of these people; close it."""
    named = {"COPYDESK_ROOT": str(ROOT), "DATABASE_URL": people.runtime.database_url}
    runtime = Runtime({**named, "REDIS_URL": "redis://127.0.0.1:1"}, opens_exchange_keys=False)
    runtime.__dict__["directory"] = people.runtime.directory
    return runtime
