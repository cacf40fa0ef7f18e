"""What many brands cost one installation: start-up, memory, finding a brand by its host, and the time of a page.

Two real sites on loopback and the same servers, one with a single brand and one with many, are asked in turn for the
same page. The many are visited in turn as well, each once beforehand: what a brand keeps after its first visit counts.
"""

from __future__ import annotations

import http.client
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any, NamedTuple

from copydesk.bench.crowd import BRAND
from copydesk.bootstrap import Runtime
from copydesk.db.migrate import migrate
from copydesk.kernel import Unavailable
from copydesk.stack import ROLES, RoleOptions, Stack, embedded_stack, role_environment, spawn, stop, wait_until
from copydesk.stack.process import leash

Say = Callable[[str], None]
_READY_S = 120
_FINDS = 20_000
_HOSTS = re.compile(r"^  hosts: .*$", re.MULTILINE)
_SITE = "{slug}.localhost"
_SHARED = ("themes", "config")


@dataclass(frozen=True)
class TenantsPlan:
    """So many brands, and so many pages of each of the two sites."""

    tenants: int = 200
    pages: int = 600


def run_tenants(plan: TenantsPlan, options: RoleOptions, environ: Mapping[str, str], say: Say) -> dict[str, Any]:
    """Measure both sites and return the figures; `options.port` is the one brand's, the live port that of the many."""
    slugs = [f"brand-{number}" for number in range(plan.tenants)]
    one = replace(options, root=write_brands(options, "one", slugs[:1]))
    many = replace(options, root=write_brands(options, "many", slugs), port=options.live_port)
    with embedded_stack(options.var_dir, say=say) as stack, ExitStack() as running:
        migrate(stack.owner_url)
        _register(many, environ, stack)
        say("starting the site of one brand")
        alone = running.enter_context(serving(one, environ, stack, slugs[0]))
        say(f"starting the site of {plan.tenants} brands")
        crowd = running.enter_context(serving(many, environ, stack, slugs[-1]))
        idle_mb = alone.memory_mb(), crowd.memory_mb()
        say("visiting each brand once")
        for slug in slugs:
            crowd.page(slug)
            alone.page(slugs[0])
        visited_mb = alone.memory_mb(), crowd.memory_mb()
        say(f"asking for {plan.pages} pages of each in turn")
        asked = cycle(slugs)
        pairs = [(alone.page(slugs[0]), crowd.page(next(asked))) for _ in range(plan.pages)]
        finds = _finding(one, environ, stack, slugs[:1]), _finding(many, environ, stack, slugs)
    pages = [list(times) for times in zip(*pairs, strict=True)]
    found = (
        Measured(site.started_s, idle_mb[place], visited_mb[place], pages[place], finds[place])
        for place, site in enumerate((alone, crowd))
    )
    return summarize(plan, *found)


class Measured(NamedTuple):
    """What was seen of one site: seconds to its first page, memory before and after visits, pages and finds in ms."""

    started_s: float
    idle_mb: float
    visited_mb: float
    page_ms: list[float]
    find_ms: list[float]


def summarize(plan: TenantsPlan, one: Measured, many: Measured) -> dict[str, Any]:
    """Return the figures of both sites, and what each further brand costs."""
    others = plan.tenants - 1
    return {
        "tenants": plan.tenants,
        "startup_s": round(many.started_s, 2),
        "startup_one_s": round(one.started_s, 2),
        "idle_mb": round(many.idle_mb, 1),
        "idle_one_mb": round(one.idle_mb, 1),
        "idle_tenant_mb": round((many.idle_mb - one.idle_mb) / others, 3),
        "visited_tenant_mb": round((many.visited_mb - one.visited_mb) / others, 3),
        "pages": plan.pages,
        **_centiles("page", many.page_ms),
        **_centiles("page_one", one.page_ms),
        "page_p95_ratio": round(_p95(many.page_ms) / _p95(one.page_ms), 3),
        "finds": len(many.find_ms),
        **_centiles("find", many.find_ms),
        **_centiles("find_one", one.find_ms),
        "find_more_ms": round(fmean(many.find_ms) - fmean(one.find_ms), 4),
    }


