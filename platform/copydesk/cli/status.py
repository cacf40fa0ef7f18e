"""`copydesk status`: what an operator asks first, one line for each thing that can be wrong."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from configparser import RawConfigParser
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.beat import RunningConfig, running_configs
from copydesk.cli.installation import open_installation, print_json, with_installation
from copydesk.cli.surroundings import ports_of, server_environment
from copydesk.db.migrate import current_revision, head_revision
from copydesk.kernel import CopydeskError, utc_now
from copydesk.marks import AGE_MS_MAX, FeedAge, Marks, place_name
from copydesk.performance.overseen import SILENT_S_MAX, ClerkSign, LastCheck, clerk_sign, last_check
from copydesk.replication import (
    RECONCILE_EVERY_MS,
    LaneFigures,
    RiskOversight,
    UnwatchedLeader,
    lane_figures,
    read_oversight,
    unwatched_leaders,
)
from copydesk.stack import RoleOptions, Supervisor, VarDir, require_redis
from copydesk.tenancy import tenant_ids

# A delivery is planned within milliseconds, and within a lease of three seconds after a crash.
WAITING_S_MAX = 10
# Every copy ends within a minute in which the exchange can be reached.
UNKNOWN_S_MAX = 60
ROUNDS_MISSED_MAX = 3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    said: str


def lane_finding(slug: str, lane: LaneFigures, *, reconcile_every_s: float) -> Finding:
    """Judge a lane: nothing waits long, and open books are reconciled on schedule."""
    unchecked = lane.busy and (lane.unchecked_s or 0) > ROUNDS_MISSED_MAX * reconcile_every_s
    late = lane.waiting_s > WAITING_S_MAX or lane.unknown_s > UNKNOWN_S_MAX
    reconciled = "not reconciled yet" if lane.reconciled_s is None else f"reconciled {lane.reconciled_s} s ago"
    waiting = f"undrained deliveries {lane.waiting}{_age(lane.waiting_s)}"
    unknown = f"unknown outcomes {lane.unknown}{_age(lane.unknown_s)}"
    return Finding(f"{slug} {lane.shard}", not (unchecked or late), f"{reconciled}, {waiting}, {unknown}")


def leader_finding(slug: str, leader: UnwatchedLeader) -> Finding:
    """Say why a strategy is not copied at present."""
    said = (
        f"not watched: account {leader.account_id} is unusable ({leader.reason or 'no reason stored'}); renew its key"
    )
    return Finding(f"{slug} strategy {leader.strategy_slug}", False, said)


def risk_finding(slug: str, risk: RiskOversight) -> Finding:
    """Judge whether somebody watches over what is held, and whether every stop got to its end."""
    watch = risk.watch
    watched = watch is not None and watch.alive
    if watch is None:
        said = "never watched"
    elif not watch.alive:
        said = f"not watched for {watch.age_s:.0f} s"
    else:
        said = f"watched, {watch.stops} stops on their way, {watch.doubts} prices in doubt"
    flagged = f", {len(risk.flagged)} stops flagged (`copydesk risk status` names them)" if risk.flagged else ""
    idle = "" if watched or risk.holds else ", nothing is held"
    return Finding(f"{slug} risk", (watched or not risk.holds) and not risk.flagged, f"{said}{idle}{flagged}")


def feed_finding(place: str, age: FeedAge | None) -> Finding:
    """Judge a price feed by its newest price; one that a listener has not begun yet is not known here."""
    if age is None:
        return Finding(f"prices {place}", True, "none yet")
    stale = f", {age.stale} of {age.instruments} without one of the last {AGE_MS_MAX // 1000} s" if age.stale else ""
    return Finding(f"prices {place}", age.newest_ms <= AGE_MS_MAX, f"newest {age.newest_ms / 1000:.1f} s old{stale}")


def clerk_finding(sign: ClerkSign | None, now: datetime) -> Finding:
    """Judge whether figures are followed; where no worker ever ran, nothing is known."""
    if sign is None:
        return Finding("figures", True, "no worker has told anything yet")
    age_s = sign.age_s(now)
    failed = f", {sign.failed} failed: see the log of `copydesk work default`" if sign.failed else ""
    said = f"{sign.followed} strategies followed {age_s:.0f} s ago{failed}"
    return Finding("figures", age_s <= SILENT_S_MAX and not sign.failed, said)


def check_finding(slug: str, check: LastCheck | None) -> Finding:
    """Judge the newest comparison of a brand's figures with a recomputation."""
    if check is None:
        return Finding(f"{slug} figures", True, "not compared yet: that is done each night")
    said = f"{check.compared} compared on {check.at:%Y-%m-%d %H:%M} UTC"
    if check.passed:
        return Finding(f"{slug} figures", True, f"{said}, none differs")
    differ = f"{check.differences} differ, first {check.first}: `copydesk analytics rebuild --tenant {slug}`"
    return Finding(f"{slug} figures", False, f"{said}, {differ}")


