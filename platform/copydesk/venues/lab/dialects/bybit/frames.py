"""What all Bybit WebSocket connections share: frames, ids, ping and the answers to subscriptions.

Source: v5 documentation, "Connect"; refusals as production sends them, recorded in public issue trackers.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Any

import orjson

from copydesk.venues.lab.dialects.bybit.limits import CONNECT_WINDOW_MS, CONNECTS_MAX, IpMeter
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.streams import StreamConnection

_NUMBERS = count(1)
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
POLICY_VIOLATION = 1008


def connection_id() -> str:
    """Return a new connection id in the form of "cnt5leec0hvan15eukcg-2t"."""
    number = next(_NUMBERS)
    mixed, text = number * 0x9E3779B97F4A7C15, ""
    for _ in range(20):
        mixed, rest = divmod(mixed + 0x5DEECE66D, 32)
        text += _ALPHABET[rest]
    return f"{text}-{number:x}"


def connect_meter() -> IpMeter:
    """Return a meter of new connections: 500 per address in five minutes."""
    return IpMeter(CONNECTS_MAX, CONNECT_WINDOW_MS, CONNECT_WINDOW_MS)


class Frames:
    """One connection: reads frames, answers with its ids. Answers take a whole round trip, as REST answers do."""

    def __init__(self, exchange: Exchange, connection: StreamConnection) -> None:
        self.exchange = exchange
        self.connection = connection
        self.conn_id = connection_id()

    def now_ms(self) -> int:
        return int(self.exchange.now_ms())

    def say(self, frame: dict[str, Any], delay_ms: float = 0.0) -> None:
        self.connection.send(orjson.dumps(frame), self.exchange.rtt_ms + delay_ms)

    def read(self, text: str) -> dict[str, Any] | None:
        """Read a frame; anything but a JSON object with `op` is refused."""
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError:
            frame = None
        if isinstance(frame, dict) and isinstance(frame.get("op"), str):
            return frame
        self.say(
            {
                "success": False,
                "ret_msg": "error:invalid op",
                "conn_id": self.conn_id,
                "request": frame if isinstance(frame, dict) else {"op": "", "args": None},
            }
        )
        return None

    def refuse(self, frame: dict[str, Any], why: str) -> None:
        self.say(
            {
                "success": False,
                "ret_msg": why,
                "conn_id": self.conn_id,
                "req_id": _req_id(frame),
                "op": frame["op"],
            }
        )

    def acknowledge(self, frame: dict[str, Any], says: str = "") -> None:
        self.say(
            {
                "success": True,
                "ret_msg": says,
                "conn_id": self.conn_id,
                "req_id": _req_id(frame),
                "op": frame["op"],
            }
        )


def _req_id(frame: dict[str, Any]) -> Any:
    return frame.get("req_id", "")


def topics_of(frame: dict[str, Any]) -> list[str] | None:
    """Read the topics of a subscription; None when they are not a list of texts."""
    args = frame.get("args")
    if not isinstance(args, list) or not args or not all(isinstance(arg, str) for arg in args):
        return None
    return args


class Seen:
    """Remember the last ids of a connection, so that a repeated one is noticed."""

    def __init__(self, most: int = 10_000) -> None:
        self._ids: set[str] = set()
        self._order: deque[str] = deque()
        self._most = most

    def add(self, one: str) -> bool:
        """Take in an id; False when it is known already."""
        if one in self._ids:
            return False
        self._ids.add(one)
        self._order.append(one)
        if len(self._order) > self._most:
            self._ids.discard(self._order.popleft())
        return True
