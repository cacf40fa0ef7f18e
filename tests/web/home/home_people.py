"""Followers of the first seeded brand with what they copy, and a browser of each."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import redis
from copydesk.db import Database, TenantSession
from copydesk.identity import User, UserSession
from copydesk.identity.factors.tables import TotpSecret
from copydesk.identity.tokens import token_hash
from copydesk.kernel import utc_now
from copydesk.marks import MarkWriter
from copydesk.replication.tables import Book, Copy, Signal, Strategy, Subscription
from copydesk.vault.tables import Account
from copydesk.venues import Price
from copydesk.web.database import db
from flask import Flask
from flask.testing import FlaskClient
from form_posts import token_in
from risk_seed import MARKS
from site_seed import HOSTS, NOW, Seeded
from sqlalchemy import event, insert, select, text
from werkzeug.test import TestResponse

D = Decimal
BRAND = "aurora"
_NUMBERS = itertools.count(1)
_POINT = text(
    """
    INSERT INTO performance_point (tenant_id, owner, owner_id, grain, at, equity, flow, index_close, index_low,
                                   index_high)
    VALUES (:tenant_id, :owner, :id, 'day', :at, :e, 0, :i, :i, :i)
    """
)


class Follower(FlaskClient):
    """The browser of somebody who is signed in."""

    user_id = 0
    account_id = 0

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", f"http://{HOSTS[BRAND]}")
        kwargs.setdefault("buffered", True)
        return super().open(*args, **kwargs)

    def send(self, path: str, **fields: str) -> TestResponse:
        """Fill in the form of a page and post it where it was shown."""
        return self.post(path, data={"csrf_token": token_in(self.get(path).text), **fields})

    def words(self, path: str) -> str:
        """Return a page's words without its tags."""
        answer = self.get(path)
        assert answer.status_code == 200
        return plain(answer.text)


