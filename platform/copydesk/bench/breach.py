"""From a price that breaks a limit to the order that closes, on a desk that runs, as the exchange sees both.

The price falls through everybody's limit at once; each round begins with everybody armed and invested again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson
from sqlalchemy import text

from copydesk.bench.fallen import SETTINGS, expect, fall, flush, invest, recover, scalar, watched
from copydesk.bench.fanout import desk_of
from copydesk.bench.hops import Desk
from copydesk.bench.load import FULL, PERPETUAL, Load, Plan
from copydesk.bench.stage import Bench, staged
from copydesk.kernel import Unavailable
from copydesk.stack import RoleOptions

Say = Callable[[str], None]
FOLLOWERS = 10
ROUNDS = 10
RTT_MS = 20.0

_SEEN = text(
    "SELECT min(extract(epoch FROM (facts ->> 'suspected_at')::timestamptz) * 1000) FROM risk_act "
    "WHERE (facts ->> 'turn')::int = :number"
)
_CLOSED = text("SELECT count(*) FROM risk_act WHERE state = 'closed'")


class Breach(NamedTuple):
    """One round in milliseconds, up to the first and the last close as the exchange got them.

    `first_ms` and `last_ms` count from the first price that showed the role a breach, whether it was believed or not;
    `price_ms` from when the price fell at the exchange, which tells marks once a second.
    """

    first_ms: int
    last_ms: int
    price_ms: int


def run_breaches(options: RoleOptions, environ: Mapping[str, str], say: Say) -> list[Breach]:
    """Let the price fall through everybody's limit again and again, and say how long the closes took each time."""
    load = Load(FOLLOWERS, market=PERPETUAL)
    staging = staged(Plan(load, RTT_MS, 0, engine=FULL), options, environ, say, settings=SETTINGS)
    with staging as bench, watched(bench):
        desk, tail = desk_of(bench), _Tail(options.var_dir / "lab" / "journal.jsonl")
        bench.lab.call("POST", "rtt", {"ms": RTT_MS})
        found = []
        for number in range(1, ROUNDS + 1):
            found.append(_round(bench, desk, tail, number))
            one = found[-1]
            say(f"round {number} of {ROUNDS}: {one.first_ms} ms, {one.price_ms} ms after the price fell")
        return found


def _round(bench: Bench, desk: Desk, tail: _Tail, number: int) -> Breach:
    invest(bench, desk)
    flush(bench)
    tail.skip()
    fell_ms = time.time_ns() // 1_000_000
    fall(bench)
    expect(lambda: scalar(bench, _CLOSED) == number * bench.load.followers, "not every stop is closed")
    flush(bench)
    seen_ms = scalar(bench, _SEEN, number=number)
    came = tail.closes(bench.load.followers)
    recover(bench, desk)
    return Breach(min(came) - seen_ms, max(came) - seen_ms, min(came) - fell_ms)


class _Tail:
    """Read the orders of a journal while it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def skip(self) -> None:
        """Leave out what is there so far."""
        self._offset = self._path.stat().st_size

    def closes(self, expected: int) -> list[int]:
        """Return when each of so many orders came, in epoch milliseconds of the exchange."""
        records = [orjson.loads(line) for line in self._path.read_bytes()[self._offset :].splitlines()]
        came = [one["at_ms"] for one in records if one["kind"] == "order" and one["change"] == "NEW"]
        if len(came) != expected:
            raise Unavailable(f"expected {expected} closes, found {len(came)}")
        return came
