"""`demo --check`: perform for a while on a stage of its own, let everything settle, then audit the journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import text

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.asks import Fault
from copydesk.demo.audit import KINDS, audit
from copydesk.demo.cast import TRADERS, follower_terms, trader_account
from copydesk.demo.expect import Seat
from copydesk.demo.scene import SCENE, Fired, Scene, fired
from copydesk.demo.stage import Say, Script, Stage
from copydesk.demo.stopped import judge_stop
from copydesk.kernel import Unavailable
from copydesk.replication import denial_counts, signal_count, unsettled_count
from copydesk.stack import stop, wait_until
from copydesk.venues.lab import read_journal

T = TypeVar("T")

_SETTLE_S = 40.0
_POLL_S = 0.25
_FILLED_SHARE_MIN = 0.9
# After which part of the time prices move against one follower, and within which part more at the latest.
_SCENE_AFTER, _SCENE_WITHIN = 0.3, 0.3
_COPIED_ORDERS = text("SELECT count(DISTINCT (account_id, symbol, venue_order_id)) FROM signal")
FAULTS = ("missing", "over_limit", *map(str, Fault))
FIGURES = (
    *("tenants", "followers", "leader_fills", "copies_expected", "copies_done", "denied", "denied_rightly", "rejected"),
    *("duplicates", "missing", "wrong_side", "wrong_market", "over_limit", "drift_steps_max", "p50_ms", "p99_ms"),
    "markets",
)


def check(stage: Stage, script: Script, *, trading_s: float, say: Say) -> dict[str, Any]:
    """Let the traders trade for a while and return the figures of the last line."""
    wait_for_first_signal(stage.runtime)
    say(f"trading for {trading_s:.0f} s")
    stop_at = time.monotonic() + trading_s
    staged = script.followers > SCENE.number
    if staged:
        wait_until(lambda: False, patience_s=trading_s * _SCENE_AFTER, poll_s=0.2)
        stage.perform(SCENE, patience_s=trading_s * _SCENE_WITHIN, say=say)
    wait_until(lambda: time.monotonic() >= stop_at, patience_s=trading_s + 1, poll_s=0.2)
    stop(stage.traders)
    say("traders stopped; waiting for copies to settle")
    seats = demo_seats(script.followers)
    records = settled_journal(stage.runtime, stage.lab_dir / "journal.jsonl", {seat.leader for seat in seats})
    say("auditing the exchange's journal")
    stops = fired(stage.runtime, SCENE)
    stopped = {SCENE.account: stops[0].at.timestamp() * 1000} if stops else {}
    figures = audit(records, seats, stopped=stopped)
    require_fills(figures)
    counts = {"tenants": len(TRADERS), "followers": len(seats), "denied": denials(stage.runtime), **figures}
    seen = {name: counts[name] for name in FIGURES}
    return seen | {"stop": stop_figures(records, seats, SCENE, stops)} if staged else seen


def stop_figures(
    records: Sequence[Mapping[str, Any]], seats: Sequence[Seat], scene: Scene, stops: Sequence[Fired]
) -> dict[str, Any]:
    """Return what became of the follower whose own stop was to fire, by the journal; `well` where all went well."""
    named = {"account": scene.account, "line": scene.line, "fired": len(stops)}
    if not stops:
        return {**named, "well": False}
    found = judge_stop(records, seats, scene.account, stops[0].at.timestamp() * 1000)
    return {**named, **found.figures(), "well": found.well and len(stops) == 1}


def settled_journal(runtime: Runtime, path: Path, leaders: set[str]) -> list[dict[str, Any]]:
    """Wait until every leader order that traded is copied to its end, and return the journal of that moment.

    The exchange writes its journal a little late, so all must be calm twice with nothing new in between. Raises
    Unavailable when it does not come to that.
    """
    records: list[dict[str, Any]] = []
    calm_at = -1

    def calm() -> bool:
        nonlocal records, calm_at
        records = [record for record in read_journal(path) if record["kind"] in KINDS]
        size = sum(record["kind"] in {"order", "execution"} for record in records)
        settled = copied_orders(runtime) == traded_orders(records, leaders) and unsettled(runtime) == 0
        before, calm_at = calm_at, size if settled else -1
        return settled and size == before

    if not wait_until(calm, patience_s=_SETTLE_S, poll_s=_POLL_S):
        raise Unavailable(
            f"within {_SETTLE_S:.0f} s expected every leader order copied and every copy settled, found "
            f"{copied_orders(runtime)} of {traded_orders(records, leaders)} leader orders seen and "
            f"{unsettled(runtime)} copies unsettled; see var/log"
        )
    return records


def traded_orders(records: Sequence[Mapping[str, Any]], leaders: set[str]) -> int:
    """Count the leaders' orders that were filled in some part."""
    trades = (r for r in records if r["kind"] == "execution" and r["account"] in leaders)
    return len({(r["account"], r["market"], r["symbol"], r["order_id"]) for r in trades})


