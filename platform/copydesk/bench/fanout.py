"""`bench fanout`: one leader fill to the last follower's acknowledgement, on real processes.

Time starts at the exchange's timestamp of the leader's execution and ends when this machine has the last
follower's answer. Lab, listener and replicator are processes of their own, as in production.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from copydesk.bench.crowd import BRAND
from copydesk.bench.figures import Figures, ratios, summarize
from copydesk.bench.hops import Desk, SignalRow
from copydesk.bench.installation import Settings
from copydesk.bench.load import Plan
from copydesk.bench.pace import pause_s
from copydesk.bench.plain import gather_orders, loop_orders, queue_orders
from copydesk.bench.processes import cpu_s, rss_mb, rss_peak_mb
from copydesk.bench.stage import Bench, staged
from copydesk.kernel import Unavailable
from copydesk.replication import unsettled_count
from copydesk.stack import RoleOptions, wait_until

Say = Callable[[str], None]
# Ten thousand cold followers on a busy machine take longer than the usual lease; what is not sent by its end would be
# asked about one by one. With one replicator its length has no other effect.
_SETTINGS: Settings = {"replication": {"lease_ms": 15_000}}
WARM_UP = 4
_ROUNDS = 5
_TELL_EVERY = 10
_SIGNAL_S = 30
_COPIES_S = 120
# Asking takes from what is measured, so it waits for so much of the time that the quickest signal took.
_ASKS_FROM = 0.6
_ASKS_EVERY_S, _FILLED_EVERY_S = 0.02, 0.1


def run_fanout(plan: Plan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> Figures:
    """Run the benchmark and return its figures by name; milliseconds, microseconds and MiB as names say."""
    with staged(plan, options, environ, say, settings=_SETTINGS) as bench:
        desk = desk_of(bench)
        bench.lab.call("POST", "rtt", {"ms": plan.rtt_ms})
        apart_s = pause_s(plan.load, plan.signals + WARM_UP)
        warm_up(bench, desk, apart_s)
        rows = []
        for number in range(plan.signals):
            rows.append(_measured(bench, desk, apart_s))
            if (number + 1) % _TELL_EVERY == 0:
                say(f"{number + 1} of {plan.signals} signals: last acknowledgement {rows[-1].last_ack_ms:.0f} ms")
        replicator = bench.pid("replicator")
        figures = summarize(plan, rows)
        figures |= {"rss_mb": round(rss_mb(replicator), 1), "rss_peak_mb": round(rss_peak_mb(replicator), 1)}
        if plan.plain:
            figures |= _plain(bench, say)
        return figures | ratios(figures)


def desk_of(bench: Bench) -> Desk:
    """Return who answers questions about the benchmark's signals."""
    return Desk(bench.runtime.db, bench.runtime.tenant_ids[BRAND])


def signal_of(bench: Bench, desk: Desk, *, not_before_s: float = 0.0) -> int:
    """Let the leader trade once and return the id of the signal that it became, asking after so many seconds."""
    known, begun = desk.newest(), time.monotonic()
    bench.leader.trade()
    time.sleep(max(0.0, not_before_s - (time.monotonic() - begun)))
    if not wait_until(lambda: desk.newest() > known, patience_s=_SIGNAL_S, poll_s=_ASKS_EVERY_S):
        raise Unavailable("the leader's trade never became a signal; see log/listener.log")
    return desk.newest()


def warm_up(bench: Bench, desk: Desk, apart_s: float) -> None:
    """Open and close until nothing is cold any more; what was too slow for the first one is made good meanwhile."""
    for _ in range(WARM_UP):
        signal_id = signal_of(bench, desk)
        ready = partial(_all_at_rest, bench, desk, signal_id)
        if not wait_until(ready, patience_s=_COPIES_S, poll_s=0.1):
            raise Unavailable(f"the desk does not come to rest: {desk.statuses(signal_id)}")
        time.sleep(apart_s)


def _all_at_rest(bench: Bench, desk: Desk, signal_id: int) -> bool:
    return desk.drained(signal_id) and settled(bench)


def settled(bench: Bench) -> bool:
    """Tell whether nothing waits for anything."""
    with bench.runtime.db.tenant(bench.runtime.tenant_ids[BRAND]) as session:
        return unsettled_count(session) == 0


def copied(bench: Bench, desk: Desk) -> int:
    """Let the leader trade once, wait until every follower has copied it, and return the signal's id."""
    begun = time.monotonic()
    signal_id = signal_of(bench, desk, not_before_s=_ASKS_FROM * desk.quickest_s)
    drained = wait_until(partial(desk.drained, signal_id), patience_s=_COPIES_S, poll_s=_ASKS_EVERY_S)
    desk.took(time.monotonic() - begun)
    everybody = bench.load.followers
    if not drained or not wait_until(
        lambda: desk.filled(signal_id) >= everybody, patience_s=_COPIES_S, poll_s=_FILLED_EVERY_S
    ):
        raise Unavailable(f"not every follower's copy was filled: {desk.statuses(signal_id)}")
    return signal_id


def _measured(bench: Bench, desk: Desk, apart_s: float) -> SignalRow:
    """Measure one signal; then give the exchanges' limits their time."""
    replicator = bench.pid("replicator")
    before_s = cpu_s(replicator)
    row = desk.hops(copied(bench, desk))
    row = replace(row, cpu_s=cpu_s(replicator) - before_s)
    time.sleep(apart_s)
    return row


def _plain(bench: Bench, say: Say) -> Figures:
    """Do the same work the plain ways, on the same lab with the same round trip."""
    say("the same orders by ccxt.async_support and asyncio.gather")
    gathered = gather_orders(bench.crowd, bench.way, rounds=_ROUNDS)
    say("the same orders by one RQ job per follower")
    queued = queue_orders(bench.crowd, bench.way, bench.stack)
    say("the same orders by a plain ccxt loop")
    looped = loop_orders(bench.crowd, bench.way)
    return {
        "ccxt_loop_last_ack_ms": round(looped, 1),
        "ccxt_gather_last_ack_ms": round(gathered, 1),
        "rq_job_each_last_ack_ms": round(queued, 1),
    }
