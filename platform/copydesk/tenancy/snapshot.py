"""What a directory holds at one moment, and who of several brands serves when their claims collide."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from copydesk.tenancy.load import TENANT_FILE, UNSERVED, host_conflicts
from copydesk.tenancy.model import LayerValues, Tenant, TenantError
from copydesk.tenancy.overrides import Head

Mark = tuple[int, ...]


@dataclass(frozen=True)
class Snapshot:
    """Every serving brand, with the marks of files and the heads of panels that it was made from."""

    defaults: LayerValues = field(default_factory=lambda: LayerValues(""))
    by_slug: Mapping[str, Tenant] = field(default_factory=dict)
    by_host: Mapping[str, Tenant] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    heads: Mapping[str, Head] = field(default_factory=dict)
    problems: Mapping[str, tuple[TenantError, ...]] = field(default_factory=dict)
    defaults_problem: str = ""

    @cached_property
    def all(self) -> tuple[Tenant, ...]:
        """Return every serving brand, ordered by slug."""
        return tuple(self.by_slug[slug] for slug in sorted(self.by_slug))

    @cached_property
    def revision_hash(self) -> str:
        """Return 12 digits that are the same in every process with the same brands and values."""
        told = (f"{slug} {brand.revision_hash} {brand.status}" for slug, brand in sorted(self.by_slug.items()))
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Candidate:
    """What one folder offers: a freshly read brand or its errors, beside the brand that served so far."""

    slug: str
    changed_ns: int
    fresh: Tenant | None
    errors: tuple[TenantError, ...]
    last_good: Tenant | None

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Order the claims on hosts: who already serves under theirs first, then the older file, then by name."""
        served = self.last_good.hosts if self.last_good else ()
        return (self.fresh is not None and not set(self.fresh.hosts) <= set(served), self.changed_ns, self.slug)


def settle(candidates: Iterable[Candidate]) -> tuple[list[Tenant], dict[str, tuple[TenantError, ...]]]:
    """Decide who serves: each brand's fresh file if sound and its hosts are free, else its last good one."""
    serving: list[Tenant] = []
    taken: set[str] = set()
    problems: dict[str, tuple[TenantError, ...]] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        errors = candidate.errors
        if candidate.fresh and not taken.isdisjoint(candidate.fresh.hosts):
            errors = tuple(host_conflicts(candidate.fresh, serving))
        if errors:
            problems[candidate.slug] = errors
        chosen = candidate.fresh if candidate.fresh and not errors else candidate.last_good
        if chosen and taken.isdisjoint(chosen.hosts):
            serving.append(chosen)
            taken.update(chosen.hosts)
    return serving, problems


def disputing(candidates: Iterable[Candidate], down: Collection[str]) -> set[str]:
    """Name the brands that do not serve, and those that have taken a host from one of them."""
    known = list(candidates)
    wanted = {host for one in known if one.fresh and one.slug in down for host in one.fresh.hosts}
    takers = {one.slug for one in known if one.fresh and not wanted.isdisjoint(one.fresh.hosts)}
    return takers | set(down)


def marks_of(tenants_dir: Path, *shared: Path) -> dict[str, Mark]:
    """Return what tells whether anything changed on disk: each brand's folder and file, and what all share."""
    try:
        with os.scandir(tenants_dir) as entries:
            folders = sorted(entry.path for entry in entries if not entry.name.startswith(UNSERVED) and entry.is_dir())
    except OSError:
        folders = []
    watched = [str(path) for path in shared]
    watched += [path for folder in folders for path in (folder, f"{folder}{os.sep}{TENANT_FILE}")]
    return {path: mark_of(path) for path in watched}


def mark_of(path: str) -> Mark:
    """Return a file's time, size and number; one that is not there has a mark too."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a thousand times a second with many brands; Path costs twice as much.
    except OSError:
        return (0,)
    return (status.st_mtime_ns, status.st_size, status.st_ino)
