"""A desk on which a price falls through everybody's limit: what measurements of stops share.

Each round begins with everybody armed and invested, and ends with a price as before.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import TextClause, text

from copydesk.bench.crowd import BRAND
from copydesk.bench.fanout import copied, signal_of
from copydesk.bench.hops import Desk
from copydesk.bench.installation import Settings
from copydesk.bench.load import PX
from copydesk.bench.stage import Bench
from copydesk.kernel import Unavailable
from copydesk.marks import Marks
from copydesk.replication import resume
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from copydesk.stack import ROLES, spawn, stop, wait_until
from copydesk.stack.process import leash

FALLEN = PX * 4 // 5
# A price that falls so far would otherwise keep the next round from opening. Stops that rest at the exchange would
# fire before those that are measured.
SETTINGS: Settings = {"risk": {"volatility_bps_max": 10_000, "protective_stops": False}}
SYMBOL = "BTCUSDT"
_LINE = "drawdown > 10 USDT of equity -> close_and_disarm"
_PATIENCE_S = 60

_KNOWN = text("SELECT copy_id = (SELECT max(id) FROM copy) AND at > now() - interval '2 seconds' FROM risk_watch")
_COPYING = text("SELECT id FROM subscription ORDER BY id")
_STOPPED = text("SELECT id FROM subscription WHERE state = 'disarmed' ORDER BY id")


@contextmanager
def watched(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run the risk role, which other measurements do without; everybody has a limit that the price is to break."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        for subscription in session.execute(_COPYING).scalars().all():
            store_limits(session, LimitOwner(Scope.SUBSCRIPTION, subscription), [_LINE], "bench")
    with running(bench, "risk") as process:
        yield process


@contextmanager
def running(bench: Bench, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a role that the stage leaves out."""
    role = next(role for role in ROLES if role.name == name)
    log = bench.stack.var.log / f"{name}.log"
    process = spawn([*leash("KILL"), *role.argv(bench.options)], log, env=bench.environment)
    try:
        yield process
    finally:
        stop(process)


def invest(bench: Bench, desk: Desk) -> None:
    """Let the leader open and everybody copy it, and wait until the risk role has seen that."""
    copied(bench, desk)
    expect(lambda: bool(scalar(bench, _KNOWN)), "the risk role does not see the books")


def fall(bench: Bench) -> None:
    """Let the price fall through every limit; the exchange's journal marks when."""
    _price(bench, FALLEN)


def recover(bench: Bench, desk: Desk) -> None:
    """Go back to the price of before, let the leader close what nobody has any more, and arm everybody again."""
    _price(bench, PX)
    signal_of(bench, desk)
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        for subscription in session.execute(_STOPPED).scalars().all():
            resume(session, subscription)
    expect(lambda: _told(bench) == PX, "the public price is still the old one")


def expect(done: Callable[[], bool], otherwise: str, *, patience_s: float = _PATIENCE_S) -> None:
    """Wait for a condition. Raises `Unavailable` where it does not come true in time."""
    if not wait_until(done, patience_s=patience_s, poll_s=0.05):
        raise Unavailable(f"{otherwise}; see log/risk.log")


def scalar(bench: Bench, query: TextClause, **params: int) -> int:
    """Return one number of the brand's, 0 for none."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        return int(session.execute(query, params).scalar() or 0)


def flush(bench: Bench) -> None:
    """Have the lab put on disk what it holds back of its journal, as it does before it reads it."""
    bench.lab.call("GET", "journal", {"limit": 1})


def _told(bench: Bench) -> int:
    """Return the public price, in whole thousands."""
    px = Marks(bench.runtime.redis).fresh(f"{bench.load.venues[0]}-lab", [bench.load.symbol])[bench.load.symbol].px
    return 0 if px is None else int(round(px, -3))


def _price(bench: Bench, px: int) -> None:
    bench.lab.call("POST", "marks", {"symbol": SYMBOL, "px": str(px)})
