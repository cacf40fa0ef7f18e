"""Keeps every brand of the installation in memory, and follows its files.

One snapshot is replaced by the next as a whole, so that a request never sees half a reload. A brand whose
file turns bad keeps its last good configuration; nobody else notices.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from copydesk.kernel import Clock, ConfigError, SettingRegistry, SystemClock, registry
from copydesk.tenancy.cascade import installation_value, load_defaults
from copydesk.tenancy.load import TENANT_FILE, host_conflicts, load_tenant
from copydesk.tenancy.model import LayerValues, Tenant, TenantError
from copydesk.tenancy.settings import REFRESH_INTERVAL_MS

Mark = tuple[int, ...]


@dataclass(frozen=True)
class _Snapshot:
    defaults: LayerValues = field(default_factory=lambda: LayerValues(""))
    by_slug: Mapping[str, Tenant] = field(default_factory=dict)
    by_host: Mapping[str, Tenant] = field(default_factory=dict)
    marks: Mapping[Path, Mark] = field(default_factory=dict)
    problems: Mapping[str, tuple[TenantError, ...]] = field(default_factory=dict)
    defaults_problem: str = ""


@dataclass(frozen=True)
class _Candidate:
    """What one folder offers: a freshly read brand or its errors, beside the brand that served so far."""

    slug: str
    changed_ns: int
    fresh: Tenant | None
    errors: tuple[TenantError, ...]
    last_good: Tenant | None

    @property
    def rank(self) -> tuple[bool, int, str]:
        """Order the claims on hosts: who already serves first, then the older file, then by name."""
        return (self.fresh is not None and self.fresh is not self.last_good, self.changed_ns, self.slug)


class TenantDirectory:
    """Find a brand by host or slug. Raises `ConfigError` at once when the installation's defaults are wrong."""

    def __init__(
        self,
        tenants_dir: Path,
        defaults_path: Path,
        *,
        themes_dir: Path | None = None,
        settings: SettingRegistry = registry,
        clock: Clock | None = None,
    ) -> None:
        self._tenants_dir = tenants_dir
        self._defaults_path = defaults_path
        self._themes_dir = themes_dir or tenants_dir.absolute().parent / "themes"
        self._settings = settings
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._looked_at = self._clock.monotonic()
        self._snapshot = self._next(_Snapshot(), load_defaults(defaults_path, settings))

    def by_host(self, host: str) -> Tenant | None:
        """Return the brand that serves this `Host` header (case, port and a final dot do not matter)."""
        return self._snapshot.by_host.get(host.strip().lower().partition(":")[0].rstrip("."))

    def by_slug(self, slug: str) -> Tenant | None:
        return self._snapshot.by_slug.get(slug)

    def all(self) -> tuple[Tenant, ...]:
        """Return every serving brand, ordered by slug."""
        return tuple(self._snapshot.by_slug[slug] for slug in sorted(self._snapshot.by_slug))

    @property
    def defaults(self) -> LayerValues:
        return self._snapshot.defaults

    def problems(self) -> tuple[TenantError, ...]:
        """Return what is wrong with the files as they are now, whether or not a last good brand still serves."""
        found = self._snapshot.problems
        return tuple(error for slug in sorted(found) for error in found[slug])

    def defaults_problem(self) -> str:
        """Return what is wrong with the defaults file since it was last good, or nothing."""
        return self._snapshot.defaults_problem

    def refresh_if_due(self) -> bool:
        """Call `refresh` when the declared interval has passed since the last look."""
        due_ms = installation_value(self._snapshot.defaults, REFRESH_INTERVAL_MS, int)
        if (self._clock.monotonic() - self._looked_at) * 1000 < due_ms:
            return False
        return self.refresh()

    def refresh(self) -> bool:
        """Reload what changed on disk; tell whether anything did. Costs a few `stat` calls when nothing did."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._looked_at = self._clock.monotonic()
            before = self._snapshot
            if self._marks() == before.marks:
                return False
            try:
                defaults, problem = load_defaults(self._defaults_path, self._settings), ""
            except ConfigError as error:
                defaults, problem = before.defaults, str(error)
            self._snapshot = self._next(before, defaults, problem)
            return True
        finally:
            self._lock.release()

    def _next(self, before: _Snapshot, defaults: LayerValues, problem: str = "") -> _Snapshot:
        marks = self._marks()
        files = [path for path in marks if path.name == TENANT_FILE]
        shared = self._defaults_path, self._themes_dir
        same_ground = all(marks[path] == before.marks.get(path) for path in shared)
        candidates = []
        for path in files:
            near = path, path.parent
            unchanged = same_ground and all(marks[name] == before.marks.get(name) for name in near)
            candidates.append(self._candidate(path, marks[path], before, defaults, unchanged=unchanged))
        serving, problems = _settle(candidates)
        return _Snapshot(
            defaults=defaults,
            by_slug={tenant.slug: tenant for tenant in serving},
            by_host={host: tenant for tenant in serving for host in tenant.hosts},
            marks=marks,
            problems=problems,
            defaults_problem=problem,
        )

    def _candidate(
        self, path: Path, mark: Mark, before: _Snapshot, defaults: LayerValues, *, unchanged: bool
    ) -> _Candidate:
        slug = path.parent.name
        last_good = before.by_slug.get(slug)
        if unchanged and last_good and slug not in before.problems:
            return _Candidate(slug, mark[0], last_good, (), last_good)
        loaded = load_tenant(path, defaults=defaults, themes_dir=self._themes_dir, settings=self._settings)
        if isinstance(loaded, Tenant):
            return _Candidate(slug, mark[0], loaded, (), last_good)
        if last_good:
            last_good = replace(last_good, cascade=replace(last_good.cascade, defaults=defaults))
        return _Candidate(slug, mark[0], None, tuple(loaded), last_good)

    def _marks(self) -> dict[Path, Mark]:
        try:
            folders = sorted(entry for entry in self._tenants_dir.iterdir() if entry.is_dir())
        except OSError:
            folders = []
        watched = [self._defaults_path, self._themes_dir]
        watched += [path for folder in folders if folder.name[0] != "." for path in (folder, folder / TENANT_FILE)]
        return {path: _mark(path) for path in watched}


def _mark(path: Path) -> Mark:
    try:
        status = path.stat()
    except OSError:
        return (0,)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _settle(candidates: list[_Candidate]) -> tuple[list[Tenant], dict[str, tuple[TenantError, ...]]]:
    """Decide who serves: each brand's fresh file if sound and its hosts are free, else its last good one."""
    serving: list[Tenant] = []
    problems: dict[str, tuple[TenantError, ...]] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.rank):
        errors = candidate.errors
        if candidate.fresh:
            errors = tuple(host_conflicts(candidate.fresh, serving))
        if errors:
            problems[candidate.slug] = errors
        chosen = candidate.fresh if candidate.fresh and not errors else candidate.last_good
        if chosen and not host_conflicts(chosen, serving):
            serving.append(chosen)
    return serving, problems
