"""A site whose people have sessions and second factors, on a clock that tests move by hand."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
from copydesk.identity import Origin, Role, SessionLimits, User, UserSession
from copydesk.identity.factors.tables import TotpSecret
from copydesk.identity.sessions import pass_factor, start_session
from copydesk.web import create_app
from flask import Flask
from flask.testing import FlaskClient
from form_posts import token_in
from site_seed import NOW, FakeRuntime
from sqlalchemy import select
from werkzeug.test import TestResponse

STEP = timedelta(seconds=30)
SECRET = re.compile(r"data-copy-text>([A-Z2-7\s]+)<")
OPTIONS = re.compile(r'data-options="([^"]+)"')
CODE = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){5}")
_LIMITS = SessionLimits(timedelta(hours=8), timedelta(hours=12))
_NUMBERS = itertools.count(1)


class HandClock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOW).total_seconds()


class Pigeon:
    """Carry text messages to a list."""

    def __init__(self) -> None:
        self.carried: list[str] = []

    def send(self, to: str, text: str) -> None:
        self.carried.append(text)


class Visit(FlaskClient):
    """Somebody's browser on one brand, with the session of somebody who gave the right password."""

    host = "aurora.localhost"
    clock: HandClock
    user_id: int
    app_of: pyotp.TOTP

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        kwargs.setdefault("base_url", f"http://{self.host}")
        kwargs.setdefault("buffered", True)
        return super().open(*args, **kwargs)

    @property
    def token(self) -> str:
        cookie = self.get_cookie("session", domain=self.host)
        assert cookie is not None
        return cookie.value

    def send(self, path: str, page: str = "", **fields: str) -> TestResponse:
        """Fill in the form of `page`, the path itself unless told, and post it."""
        return self.post(path, data={"csrf_token": token_in(self.get(page or path).text), **fields})

    def passkey_options(self, page: str) -> str:
        """Return the question that a page puts to the browser."""
        found = OPTIONS.search(self.get(page).text)
        assert found, f"{page} asks for no passkey"
        return html.unescape(found.group(1))

    def code(self) -> str:
        """Return the code that the person's app shows, a new one each time."""
        self.clock.at += STEP
        return self.app_of.at(self.clock.at)

    def set_up_app(self) -> TestResponse:
        """Set an authenticator app up, as a person does."""
        found = SECRET.search(self.get("/account/factors/totp").text)
        assert found, "the page shows no secret"
        self.app_of = pyotp.TOTP("".join(found.group(1).split()))
        return self.send("/account/factors/totp", code=self.code())


@dataclass
class FactorSite:
    """The application and its people."""

    runtime: FakeRuntime
    clock: HandClock = field(default_factory=HandClock)
    pigeon: Pigeon = field(default_factory=Pigeon)

    def __post_init__(self) -> None:
        self.runtime.texters["aurora"] = self.pigeon
        self.app: Flask = create_app(self.runtime, clock=self.clock)

    def person(self, role: Role = Role.FOLLOWER) -> Visit:
        """Return the browser of somebody new."""
        number = next(_NUMBERS)
        with self.runtime.database.tenant(self.tenant_id) as session:
            email = f"person{number}@aurora.example"
            user = User(tenant_id=self.tenant_id, email=email, display_name=f"Person {number}", role=str(role))
            session.add(user)
            session.flush()
            user_id = user.id
        return self.again(user_id)

    def member(self, role: Role = Role.FOLLOWER) -> Visit:
        """Return the browser of somebody new who has an authenticator app, and has passed it."""
        browser = self.person(role)
        with self.runtime.database.tenant(self.tenant_id) as session:
            secret = {"user_id": browser.user_id, "confirmed": True, "created_at": self.clock.at}
            session.add(TotpSecret(tenant_id=self.tenant_id, **secret))
            of_theirs = select(UserSession.id).where(UserSession.user_id == browser.user_id)
            token = pass_factor(session, session.scalars(of_theirs).one(), "totp", at=self.clock.at)
        browser.set_cookie("session", token, domain=browser.host)
        return browser

    def again(self, user_id: int) -> Visit:
        """Return another browser of the same person, who has just given their password in it."""
        with self.runtime.database.tenant(self.tenant_id) as session:
            origin = Origin("127.0.0.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/120.0")
            started = start_session(session, user_id, origin=origin, limits=_LIMITS, at=self.clock.at)
        browser = Visit(self.app)
        browser.clock, browser.user_id = self.clock, user_id
        browser.set_cookie("session", started.token, domain=browser.host)
        return browser

    @property
    def tenant_id(self) -> int:
        return self.runtime.tenant_ids["aurora"]
