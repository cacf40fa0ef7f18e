"""All WebSocket paths of Bitget: which sessions are open, and what a moved market tells them."""

from __future__ import annotations

import time

from aiohttp import web

from copydesk.venues.lab.dialects.bitget.channels import CLASSIC, UNIFIED, PublicFeed
from copydesk.venues.lab.dialects.bitget.private import PrivateSession
from copydesk.venues.lab.dialects.bitget.sessions import SILENCE_MAX_S, PublicSession, SocketSession
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.streams import SessionMaker, StreamConnection

SWEEP_EVERY_S = 1.0


class Hub:
    """Open the sessions of both generations and keep them going."""

    def __init__(self, classic: Exchange, unified: Exchange) -> None:
        self._exchanges = {False: classic, True: unified}
        self._feeds = {False: PublicFeed(classic, CLASSIC), True: PublicFeed(unified, UNIFIED)}
        self._private: set[PrivateSession] = set()
        self._public: set[SocketSession] = set()
        self._swept_s = time.monotonic()

    def sessions(self) -> dict[str, SessionMaker]:
        return {
            "/v2/ws/public": self._public_maker(unified=False),
            "/v2/ws/private": self._private_maker(unified=False),
            "/v3/ws/public": self._public_maker(unified=True),
            "/v3/ws/private": self._private_maker(unified=True),
        }

    def _public_maker(self, *, unified: bool) -> SessionMaker:
        def make(connection: StreamConnection, _request: web.Request) -> PublicSession:
            return PublicSession(self._feeds[unified], connection, self._public)

        return make

    def _private_maker(self, *, unified: bool) -> SessionMaker:
        def make(connection: StreamConnection, _request: web.Request) -> PrivateSession:
            return PrivateSession(self._exchanges[unified], connection, self._private, unified=unified)

        return make

    def tick(self) -> None:
        """Push what moved, and once a second cut whoever has been silent for too long."""
        for feed in self._feeds.values():
            feed.tick()
        now_s = time.monotonic()
        if now_s - self._swept_s < SWEEP_EVERY_S:
            return
        self._swept_s = now_s
        for session in [*self._public, *self._private]:
            if now_s - session.heard_s > SILENCE_MAX_S:
                session.connection.close(1000, b"no ping")

    def disconnect(self, account: str) -> int:
        """Cut the private streams of an account; return how many there were."""
        chosen = [session for session in self._private if session.account == account]
        for session in chosen:
            session.connection.close()
        return len(chosen)
