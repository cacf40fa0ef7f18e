"""The market as the page's script draws it: candles with the price of now, and the order book. Public prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Response, jsonify, request

from copydesk.identity.access import Permission
from copydesk.kernel import decimal_text
from copydesk.terminal.bars import Bars, going_on, minutes_between
from copydesk.terminal.store import minutes_of
from copydesk.venues import Candle, Interval
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.terminal.blueprint import terminal
from copydesk.web.terminal.scene import Scene, scene_of
from copydesk.web.terminal.window import current_window

_BACK = timedelta(hours=6)
_INTERVALS = {one.value: one for one in Interval}


def asked_interval() -> Interval:
    """Return the length of the candles that an address asks for, five minutes where it asks for none of ours."""
    return _INTERVALS.get(request.args.get("interval", ""), Interval.M5)


@terminal.get("/<int:account_id>/market")
@needs(Permission.STRATEGIES_OWN)
def market(account_id: int) -> Response:
    """Return candles with the price of now, and where they come from.

    `from`: the `exchange` told them; `seen` are the minutes that this site has seen, as the exchange does not answer;
    `asked` are the same while the exchange has not been asked yet.
    """
    scene, interval, board = scene_of(account_id, looks=True), asked_interval(), current_window().board
    board.ask_bars(scene.place, scene.symbol, interval)
    told = board.bars(scene.place, scene.symbol, interval)
    bars = told or Bars()
    candles = going_on(bars, _minutes(scene, further_back=not bars.candles), interval)
    return jsonify(
        {
            "from": "asked" if told is None else "exchange" if told.candles else "seen",
            "at": list(candles),
            **{name: [float(getattr(one, name)) for one in candles.values()] for name in Candle._fields},
            "px": None if scene.px is None else decimal_text(scene.px),
        }
    )


@terminal.get("/<int:account_id>/book")
@needs(Permission.STRATEGIES_OWN)
def book(account_id: int) -> Response:
    """Return the order book as it was read in the last seconds; empty where it was not."""
    scene = scene_of(account_id, looks=True)
    told = current_window().board.book(scene.place, scene.symbol)
    return jsonify(told or {"bids": [], "asks": [], "at_ms": None})


def _minutes(scene: Scene, *, further_back: bool) -> Mapping[int, Candle]:
    """Return the minutes that were watched, and before them, where wanted, what is kept of past prices."""
    since, found = current_time() - _BACK, {}
    if further_back:
        with transaction() as session:
            found = minutes_between(minutes_of(session, scene.place, scene.symbol, since=since))
    watched = current_window().board.minutes(scene.place, scene.symbol)
    found |= {minute: one for minute, one in watched.items() if minute >= since.timestamp()}
    return found
