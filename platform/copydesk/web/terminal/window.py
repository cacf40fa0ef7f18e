"""What pages of the terminal read from Redis: an exchange's rules, books and candles. With Redis away, nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from flask import Flask, current_app
from redis import Redis

from copydesk.marks import Listings
from copydesk.terminal.market import MarketBoard
from copydesk.trading import Instrument
from copydesk.web.port import Runtime

_REDIS_S = 0.25


@dataclass(frozen=True)
class Window:
    """The markets as pages see them."""

    listings: Listings
    board: MarketBoard

    def instruments(self, place: str, symbols: Collection[str]) -> Mapping[str, Instrument]:
        """Return the rules of instruments that are listed now; empty where nothing is known."""
        return self.listings.read(place, symbols) or {}


def init_terminal(app: Flask, runtime: Runtime) -> None:
    """Let the pages of this app look at markets; nothing is sent to Redis yet."""
    redis = Redis.from_url(runtime.redis_url, socket_timeout=_REDIS_S, socket_connect_timeout=_REDIS_S)
    app.extensions["copydesk_terminal"] = Window(Listings(redis), MarketBoard(redis))


def current_window() -> Window:
    """Return the markets of the running app."""
    window: Window = current_app.extensions["copydesk_terminal"]
    return window
