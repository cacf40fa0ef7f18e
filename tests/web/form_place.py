"""A site with a follower and a trader who have everything that their forms are about, and what those could store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from copydesk.db import Database
from copydesk.identity import Role
from copydesk.keys.tables import AccountKey
from copydesk.marks import Listings, MarkWriter, epoch_ms
from copydesk.replication.tables import Strategy, Subscription
from copydesk.studio.terms import Terms, store_terms
from copydesk.trading import Instrument
from copydesk.vault.tables import Account
from copydesk.venues import Balance, Price, Wallet
from copydesk.wallets.store import keep_balances
from copydesk.web.database import db
from factor_site import FactorSite, Visit
from form_posts import token_in
from redis import Redis
from site_seed import NOW, D, FakeRuntime
from sqlalchemy import select, text

_RULES = Instrument(
    *("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT"), *(D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5))
)
_TABLES = (
    *("subscription", "risk_limit", "errand", "wallet_ask", "strategy", "strategy_terms", "announcement"),
    *("strategy_invite", "notice_habit", "notice_wish", "terminal_order", "terminal_act", "audit_entry"),
)


@dataclass
class Place:
    """The site with two people, and what stands in addresses and forms."""

    site: FactorSite
    browsers: dict[str, Visit]
    tokens: dict[str, str]
    values: dict[str, str]

    def filled(self, template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.values[found[1]], template)

    def count(self) -> list[int]:
        """Count the rows of everything that a form could have written."""
        counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in _TABLES)
        with self.site.runtime.database.tenant(self.site.tenant_id) as session:
            return list(session.execute(text(f"SELECT {counted}")).one())


@contextmanager
def open_place(runtime: FakeRuntime, redis_url: str, database_url: str) -> Iterator[Place]:
    """Open the site with both people, their accounts, what one copies and what the other leads."""
    site = FactorSite(replace(runtime, redis_url=redis_url))
    with Redis.from_url(redis_url) as redis:
        Listings(redis).write("binance-lab", {"BTC/USDT": _RULES})
        MarkWriter(redis, "binance-lab").write([Price("BTC/USDT", D(64000), epoch_ms())])
    browsers = {"follower": site.member(), "trader": site.member(Role.TRADER)}
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(site.tenant_id) as session:
        follower, trader = (browsers[name].user_id for name in ("follower", "trader"))
        accounts = {
            "free": _account(site.tenant_id, follower, "okx"),
            "taken": _account(site.tenant_id, follower, "binance"),
            "account": _account(site.tenant_id, trader, "binance"),
            "leader": _account(site.tenant_id, trader, "binance"),
            "stranger": _account(site.tenant_id, site.member().user_id, "binance"),
        }
        session.add_all(accounts.values())
        session.flush()
        values = {name: str(row.id) for name, row in accounts.items()}
        scope = {"can_read": True, "can_trade": True}
        for row in accounts.values():
            session.add(AccountKey(tenant_id=site.tenant_id, account_id=row.id, scope=scope, due_at=NOW))
        keep_balances(session, accounts["free"].id, {Wallet.SPOT: {"USDT": Balance(D(1000), D(0))}}, at=NOW)
        dawn = session.scalars(select(Strategy).where(Strategy.slug == "dawn")).one()
        copies = Subscription(
            tenant_id=site.tenant_id,
            strategy_id=dawn.id,
            account_id=accounts["taken"].id,
            allocation=D(500),
            sizing_mode="equity_ratio",
        )
        own = Strategy(
            tenant_id=site.tenant_id,
            trader_id=trader,
            account_id=accounts["leader"].id,
            slug="own",
            name="Own one",
            summary="One.",
            status="live",
        )
        session.add_all([copies, own])
        session.flush()
        store_terms(session, own.id, Terms(D("0.1"), private=True), at=NOW)
        values |= {"subscription": str(copies.id), "strategy": "own"}
    database.dispose()
    tokens = {name: token_in(one.get("/account").text) for name, one in browsers.items()}
    yield Place(site, browsers, tokens, values)
    with site.app.app_context():
        db.engine.dispose()


def _account(tenant_id: int, user_id: int, venue: str) -> Account:
    where = {"venue": venue, "environment": "lab", "shard": f"{venue}-lab:0", "label": "One of mine"}
    return Account(tenant_id=tenant_id, user_id=user_id, sealed_key=b"sealed", **where)
