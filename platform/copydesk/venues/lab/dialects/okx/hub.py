"""All WebSocket connections of this exchange: who is there, on which channels, and the beat that keeps them informed.

Source: okx.com/docs-v5, "Overview", "WebSocket", "Connection limit" (3 connects a second from one address) and
"Connection count limit" (30 connections per private channel of a sub-account).
"""

from __future__ import annotations

import secrets

from aiohttp import web

from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.feeds import PublicFeeds
from copydesk.venues.lab.dialects.okx.session import Session
from copydesk.venues.lab.streams import SessionMaker, StreamConnection

CONNECTS_MAX, CONNECTS_EVERY_MS = 3, 1000
CHANNEL_CONNECTIONS_MAX = 30
TRY_LATER = 1013
IDLE_S = 30.0
PATHS = ("public", "private", "business")


class Hub:
    """Hold the sessions. `feeds` are the public channels; `idle_s` is how long a connection may be without data."""

    def __init__(self, desk: Desk, idle_s: float) -> None:
        self.desk = desk
        self.idle_s = idle_s
        self.feeds = PublicFeeds(desk)
        self._sessions: set[Session] = set()
        self._joined: dict[tuple[str, str], set[Session]] = {}

    def sessions(self) -> dict[str, SessionMaker]:
        """Map the paths to makers of sessions."""
        return {f"/ws/v5/{path}": self._maker(path) for path in PATHS}

    def _maker(self, path: str) -> SessionMaker:
        def make(connection: StreamConnection, _request: web.Request) -> Session:
            session = Session(self, connection, path, secrets.token_hex(4))
            self._sessions.add(session)
            now_ms = int(self.desk.exchange.now_ms())
            if not self.desk.meters.take(("connect", connection.ip), CONNECTS_MAX, CONNECTS_EVERY_MS, now_ms):
                connection.close(TRY_LATER, b"Too many connections")
            return session

        return make

    def join(self, session: Session, channel: str) -> tuple[int, bool]:
        """Count a session in on a private channel; return how many there are, and whether it may stay."""
        assert session.key is not None
        members = self._joined.setdefault((session.key.account, channel), set())
        if session not in members and len(members) >= CHANNEL_CONNECTIONS_MAX:
            return len(members), False
        members.add(session)
        return len(members), True

    def leave(self, session: Session) -> None:
        """Forget a closed session."""
        self._sessions.discard(session)
        for key, members in list(self._joined.items()):
            members.discard(session)
            if not members:
                del self._joined[key]

    def tick(self) -> None:
        """Move the market's channels on, repeat what repeats itself, and cancel for those who fell silent."""
        now_ms = int(self.desk.exchange.now_ms())
        if self.desk.deadlines:
            self.desk.cancel_overdue(now_ms)
        self.feeds.tick()
        for session in self._sessions:
            if session.feed is not None and session.feed.subscriptions:
                session.feed.repeat(now_ms)

    def disconnect(self, account: str) -> int:
        """Cut an account's connections; return how many there were."""
        chosen = [session for session in self._sessions if session.serves(account)]
        for session in chosen:
            session.close(1001)
        return len(chosen)