def config_finding(running: Sequence[RunningConfig]) -> Finding:
    """Judge whether all processes that looked lately run the same brands and settings; a change takes two seconds."""
    if not running:
        return Finding("configuration", True, "no process has told which it runs")
    hashes = Counter(one.hash for one in running)
    ((most, _),) = hashes.most_common(1)
    if len(hashes) == 1:
        return Finding("configuration", True, f"all {len(running)} processes run the same configuration {most}")
    others = ", ".join(f"{one.role} (process {one.pid}) runs {one.hash}" for one in running if one.hash != most)
    return Finding("configuration", False, f"{hashes[most]} processes run {most}, but {others}: look again in a moment")


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line of standard output.")
@with_installation
def command(as_json: bool, root: Path, var: Path | None) -> int:
    """Look at brands, servers, roles and lanes, and exit 1 when something is wrong; changes nothing.

    Without DATABASE_URL and REDIS_URL it looks at the servers that `copydesk up` keeps in the data directory.

    \b
    Examples:
      copydesk status
      copydesk status --json
    """
    installation = open_installation(root, var)
    runtime = Runtime(server_environment(installation, os.environ))
    try:
        findings = list(look(runtime))
    finally:
        runtime.close()
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.said}", err=as_json)
    ok = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(finding) for finding in findings]})
    return 0 if ok else 1


def look(runtime: Runtime) -> Iterator[Finding]:
    """Look at everything, least dependent first; lanes only where the schema is the one that this code knows."""
    yield _try("brands", lambda: _brands(runtime))
    database = _try("database", lambda: _database(runtime))
    yield database
    redis = _try("redis", lambda: _redis(runtime))
    yield redis
    yield from _roles(VarDir(runtime.places.var))
    if database.ok:
        yield from _lanes(runtime)
    if redis.ok:
        yield config_finding(running_configs(runtime.redis))
        yield clerk_finding(clerk_sign(runtime.redis), utc_now())
        yield from _feeds(runtime)


def _try(name: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except CopydeskError as error:
        return Finding(name, False, " ".join(str(error).split()))


def _brands(runtime: Runtime) -> Finding:
    problems = runtime.directory.problems()
    if problems:
        return Finding("brands", False, f"{problems[0]} (`copydesk tenant check` lists all {len(problems)})")
    slugs = [tenant.slug for tenant in runtime.directory.all()]
    return Finding("brands", bool(slugs), ", ".join(slugs) or f"none in {runtime.places.tenants}")


def _database(runtime: Runtime) -> Finding:
    runtime.db.require_safe_role()
    found, head = current_revision(runtime.require("DATABASE_URL")), head_revision()
    said = f"revision {found or 'none'}" + ("" if found == head else f", expected {head}: run copydesk migrate")
    return Finding("database", found == head, said)


def _redis(runtime: Runtime) -> Finding:
    require_redis(runtime.require("REDIS_URL"))
    return Finding("redis", True, "answers")


def _roles(var: VarDir) -> Iterator[Finding]:
    """Ask the supervisor of `copydesk up`; roles that something else runs are not known here."""
    config_file = var.run / "roles.conf"
    states = Supervisor(var, (), RoleOptions(Path(), var.root)).states() if config_file.exists() else []
    if not states:
        yield Finding("roles", True, f"no supervisor of copydesk up on {var.root}")
    config = RawConfigParser()
    config.read(config_file)
    for role in states:
        ports = ports_of(config.get(f"program:{role.name}", "command", fallback=""))
        said = f"{role.state.lower()}, process {role.pid}" + (f", ports {', '.join(ports)}" if ports else "")
        yield Finding(f"role {role.name}", role.state == "RUNNING", said)


def _lanes(runtime: Runtime) -> Iterator[Finding]:
    every_s = runtime.number(RECONCILE_EVERY_MS) / 1000
    with runtime.db.installation() as session:
        brands = tenant_ids(session)
    for slug, tenant_id in sorted(brands.items()):
        with runtime.db.tenant(tenant_id) as session:
            lanes, unwatched, risk = lane_figures(session), unwatched_leaders(session), read_oversight(session)
            check = last_check(session)
        for lane in lanes:
            yield lane_finding(slug, lane, reconcile_every_s=every_s)
        for leader in unwatched:
            yield leader_finding(slug, leader)
        yield risk_finding(slug, risk)
        yield check_finding(slug, check)


def _feeds(runtime: Runtime) -> Iterator[Finding]:
    """Ask for the prices of every exchange that a brand offers."""
    offered = {(e.venue, e.environment) for tenant in runtime.directory.all() for e in tenant.config.exchanges}
    marks = Marks(runtime.redis)
    for place in sorted(place_name(*one) for one in offered):
        yield feed_finding(place, marks.age(place))


def _age(seconds: int) -> str:
    return f" (oldest {seconds} s)" if seconds else ""