def plain(page: str) -> str:
    inline = re.sub(r"</?(?:span|bdi|time|strong)\b[^>]*>", "", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", inline)).replace("\xa0", " ").replace("&#39;", "'")


def tell_old_prices(redis_url: str, age: timedelta) -> None:
    """Write prices as a feed did that has been silent since."""
    then_ms = int((utc_now() - age).timestamp() * 1000)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        MarkWriter(client, "binance-lab").write([Price(one, px, then_ms, px, then_ms) for one, px in MARKS.items()])


def tell_points(session: TenantSession, owner: str, owner_id: int, points: list[tuple[datetime, Decimal]]) -> None:
    """Store the ends of days as the worker does; the index is 1 at the first."""
    for at, equity in points:
        day = at.replace(hour=0, minute=0)
        index = equity / points[0][1]
        session.execute(
            _POINT, {"tenant_id": session.tenant_id, "owner": owner, "id": owner_id, "at": day, "e": equity, "i": index}
        )


@dataclass
class HomeSite:
    """The application with its database, and how people come to copy something."""

    app: Flask
    database: Database
    seeded: Seeded
    statements: list[str] = field(default_factory=list)

    @property
    def tenant_id(self) -> int:
        return self.seeded.tenant_ids[BRAND]

    @contextmanager
    def storing(self) -> Iterator[TenantSession]:
        with self.database.tenant(self.tenant_id) as session:
            yield session

    def follower(self, *, account: bool = True) -> Follower:
        """Return the browser of somebody new, with an exchange account unless told otherwise."""
        number = next(_NUMBERS)
        browser = Follower(self.app)
        with self.storing() as session:
            user = User(tenant_id=self.tenant_id, email=f"home{number}@x.example", display_name="Ada", role="follower")
            session.add(user)
            session.flush()
            browser.user_id = user.id
            session.add_all([_signed_in(user, f"home {number}"), _factor(user)])
            if account:
                browser.account_id = self._account(session, user.id)
        browser.set_cookie("session", f"home {number}", domain=HOSTS[BRAND])
        return browser

    def subscription(self, who: Follower, *, state: str = "synced", **values: Any) -> int:
        """Let somebody copy the brand's strategy with an account of its own; return the subscription's number."""
        with self.storing() as session:
            if "strategy_id" not in values:
                values["strategy_id"] = session.scalars(select(Strategy.id).limit(1)).one()
            account_id = values.pop("account_id", None) or self._account(session, who.user_id)
            terms = {"allocation": D(500), "sizing_mode": "equity_ratio", "created_at": NOW - timedelta(days=2)}
            row = Subscription(tenant_id=self.tenant_id, account_id=account_id, state=state, **(terms | values))
            session.add(row)
            session.flush()
            return row.id

    def book(self, subscription_id: int, symbol: str = "BTC/USDT", **values: Any) -> None:
        """Let a subscription hold something: 0.005 that cost 320, unless told otherwise."""
        held = {"qty": D("0.005"), "cost": D(320), "cash": D(-320), "target_qty": D("0.005")} | values
        with self.storing() as session:
            session.add(Book(tenant_id=self.tenant_id, subscription_id=subscription_id, symbol=symbol, **held))

    def signal(self, *, at: datetime = NOW, **values: Any) -> int:
        """Let the trader buy half a coin."""
        with self.storing() as session:
            leader = session.scalars(select(Strategy).limit(1)).one()
            told = {
                "symbol": "BTC/USDT",
                "side": "buy",
                "venue_order_id": f"s{next(_NUMBERS)}",
                "cum_qty": D("0.5"),
                "qty": D("0.5"),
                "px": D(64_000),
                "position_before": D(0),
                "position_after": D("0.5"),
                "leader_equity": D(100_000),
            }
            moments = {"venue_at": at, "seen_at": at, "stored_at": at}
            row = Signal(
                tenant_id=self.tenant_id,
                strategy_id=values.pop("strategy_id", leader.id),
                account_id=leader.account_id,
                **(told | moments | values),
            )
            session.add(row)
            session.flush()
            return row.id

    def copy(self, subscription_id: int, signal_id: int, status: str = "filled", **values: Any) -> None:
        """Store what became of a signal for a subscription."""
        filled = status in ("filled", "partially_filled")
        told = {
            "leg": "open",
            "symbol": "BTC/USDT",
            "side": "buy",
            "type": "limit",
            "qty": D("0.004"),
            "px": D("64320"),
            "reduces": False,
            "client_order_id": f"c{next(_NUMBERS)}",
            "epoch": 1,
            "cum_qty": D("0.004") if filled else D(0),
            "avg_px": D("64006.4") if filled else None,
            "planned_at": NOW,
            "sent_at": NOW + timedelta(milliseconds=20),
            "acked_at": NOW + timedelta(milliseconds=80) if filled else None,
            "wanted_qty": D("0.004"),
            "allocation": D(500),
            "book_qty": D(0),
            "bound": "none",
        } | values
        with self.storing() as session:
            account_id = session.get_one(Subscription, (self.tenant_id, subscription_id)).account_id
            keys = {"subscription_id": subscription_id, "signal_id": signal_id, "account_id": account_id}
            row = {"tenant_id": self.tenant_id, "shard": "binance-lab:0", "status": status, **keys, **told}
            session.execute(insert(Copy).values(**row))

    def state_of(self, subscription_id: int) -> tuple[str, str | None, str | None]:
        """Return how a subscription is: state, reason, how it ends."""
        with self.storing() as session:
            row = session.get_one(Subscription, (self.tenant_id, subscription_id))
            return row.state, row.state_reason, row.end_mode

    def all_of(self, query: str, **keys: object) -> list[Any]:
        with self.storing() as session:
            return list(session.execute(text(query), keys).all())

    @contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Collect the statements that the pages send meanwhile."""
        sent: list[str] = []

        def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
            sent.append(statement)

        with self.app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield sent
        finally:
            event.remove(engine, "before_cursor_execute", note)

    def _account(self, session: TenantSession, user_id: int) -> int:
        row = Account(
            tenant_id=self.tenant_id,
            user_id=user_id,
            venue="binance",
            environment="lab",
            label="My account",
            shard="binance-lab:0",
        )
        session.add(row)
        session.flush()
        return row.id


def _signed_in(user: User, token: str) -> UserSession:
    return UserSession(
        tenant_id=user.tenant_id,
        user_id=user.id,
        token_hash=token_hash(token),
        created_at=NOW,
        seen_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        factor="totp",
        stepped_up_at=NOW,
        ip="127.0.0.1",
        agent="a browser",
    )


def _factor(user: User) -> TotpSecret:
    return TotpSecret(tenant_id=user.tenant_id, user_id=user.id, sealed=b"sealed", confirmed=True, created_at=NOW)


def many(session: TenantSession, tenant_id: int, subscription_id: int) -> None:
    """Store 900 signals with a filled copy each for a subscription."""
    keys = {"tenant_id": tenant_id, "id": subscription_id, "at": NOW - timedelta(days=7)}
    session.execute(_MANY_SIGNALS, keys)
    session.execute(_MANY_COPIES, keys)


def joined(session: TenantSession, earlier: int, later: int) -> None:
    """Let a lane have planned an earlier signal together with a later one."""
    keys = {"tenant_id": session.tenant_id, "earlier": earlier, "later": later}
    session.execute(_JOINED, keys)


_MANY_SIGNALS = text(
    """
    INSERT INTO signal (tenant_id, strategy_id, account_id, symbol, side, venue_order_id, cum_qty, qty, px,
                        position_before, position_after, leader_equity, venue_at, seen_at, stored_at)
    SELECT :tenant_id, s.strategy_id, t.account_id, 'BTC/USDT', 'buy', 'many' || n, 1, 1, 64000, n, n + 1, 100000,
           CAST(:at AS timestamptz) + n * interval '1 second', :at, CAST(:at AS timestamptz) + n * interval '1 second'
    FROM subscription s JOIN strategy t ON t.id = s.strategy_id CROSS JOIN generate_series(1, 900) AS n WHERE s.id = :id
    """
)
_MANY_COPIES = text(
    """
    INSERT INTO copy (tenant_id, subscription_id, signal_id, account_id, shard, leg, symbol, side, type, qty, px,
                      reduces, client_order_id, status, epoch, cum_qty, avg_px, planned_at)
    SELECT g.tenant_id, s.id, g.id, s.account_id, 'binance-lab:0', 'open', g.symbol, 'buy', 'limit', 1, 64000, false,
           'many' || g.id, 'filled', 1, 1, 64000, g.venue_at
    FROM signal g JOIN subscription s ON s.id = :id WHERE g.venue_order_id LIKE 'many%'
    """
)
_JOINED = text(
    """
    INSERT INTO delivery (tenant_id, signal_id, shard, drained_at, stored_at, joined_into)
    VALUES (:tenant_id, :earlier, 'binance-lab:0', now(), now(), :later)
    """
)