def copied_orders(runtime: Runtime) -> int:
    """Count the leaders' orders that the desk has signals of."""
    return sum(_of_brands(runtime, lambda session: int(session.execute(_COPIED_ORDERS).scalar_one())))


def require_fills(figures: Mapping[str, Any]) -> None:
    """Refuse to judge a performance in which copies were sent but hardly any was filled; raises Unavailable."""
    if not _filled(figures):
        raise Unavailable(
            f"expected at least {_FILLED_SHARE_MIN:.0%} of the followers' orders filled in some part, "
            f"found {figures['filled']} of {figures['placed']}"
        )


def _filled(figures: Mapping[str, Any]) -> bool:
    return bool(figures["filled"] >= figures["placed"] * _FILLED_SHARE_MIN)


def passed(figures: dict[str, Any]) -> bool:
    """Tell whether the exchanges' side found nothing to complain about, and something to look at in every market.

    Takes the figures of `audit`, or those of `check`, which has looked at the share of filled orders itself.
    """
    clean = all(figures[fault] == 0 for fault in FAULTS) and figures["drift_steps_max"] <= 1
    filled = "filled" not in figures or _filled(figures)
    seen = figures["leader_fills"] > 0 and all(row["copies_done"] > 0 for row in figures["markets"].values())
    stopped = "stop" not in figures or figures["stop"]["well"]
    return bool(clean and filled and seen and stopped and figures["copies_expected"] > 0)


def demo_seats(followers: int) -> list[Seat]:
    """List every demo follower with its leader, by lab account names."""
    seats = []
    for slug, traders in TRADERS.items():
        for number in range(followers):
            terms = follower_terms(number, len(traders))
            leader = traders[terms.strategy]
            account = f"{slug}:follower:{number}"
            seats.append(Seat(account, trader_account(slug, leader), terms, leader.market))
    return seats


def unsettled(runtime: Runtime) -> int:
    """Count deliveries and copies of every brand that still wait for something."""
    return sum(_of_brands(runtime, unsettled_count))


def wait_for_first_signal(runtime: Runtime) -> None:
    """Wait until the desk has seen a trader's first trade; raises Unavailable when none comes."""
    if not wait_until(lambda: any(_of_brands(runtime, signal_count)), patience_s=90, poll_s=0.1):
        raise Unavailable("no trade of any trader arrived within 90 s; see var/log/listener.log and traders.log")


def denials(runtime: Runtime) -> dict[str, int]:
    """Count our own refusals by reason, over every brand."""
    counts: Counter[str] = Counter()
    for found in _of_brands(runtime, denial_counts):
        counts.update(found)
    return dict(counts)


def _of_brands(runtime: Runtime, read: Callable[[TenantSession], T]) -> list[T]:
    found = []
    for tenant_id in runtime.tenant_ids.values():
        with runtime.db.tenant(tenant_id) as session:
            found.append(read(session))
    return found
