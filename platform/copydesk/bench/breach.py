"""From a price that breaks a limit to the order that closes, on a desk that runs, as the exchange sees both.

The price falls through everybody's limit at once; each round begins with everybody armed and invested again.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
from sqlalchemy import TextClause, text

from copydesk.bench.crowd import BRAND
from copydesk.bench.fanout import copied, desk_of, signal_of
from copydesk.bench.hops import Desk
from copydesk.bench.installation import Settings
from copydesk.bench.load import FULL, PERPETUAL, PX, Load, Plan
from copydesk.bench.stage import Bench, staged
from copydesk.kernel import Unavailable
from copydesk.marks import Marks
from copydesk.replication import resume
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.stack import ROLES, RoleOptions, spawn, stop, wait_until
from copydesk.stack.process import leash

Say = Callable[[str], None]
FOLLOWERS = 10
ROUNDS = 10
RTT_MS = 20.0
_FALLEN = PX * 4 // 5
_LINE = "drawdown > 10 USDT of equity -> close_and_disarm"
# A price that falls so far would otherwise keep the next round from opening.
_SETTINGS: Settings = {"risk": {"volatility_bps_max": 10_000}}
_PATIENCE_S = 30

_KNOWN = text("SELECT copy_id = (SELECT max(id) FROM copy) AND at > now() - interval '2 seconds' FROM risk_watch")
_COPYING = text("SELECT id FROM subscription ORDER BY id")
_STOPPED = text("SELECT id FROM subscription WHERE state = 'disarmed' ORDER BY id")
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
    staging = staged(Plan(load, RTT_MS, 0, engine=FULL), options, environ, say, settings=_SETTINGS)
    with staging as bench, _risk(bench):
        desk, tail = desk_of(bench), _Tail(options.var_dir / "lab" / "journal.jsonl")
        bench.lab.call("POST", "rtt", {"ms": RTT_MS})
        _limit(bench)
        found = []
        for number in range(1, ROUNDS + 1):
            found.append(_round(bench, desk, tail, number))
            one = found[-1]
            say(f"round {number} of {ROUNDS}: {one.first_ms} ms, {one.price_ms} ms after the price fell")
        return found


@contextmanager
def _risk(bench: Bench) -> Iterator[None]:
    """Run the risk role, which other measurements do without."""
    role = next(role for role in ROLES if role.name == "risk")
    log = bench.stack.var.log / "risk.log"
    process: subprocess.Popen[bytes] = spawn([*leash("KILL"), *role.argv(bench.options)], log, env=bench.environment)
    try:
        yield
    finally:
        stop(process)


def _limit(bench: Bench) -> None:
    """Give every subscription the limit that the price is to break."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        for subscription in session.execute(_COPYING).scalars().all():
            store_limits(session, LimitOwner(Scope.SUBSCRIPTION, subscription), [_LINE], "bench")


def _round(bench: Bench, desk: Desk, tail: _Tail, number: int) -> Breach:
    copied(bench, desk)
    _await(lambda: bool(_scalar(bench, _KNOWN)), "the risk role does not see the books")
    _flush(bench)
    tail.skip()
    fell_ms = time.time_ns() // 1_000_000
    _price(bench, _FALLEN)
    _await(lambda: int(_scalar(bench, _CLOSED)) == number * bench.load.followers, "not every stop is closed")
    _flush(bench)
    seen_ms = _scalar(bench, _SEEN, number=number)
    came = tail.closes(bench.load.followers)
    breach = Breach(min(came) - seen_ms, max(came) - seen_ms, min(came) - fell_ms)
    _price(bench, PX)
    signal_of(bench, desk)  # The leader closes what nobody has any more.
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        for subscription in session.execute(_STOPPED).scalars().all():
            resume(session, subscription)
    _await(lambda: _told(bench) == PX, "the public price is still the old one")
    return breach


def _told(bench: Bench) -> int:
    """Return the public price, in whole thousands."""
    px = Marks(bench.runtime.redis).fresh(f"{bench.load.venues[0]}-lab", [bench.load.symbol])[bench.load.symbol].px
    return 0 if px is None else int(round(px, -3))


def _price(bench: Bench, px: int) -> None:
    bench.lab.call("POST", "marks", {"symbol": "BTCUSDT", "px": str(px)})


def _scalar(bench: Bench, query: TextClause, **params: int) -> int:
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        return int(session.execute(query, params).scalar() or 0)


def _await(done: Callable[[], bool], otherwise: str) -> None:
    if not wait_until(done, patience_s=_PATIENCE_S, poll_s=0.05):
        raise Unavailable(f"{otherwise}; see log/risk.log")


def _flush(bench: Bench) -> None:
    """Have the lab put on disk what it holds back of its journal, as it does before it reads it."""
    bench.lab.call("GET", "journal", {"limit": 1})


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
