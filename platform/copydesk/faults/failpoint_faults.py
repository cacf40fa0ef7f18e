"""Faults at named places in our own code: a process dies, or stands still, at the k-th pass of a failpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator

from copydesk.faults.strike import Injector, Strike
from copydesk.kernel import Failpoint
from copydesk.stack import wait_until

_PAUSE_S = (1.2, 2.2)
_FIRES_S = 4.0

# How often a point is passed in one injection, where that is more than a few times.
_PASSES = {
    Failpoint.EACH_SEND: 300,
    Failpoint.LEASE_TAKEN: 4,
    Failpoint.RELAY_WAKES: 2,
    Failpoint.TRADES_RECEIVED: 2,
    Failpoint.SIGNAL_STORED: 2,
    Failpoint.LANES_WOKEN: 2,
}
_FEW = 3


def at(point: Failpoint, action: str = "kill") -> Injector:
    """Make the injector that has a process act at a pass of this point, and provokes what leads there."""

    def inject(strike: Strike) -> Iterator[None]:
        trap = strike.stage.trap
        fired = trap.with_suffix(".fired")
        fired.unlink(missing_ok=True)
        _provoke(point, strike)
        fresh = trap.with_suffix(".new")
        fresh.write_text(f"{point}:{_pass(point, strike)}:{action}")
        fresh.replace(trap)
        yield
        strike.struck = wait_until(fired.exists, patience_s=_FIRES_S)
        trap.unlink(missing_ok=True)
        if strike.struck and action == "pause":
            time.sleep(strike.rng.uniform(*_PAUSE_S))
            strike.stage.roles.thaw_all()

    return inject


def _pass(point: Failpoint, strike: Strike) -> int:
    most = min(_PASSES.get(point, _FEW), 3 * len(strike.cast.followers))
    return 1 if point in _PROVOKED else strike.rng.randint(1, most)


def _provoke(point: Failpoint, strike: Strike) -> None:
    """Bring about what the point's step is for."""
    if point in (Failpoint.RESEND_STORED, Failpoint.RESEND_ANSWERED):
        strike.orders("drop", strike.some())
    elif point is Failpoint.DOUBT_ASKED:
        strike.orders("execute_then_drop", strike.some())
    elif point is Failpoint.FIX_STORED:
        strike.refuse(strike.some(), times=3)
    elif point is Failpoint.ACCOUNT_PREPARED:
        strike.cast.client.set_leverage(strike.rng.randint(2, 5), strike.cast.troupe.symbol, {"mgnMode": "cross"})


_PROVOKED = frozenset(
    {
        Failpoint.RESEND_STORED,
        Failpoint.RESEND_ANSWERED,
        Failpoint.DOUBT_ASKED,
        Failpoint.FIX_STORED,
        Failpoint.ACCOUNT_PREPARED,
        Failpoint.BETWEEN_LEGS,
        Failpoint.LEG_RELEASED,
        Failpoint.LEG_ANSWERED,
    }
)