def write_brands(options: RoleOptions, name: str, slugs: list[str]) -> Path:
    """Write an installation of brands that differ in slug and host alone, and return its root."""
    root = options.var_dir / name
    (root / "tenants").mkdir(parents=True)
    for shared in _SHARED:
        (root / shared).symlink_to(options.root / shared)
    source = options.root / "tenants" / BRAND
    text = (source / "tenant.yaml").read_text()
    for slug in slugs:
        shutil.copytree(source, root / "tenants" / slug)
        own = _HOSTS.sub(f"  hosts: [{_SITE.format(slug=slug)}]", text)
        (root / "tenants" / slug / "tenant.yaml").write_text(own)
    return root


@dataclass
class Site:
    """A site that runs: its processes, its port, and how long it took from its start to its first page."""

    pid: int
    port: int
    started_s: float

    def page(self, slug: str) -> float:
        """Ask for a brand's landing page and return how many ms that took; raises Unavailable for another answer."""
        began = time.perf_counter()
        status = _status(self.port, slug)
        if status != 200:
            raise Unavailable(f"{slug} answers {status}")
        return (time.perf_counter() - began) * 1000

    def memory_mb(self) -> float:
        """Return what the processes of the site have for themselves, files aside."""
        return sum(_own_mb(pid) for pid in _family(self.pid))


@contextmanager
def serving(options: RoleOptions, environ: Mapping[str, str], stack: Stack, slug: str) -> Iterator[Site]:
    """Run a site with one process for pages, from when a brand's page is there until the block ends."""
    web = next(role for role in ROLES if role.name == "web").argv(options)
    log = options.var_dir / "log" / f"web-{options.port}.log"
    log.parent.mkdir(exist_ok=True)
    began = time.perf_counter()
    environment = role_environment(environ, stack, options, lab=False)
    process = spawn([*leash("KILL"), *web, "--workers", "1"], log, env=environment)
    try:
        up = wait_until(
            lambda: process.poll() is not None or _status(options.port, slug) == 200, patience_s=_READY_S, poll_s=0.05
        )
        if not up or process.poll() is not None:
            raise Unavailable(f"the site does not start: {log.read_text().strip().rpartition(chr(10))[2]}")
        yield Site(process.pid, options.port, time.perf_counter() - began)
    finally:
        stop(process)


def _status(port: int, slug: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/", headers={"Host": _SITE.format(slug=slug)})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0
    else:
        return answer.status
    finally:
        connection.close()


def _register(options: RoleOptions, environ: Mapping[str, str], stack: Stack) -> None:
    """Have the brands in the database beforehand: that is done once in their life, and not at each start."""
    runtime = Runtime(role_environment(environ, stack, options, lab=False))
    try:
        assert runtime.tenant_ids, "brands were written"
    finally:
        runtime.close()


def _finding(options: RoleOptions, environ: Mapping[str, str], stack: Stack, slugs: list[str]) -> list[float]:
    """Return how many ms each look-up of a brand by its host takes, looks for changes included."""
    runtime = Runtime(role_environment(environ, stack, options, lab=False))
    times: list[float] = []
    hosts = cycle([f"{_SITE.format(slug=slug)}:{options.port}" for slug in slugs])
    try:
        for _ in range(_FINDS):
            host = next(hosts)
            began = time.perf_counter()
            runtime.directory.refresh_if_due()
            tenant = runtime.directory.by_host(host)
            assert tenant is not None, "every host is a brand's"
            _ = runtime.tenant_ids[tenant.slug]
            times.append((time.perf_counter() - began) * 1000)
    finally:
        runtime.close()
    return times


def _family(pid: int) -> Iterator[int]:
    yield pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        yield from _family(int(child))


def _own_mb(pid: int) -> float:
    """Return a process's memory that holds no file; pages that a fork still shares count for both, always."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024


def _centiles(name: str, values: list[float]) -> dict[str, float]:
    cut = quantiles(values, n=100, method="inclusive")
    digits = 4 if name.startswith("find") else 1
    return {f"{name}_{told}_ms": round(cut[at], digits) for told, at in (("p50", 49), ("p95", 94), ("p99", 98))}


def _p95(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[94]
