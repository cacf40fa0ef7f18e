"""The market as the page's script draws it: candles with the price of now, and the order book. Public prices."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from flask import Response, jsonify

from copydesk.identity.access import Permission
from copydesk.kernel import decimal_text
from copydesk.terminal.market import MINUTE_S, Candle
from copydesk.terminal.store import minutes_of
from copydesk.web.access import needs
from copydesk.web.clock import current_time
from copydesk.web.keys.blueprint import transaction
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.scene import Scene, scene_of
from copydesk.web.terminal.window import current_window

_BACK = timedelta(hours=6)


@terminal.get("/<int:account_id>/market")
@needs(Permission.STRATEGIES_OWN)
def market(account_id: int) -> Response:
    """Return the minutes of the last hours that this site has seen, and the price of now."""
    scene = scene_of(account_id, looks=True)
    candles = candles_of(scene, since=current_time() - _BACK)
    return jsonify(
        at=list(candles),
        open=[float(one.open) for one in candles.values()],
        high=[float(one.high) for one in candles.values()],
        low=[float(one.low) for one in candles.values()],
        close=[float(one.close) for one in candles.values()],
        px=None if scene.px is None else decimal_text(scene.px),
    )


@terminal.get("/<int:account_id>/book")
@needs(Permission.STRATEGIES_OWN)
def book(account_id: int) -> Response:
    """Return the order book as it was read in the last seconds; empty where it was not."""
    scene = scene_of(account_id, looks=True)
    told = current_window().board.book(scene.place, scene.symbol)
    return jsonify(told or {"bids": [], "asks": [], "at_ms": None})


def candles_of(scene: Scene, *, since: datetime) -> dict[int, Candle]:
    """Return minutes by their beginning: those that were watched, and before them what is kept of past prices."""
    with transaction() as session:
        rows = minutes_of(session, scene.place, scene.symbol, since=since)
    found: dict[int, Candle] = {}
    before: Decimal | None = None
    for minute, px in rows:
        opened = before or px
        found[minute // MINUTE_S * MINUTE_S] = Candle(opened, max(opened, px), min(opened, px), px)
        before = px
    watched = current_window().board.candles(scene.place, scene.symbol)
    found |= {minute: one for minute, one in watched.items() if minute >= since.timestamp()}
    return dict(sorted(found.items()))
