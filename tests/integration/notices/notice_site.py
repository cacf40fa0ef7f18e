"""One brand with people who copy a strategy, on a real database: what tests of notices need to happen."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from copydesk.bootstrap import declared_settings
from copydesk.db import Database, TenantSession
from copydesk.identity import User
from copydesk.notices import Channel, DeliveryState, Notice, Reason, Words
from copydesk.notices.service import Rounds
from copydesk.notices.store import notices_of
from copydesk.notices.tables import NoticeDelivery
from copydesk.replication.tables import Book, Copy, CopyFill, Signal, Strategy, Subscription
from copydesk.tenancy import Tenant, TenantDirectory, ensure_tenant
from copydesk.tenancy.model import LayerValues
from copydesk.vault.tables import Account
from lab_desk import ROOT
from sqlalchemy import select

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
D = Decimal
SPOT = "BTC/USDT"
_numbers = itertools.count(1)


@dataclass
class Hands:
    """A clock that goes on when told."""

    at: datetime = BEGIN

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def wait(self, **how: float) -> None:
        self.at += timedelta(**how)


class Plainly:
    """Has words for everything: the kind, and what it is about."""

    def say(self, _tenant_id: int, locale: str, notices: list[Notice]) -> list[Words]:
        return [
            Words(f"{one.kind} {locale}".strip(), "told", f"/n/{one.id}", f"https://a.test/n/{one.id}")
            for one in notices
        ]


class Backwards:
    """A seal for tests: tied to its place, and not the text itself."""

    def seal(self, tenant_id: int, row_id: int, field: str, text: str, /) -> bytes:
        return f"{tenant_id} {row_id} {field} {text[::-1]}".encode()

    def open(self, tenant_id: int, row_id: int, field: str, sealed: bytes, /) -> str:
        place = f"{tenant_id} {row_id} {field} "
        assert sealed.decode().startswith(place)
        return sealed.decode().removeprefix(place)[::-1]


@dataclass
class Follower:
    """Somebody who copies the strategy."""

    user_id: int
    account_id: int
    subscription_id: int
    email: str


@dataclass
class NoticeSite:
    """The brand, its strategy, and what happens there. `said` is what the brand's panel sets."""

    db: Database
    clock: Hands = field(default_factory=Hands)
    said: dict[str, Any] = field(default_factory=dict)
    seal: Backwards = field(default_factory=Backwards)
    secrets: dict[str, str] = field(default_factory=dict)

    def set(self, _slug: str, name: str, value: str) -> None:
        """Keep a secret of the brand."""
        self.secrets[name] = value

    def get(self, _slug: str, name: str) -> str | None:
        return self.secrets.get(name)

    @cached_property
    def directory(self) -> TenantDirectory:
        return TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())

    def tenant(self, _tenant_id: int = 0) -> Tenant:
        found = self.directory.by_slug("aurora")
        assert found is not None
        return replace(found, cascade=replace(found.cascade, panel=LayerValues("panel", dict(self.said))))

    @cached_property
    def tenant_id(self) -> int:
        with self.db.installation() as session:
            return ensure_tenant(session, "aurora")

    @cached_property
    def strategy(self) -> Strategy:
        trader = self._person("trader")
        with self.db.tenant(self.tenant_id) as session:
            account = self._account(session, trader.id)
            number = next(_numbers)
            strategy = Strategy(
                tenant_id=self.tenant_id,
                trader_id=trader.id,
                account_id=account.id,
                slug=f"dawn-{number}",
                name="Dawn",
                summary="Buys low.",
            )
            session.add(strategy)
            session.flush()
            return strategy

    def _person(self, role: str, **columns: Any) -> User:
        with self.db.tenant(self.tenant_id) as session:
            number = next(_numbers)
            told = {"email": f"n{number}@notice.example", "email_verified_at": BEGIN, "locale": "de"} | columns
            user = User(tenant_id=self.tenant_id, display_name=f"P {number}", role=role, **told)
            session.add(user)
            session.flush()
            return user

    def _account(self, session: TenantSession, user_id: int) -> Account:
        account = Account(
            tenant_id=self.tenant_id,
            user_id=user_id,
            venue="binance",
            environment="lab",
            label="Main",
            shard="binance-lab:0",
        )
        session.add(account)
        session.flush()
        return account

    def person(self, **columns: Any) -> int:
        return self._person("follower", **columns).id

    def follower(self, **columns: Any) -> Follower:
        person, strategy = self._person("follower", **columns), self.strategy
        with self.db.tenant(self.tenant_id) as session:
            account = self._account(session, person.id)
            subscription = Subscription(
                tenant_id=self.tenant_id,
                strategy_id=strategy.id,
                account_id=account.id,
                allocation=D(500),
                sizing_mode="equity_ratio",
            )
            session.add(subscription)
            session.flush()
            return Follower(person.id, account.id, subscription.id, person.email)

    def signal(self, before: str, after: str) -> int:
        """Store what the leader did: from one position to another."""
        with self.db.tenant(self.tenant_id) as session:
            signal = Signal(
                tenant_id=self.tenant_id,
                strategy_id=self.strategy.id,
                account_id=self.strategy.account_id,
                symbol=SPOT,
                side="buy" if D(after) > D(before) else "sell",
                venue_order_id=f"o{next(_numbers)}",
                cum_qty=D(1),
                qty=D(1),
                px=D(60_000),
                position_before=D(before),
                position_after=D(after),
                leader_equity=D(10_000),
                venue_at=self.clock.at,
                seen_at=self.clock.at,
                stored_at=self.clock.at,
            )
            session.add(signal)
            session.flush()
            return signal.id

    def copy(self, whose: Follower, **columns: Any) -> int:
        """Store a copy that was filled but for these columns, with one fill of what was filled."""
        signal_id = columns.pop("signal_id", None) or self.signal("0", "1")
        told = {"leg": "open", "side": "buy", "reduces": False, "status": "filled", "qty": D("0.004")}
        told |= {"cum_qty": D("0.004"), "avg_px": D(60_000)} | columns
        number = next(_numbers)
        with self.db.tenant(self.tenant_id) as session:
            copy = Copy(
                tenant_id=self.tenant_id,
                subscription_id=whose.subscription_id,
                signal_id=signal_id,
                account_id=whose.account_id,
                shard="binance-lab:0",
                symbol=SPOT,
                type="market",
                client_order_id=f"c{number}",
                epoch=1,
                planned_at=self.clock.at,
                acked_at=self.clock.at,
                **told,
            )
            session.add(copy)
            session.flush()
            if told["cum_qty"]:
                self._fill(session, copy, number)
            return copy.id

    def _fill(self, session: TenantSession, copy: Copy, number: int) -> None:
        fill = CopyFill(
            tenant_id=self.tenant_id,
            copy_id=copy.id,
            trade_id=f"t{number}",
            subscription_id=copy.subscription_id,
            symbol=copy.symbol,
            side=copy.side,
            qty=copy.cum_qty,
            px=copy.avg_px,
            fee=D("0.1"),
            fee_currency="USDT",
            at=self.clock.at + timedelta(microseconds=number),
        )
        session.add(fill)

    def book(self, whose: Follower, symbol: str, qty: str, *, cost: str = "0", cash: str = "0") -> None:
        told = {"symbol": symbol, "qty": D(qty), "cost": D(cost), "cash": D(cash)}
        with self.db.tenant(self.tenant_id) as session:
            session.add(Book(tenant_id=self.tenant_id, subscription_id=whose.subscription_id, **told))

    @cached_property
    def rounds(self) -> Rounds:
        return Rounds(self.db, self.seal, self.tenant, clock=self.clock)

    def notices(self, user_id: int) -> list[Notice]:
        with self.db.tenant(self.tenant_id) as session:
            return notices_of(session, user_id)

    def told(self, user_id: int) -> list[tuple[str, Mapping[str, Any]]]:
        """Return kinds and facts, the oldest first."""
        return [(str(one.kind), one.facts) for one in reversed(self.notices(user_id))]

    def deliveries(self, user_id: int) -> list[tuple[Channel, DeliveryState, Reason | None]]:
        query = select(NoticeDelivery).where(NoticeDelivery.user_id == user_id).order_by(NoticeDelivery.id)
        with self.db.tenant(self.tenant_id) as session:
            return [
                (Channel(row.channel), DeliveryState(row.state), Reason(row.reason) if row.reason else None)
                for row in session.scalars(query)
            ]
