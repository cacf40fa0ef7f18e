"""People of the two brands who sign in, a clock that moves, and the mailbox of whoever is written to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.identity import Role, SignIn, User, UserSession
from copydesk.identity.factors.tables import TotpSecret
from copydesk.notifications.outbox import FACTS_FIELD
from copydesk.notifications.tables import Mail
from copydesk.web.database import db
from flask import Flask
from flask.testing import FlaskClient
from form_posts import submit
from site_seed import HOSTS, NOW, FakeRuntime
from sqlalchemy import event, select
from werkzeug.test import TestResponse

PASSWORD = "tide lamp orbit 27"


class MovingClock:
    """A clock that tests set forward."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def pass_(self, **spans: float) -> None:
        self.at += timedelta(**spans)


class Browser(FlaskClient):
    """A browser with its own cookies and its own address, so that nobody waits for anybody else's failures."""

    host = HOSTS["aurora"]
    scheme = "http"
    ip = "203.0.113.1"

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", f"{self.scheme}://{self.host}")
        kwargs.setdefault("buffered", True)
        headers = {"X-Forwarded-For": self.ip, "User-Agent": "Firefox/128 Linux", **dict(kwargs.pop("headers", {}))}
        return super().open(*args, headers=headers, **kwargs)

    def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return submit(self, "/account/sign-in", {"email": email, "password": password, **more})


@dataclass
class People:
    """Make people, open browsers for them, read their mail and rows."""

    app: Flask
    runtime: FakeRuntime
    database: Database
    clock: MovingClock
    made: int = 0
    browsers: int = field(default=0)

    def add(self, brand: str = "aurora", *, role: Role = Role.FOLLOWER, factor: bool = False, **values: Any) -> User:
        """Store somebody whose password is `PASSWORD`, with an authenticator app where a factor is wanted."""
        self.made += 1
        tenant_id = self.runtime.tenant_ids[brand]
        known = {
            "email": f"person{self.made}@{brand}.example",
            "display_name": f"Person {self.made}",
            "password_hash": self.runtime.hashing.hash(PASSWORD),
            "email_verified_at": NOW,
            **values,
        }
        with self.database.tenant(tenant_id) as session:
            user = User(tenant_id=tenant_id, role=role.value, **known)
            session.add(user)
            session.flush()
            if factor:
                sealed = self.runtime.identity_vault.seal(tenant_id, 1, "factor.totp", "JBSWY3DPEHPK3PXP")
                session.add(
                    TotpSecret(
                        tenant_id=tenant_id, user_id=user.id, sealed=sealed, confirmed=True, created_at=self.clock.at
                    )
                )
        return user

    def browser(self, brand: str = "aurora", *, scheme: str = "http") -> Browser:
        """Open a browser in a network of its own."""
        self.browsers += 1
        browser = Browser(self.app)
        browser.host, browser.scheme = HOSTS[brand], scheme
        browser.ip = f"198.18.{self.browsers}.7"
        return browser

    def signed_in(self, user: User, brand: str = "aurora", *, factor: str = "totp") -> Browser:
        """Open a browser that is signed in, the second factor passed a moment ago."""
        browser = self.browser(brand)
        answer = browser.sign_in(user.email)
        assert answer.status_code == 303, answer.text
        if factor:
            self.set_session(user, factor=factor, stepped_up_at=self.clock.at)
        return browser

    def with_cookie_of(self, browser: Browser) -> Browser:
        """Open a browser that somebody copied a session's cookie into."""
        copied = self.browser()
        cookie = browser.get_cookie("session", domain=browser.host.partition(":")[0])
        assert cookie is not None
        copied.set_cookie("session", cookie.value, domain=cookie.domain)
        return copied

    def set_session(self, user: User, **values: Any) -> None:
        """Change the newest session of somebody."""
        with self.database.tenant(user.tenant_id) as session:
            newest = select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.id.desc()).limit(1)
            row = session.scalars(newest).one()
            for name, value in values.items():
                setattr(row, name, value)

    def fresh(self, user: User) -> User:
        """Read somebody again."""
        with self.database.tenant(user.tenant_id) as session:
            return session.get_one(User, (user.tenant_id, user.id))

    def find(self, brand: str, email: str) -> User | None:
        with self.database.tenant(self.runtime.tenant_ids[brand]) as session:
            return session.scalars(select(User).where(User.email == email)).one_or_none()

    def sessions(self, user: User) -> list[UserSession]:
        with self.database.tenant(user.tenant_id) as session:
            rows = select(UserSession).where(UserSession.user_id == user.id).order_by(UserSession.id)
            return list(session.scalars(rows))

    def tries(self, user: User) -> list[str]:
        with self.database.tenant(user.tenant_id) as session:
            return list(session.scalars(select(SignIn.outcome).where(SignIn.user_id == user.id).order_by(SignIn.id)))

    def acts(self, brand: str, *subjects: str) -> list[str]:
        """Return what the brand's record holds of these subjects, the first act first."""
        tenant_id = self.runtime.tenant_ids[brand]
        with self.database.tenant(tenant_id) as session:
            entries = read_entries(session, tenant_id, limit=1_000)
        return [entry.act for entry in reversed(entries) if entry.subject in subjects]

    def mails(self, brand: str, email: str) -> list[tuple[str, dict[str, str]]]:
        """Return kind and facts of every mail to an address, the secret ones opened."""
        tenant_id, vault = self.runtime.tenant_ids[brand], self.runtime.identity_vault
        with self.database.tenant(tenant_id) as session:
            rows = list(session.scalars(select(Mail).where(Mail.recipient == email).order_by(Mail.id)))
        found = []
        for row in rows:
            sealed = row.sealed_facts
            hidden = json.loads(vault.open(tenant_id, row.id, FACTS_FIELD, sealed)) if sealed else {}
            found.append((row.kind, {**row.facts, **hidden}))
        return found

    def last_link(self, brand: str, email: str) -> str:
        """Return the link of the newest mail to an address."""
        return self.mails(brand, email)[-1][1]["link"]


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:
    """Collect what the application sends to the database meanwhile."""
    with app.app_context():
        engine = db.engine
    statements: list[str] = []

    def note(*told: object) -> None:
        statements.append(str(told[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
