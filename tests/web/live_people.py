"""People of the seeded brands with sessions, and the streams of live events that their pages open."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

from copydesk.bootstrap.news import send_news
from copydesk.identity import Origin, User
from copydesk.identity.model import SessionLimits
from copydesk.identity.sessions import start_session
from copydesk.kernel import utc_now
from copydesk.web.me_grant import PURPOSE, MeGrant, me_token
from redis import Redis
from site_seed import FakeRuntime
from sqlalchemy import select, text

LIMITS = SessionLimits(timedelta(minutes=30), timedelta(hours=12))
_SUBSCRIPTION = text(
    "SELECT s.id FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE a.user_id = :user_id"
)


class Person:
    """Somebody of a brand with a session; `number` is that of the seeded follower, 0 for the trader."""

    def __init__(self, runtime: FakeRuntime, name: str, brand: str = "aurora") -> None:
        self.runtime, self.brand = runtime, brand
        self.tenant_id = runtime.tenant_ids[brand]
        with runtime.database.tenant(self.tenant_id) as session:
            self.user_id = session.scalars(select(User.id).where(User.display_name == name)).one()
            self.subscription_id = session.execute(_SUBSCRIPTION, {"user_id": self.user_id}).scalar()
            begun = start_session(session, self.user_id, origin=Origin("", ""), limits=LIMITS, at=utc_now())
        self.session_id = begun.session_id

    def address(self, brand: str = "", *, ago: timedelta = timedelta(0), **more: str) -> str:
        """Return the address of the person's stream, with a token that was written so long ago."""
        key = self.runtime.link_key(PURPOSE, brand or self.brand)
        assert key is not None
        grant = MeGrant(brand or self.brand, self.user_id, self.session_id, utc_now() - ago)
        return f"/live/me?token={me_token(key, grant)}" + "".join(f"&{name}={value}" for name, value in more.items())


def tell(runtime: FakeRuntime, event: Mapping[str, Any], brand: str = "aurora") -> None:
    """Send news as any role does."""
    with closing(Redis.from_url(runtime.redis_url)) as redis:
        send_news(redis, runtime.tenant_ids[brand], event)
