"""`demo --check`: perform for a while on a stage of its own, let everything settle, then audit the journal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.audit import Seat, audit
from copydesk.demo.cast import TRADERS, follower_terms
from copydesk.demo.ledger import Rules
from copydesk.demo.stage import Say, Script, Stage
from copydesk.kernel import Unavailable
from copydesk.replication import denial_counts, signal_count, unsettled_count
from copydesk.stack import stop, wait_until
from copydesk.venues.lab import LAB_INSTRUMENTS, read_journal

T = TypeVar("T")

_SETTLE_S = 40.0
FIGURES = (
    *("tenants", "followers", "leader_fills", "copies_expected", "copies_done", "denied"),
    *("duplicates", "missing", "drift_steps_max", "p50_ms", "p99_ms"),
)


def check(stage: Stage, script: Script, *, trading_s: float, say: Say) -> dict[str, Any]:
    """Let the traders trade for a while and return the figures of the last line."""
    wait_for_first_signal(stage.runtime)
    say(f"trading for {trading_s:.0f} s")
    stop_at = time.monotonic() + trading_s
    wait_until(lambda: time.monotonic() >= stop_at, patience_s=trading_s + 1, poll_s=0.2)
    stop(stage.traders)
    say("traders stopped; waiting for copies to settle")
    if not wait_until(lambda: unsettled(stage.runtime) == 0, patience_s=_SETTLE_S, poll_s=0.1):
        say(f"{unsettled(stage.runtime)} copies did not settle within {_SETTLE_S:.0f} s")
    say("auditing the exchange's journal")
    seats = demo_seats(script.followers)
    figures = audit(read_journal(stage.lab_dir / "journal.jsonl"), seats, lab_rules())
    counts = {"tenants": len(TRADERS), "followers": len(seats), "denied": denials(stage.runtime), **figures}
    return {name: counts[name] for name in FIGURES}


def passed(figures: dict[str, Any]) -> bool:
    """Tell whether the exchange's side found nothing to complain about, and something to look at."""
    clean = figures["duplicates"] == figures["missing"] == 0 and figures["drift_steps_max"] <= 1
    return bool(clean and figures["leader_fills"] > 0 and figures["copies_expected"] > 0)


def demo_seats(followers: int) -> list[Seat]:
    """List every demo follower with its leader, by lab account names."""
    return [
        Seat(
            f"{slug}:follower:{number}",
            f"{slug}:trader:{traders[follower_terms(number).strategy].slug}",
            follower_terms(number),
        )
        for slug, traders in TRADERS.items()
        for number in range(followers)
    ]


def lab_rules() -> dict[str, Rules]:
    return {i.venue_symbol: Rules(i.qty_step, i.qty_min, i.notional_min) for i in LAB_INSTRUMENTS}


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
