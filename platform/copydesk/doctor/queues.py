"""Is Redis there, and does nothing of the brand wait for long?"""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, warn
from copydesk.replication import lane_figures, unwatched_leaders

# A delivery is planned within milliseconds, and within a lease of three seconds after a crash.
WAITING_S_MAX = 10
UNKNOWN_S_MAX = 60


def redis(case: Case) -> Iterator[Result]:
    """Greet Redis, and see that it never throws jobs away."""
    case.redis.ping()
    found = case.redis.config_get("maxmemory-policy")
    policy = found.get("maxmemory-policy", "") if isinstance(found, dict) else ""
    if policy not in {"noeviction", ""}:
        yield warn("redis", f"answers, maxmemory-policy {policy}", "Set maxmemory-policy to noeviction.")
    else:
        yield ok("redis", "answers")


def lanes(case: Case) -> Iterator[Result]:
    """Look at the brand's lanes: what waits to be planned, and what nobody knows the outcome of."""
    with case.room.db.tenant(case.tenant_id) as session:
        found, unwatched = lane_figures(session), unwatched_leaders(session)
    for lane in found:
        said = f"{lane.waiting} deliveries wait, the oldest {lane.waiting_s} s; {lane.unknown} outcomes unknown"
        if lane.waiting_s > WAITING_S_MAX or lane.unknown_s > UNKNOWN_S_MAX:
            yield fail(lane.shard, said, "Is `copydesk work replicate` up? platform/docs/runbooks/replicator-down.md")
        else:
            yield ok(lane.shard, said)
    for leader in unwatched:
        said = f"account {leader.account_id} is unusable: {leader.reason or 'no reason stored'}"
        yield warn(f"strategy {leader.strategy_slug}", said, "Its trader renews the key; nothing is copied until then.")
    if not found:
        yield ok("lanes", "no accounts yet")
