"""Is Redis there, does nothing of the brand wait for long, and are its figures what its trades say?"""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, skip, warn
from copydesk.performance.overseen import SILENT_S_MAX, UNCHECKED_S_MAX, clerk_sign, last_check
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


def worker(case: Case) -> Iterator[Result]:
    """See that somebody keeps figures up to date."""
    sign = clerk_sign(case.redis)
    if sign is None:
        yield warn("worker", "has told nothing yet", "Start `copydesk work default`; without it no figure is made.")
        return
    age_s = sign.age_s(case.now)
    said = f"followed {sign.followed} strategies {age_s:.0f} s ago, {sign.failed} failed"
    if age_s > SILENT_S_MAX:
        yield fail("worker", said, "Is `copydesk work default` up?")
    elif sign.failed:
        yield fail("worker", said, "The worker's log names each of them, and why.")
    else:
        yield ok("worker", said)


def figures(case: Case) -> Iterator[Result]:
    """Read what came of the newest comparison of the brand's figures with a recomputation."""
    with case.room.db.tenant(case.tenant_id) as session:
        check = last_check(session)
    if check is None:
        yield skip("figures", "not compared yet: that is done each night")
        return
    said = f"{check.compared} compared on {check.at:%Y-%m-%d %H:%M} UTC, {check.differences} differ"
    if not check.passed:
        remedy = (
            f"Make them anew: `copydesk analytics rebuild --tenant {case.tenant.slug}`; {check.first} was the first."
        )
        yield fail("figures", said, remedy)
    elif (case.now - check.at).total_seconds() > UNCHECKED_S_MAX:
        yield warn("figures", said, "Is `copydesk work default` up at night?")
    else:
        yield ok("figures", said)
