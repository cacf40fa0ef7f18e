"""Keeps every brand of the installation in memory, and follows its files and its panel.

One snapshot is replaced by the next as a whole, so that a request never sees half a reload. A brand whose
file or override turns bad keeps its last good configuration; nobody else notices.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from copydesk.kernel import Clock, ConfigError, SettingRegistry, SystemClock, Unavailable, registry
from copydesk.tenancy.cascade import installation_value, load_defaults
from copydesk.tenancy.last_good import Kept, LastGood
from copydesk.tenancy.load import TENANT_FILE, load_tenant
from copydesk.tenancy.model import LayerValues, Overrides, Tenant, TenantError
from copydesk.tenancy.overrides import Head, OverrideSource
from copydesk.tenancy.settings import REFRESH_INTERVAL_MS
from copydesk.tenancy.snapshot import Candidate, Mark, Snapshot, disputing, marks_of, settle

_NO_HEAD = Head(0)
# No revision has this number: the next look finds another one and reads the brand again.
_ASK_AGAIN = -1


class TenantDirectory:
    """Find a brand by host or slug. Raises `ConfigError` at once when the installation's defaults are wrong.

    With `overrides` it follows what panels set; where that cannot be known, what was known last stays. `last_good`
    outlives the process: who starts over a bad file, or without a database, serves what others served. `looked` is
    called after each look.
    """

    def __init__(
        self,
        tenants_dir: Path,
        defaults_path: Path,
        *,
        themes_dir: Path | None = None,
        settings: SettingRegistry = registry,
        clock: Clock | None = None,
        overrides: OverrideSource | None = None,
        last_good: LastGood | None = None,
        looked: Callable[[], object] = lambda: None,
    ) -> None:
        self._tenants_dir = tenants_dir
        self._defaults_path = defaults_path
        self.themes_dir = themes_dir or tenants_dir.absolute().parent / "themes"
        self.settings = settings
        self._clock = clock or SystemClock()
        self._overrides = overrides
        self._overrides_problem = ""
        self._last_good = last_good
        self._looked = looked
        self._lock = threading.Lock()
        self._looked_at = self._clock.monotonic()
        self._snapshot = self._next(Snapshot(), self._marks(), self._heads({}), self._defaults())
        if last_good:
            last_good.forget_others({Path(path).parent.name for path in self._snapshot.marks})

    def by_host(self, host: str) -> Tenant | None:
        """Return the brand that serves this `Host` header (case, port and a final dot do not matter)."""
        return self._snapshot.by_host.get(host.strip().lower().partition(":")[0].rstrip("."))

    def by_slug(self, slug: str) -> Tenant | None:
        return self._snapshot.by_slug.get(slug)

    def all(self) -> tuple[Tenant, ...]:
        """Return every serving brand, ordered by slug; the same tuple until something changes."""
        return self._snapshot.all

    @property
    def defaults(self) -> LayerValues:
        return self._snapshot.defaults

    @property
    def revision_hash(self) -> str:
        """Return 12 digits that are the same in every process with the same brands and values."""
        return self._snapshot.revision_hash

    def problems(self, slug: str = "") -> tuple[TenantError, ...]:
        """Return what is wrong with the brands, or with one, as they are now, whether or not a last good one serves."""
        found = self._snapshot.problems
        return tuple(error for one in sorted(found) if one == slug or not slug for error in found[one])

    def defaults_problem(self) -> str:
        """Return what is wrong with the defaults file since it was last good, or nothing."""
        return self._snapshot.defaults_problem

    def overrides_problem(self) -> str:
        """Return why it is not known what panels have set, or nothing."""
        return self._overrides_problem

    def refresh_if_due(self) -> bool:
        """Call `refresh` when the declared interval has passed since the last look."""
        due_ms = installation_value(self._snapshot.defaults, REFRESH_INTERVAL_MS, int)
        if (self._clock.monotonic() - self._looked_at) * 1000 < due_ms:
            return False
        return self.refresh()

    def refresh(self) -> bool:
        """Reload what changed on disk or in panels; tell whether anything did.

        Costs a few `stat` calls and one query when nothing did; only one thread at a time does it, the others go on.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._looked_at = self._clock.monotonic()
            before, marks = self._snapshot, self._marks()
            heads = self._heads(before.heads)
            if marks == before.marks and heads == before.heads:
                return False
            try:
                defaults, problem = self._defaults(), ""
            except ConfigError as error:
                defaults, problem = before.defaults, str(error)
            self._snapshot = replace(self._next(before, marks, heads, defaults), defaults_problem=problem)
            return True
        finally:
            self._lock.release()
            self._looked()

    def _next(
        self, before: Snapshot, marks: Mapping[str, Mark], heads: Mapping[str, Head], defaults: LayerValues
    ) -> Snapshot:
        shared = str(self._defaults_path), str(self.themes_dir)
        same_ground = all(marks[path] == before.marks.get(path) for path in shared)
        known = dict(heads)
        candidates = []
        for path in (Path(name) for name in marks if name.endswith(TENANT_FILE)):
            near = str(path), str(path.parent)
            unchanged = same_ground and all(marks[name] == before.marks.get(name) for name in near)
            candidates.append(self._candidate(path, marks[near[0]], before, known, defaults, unchanged=unchanged))
        serving, problems = settle(candidates)
        if asked := disputing(candidates, problems.keys() - {tenant.slug for tenant in serving}):
            serving, problems = settle(
                self._remembered(one, known, defaults) if one.slug in asked else one for one in candidates
            )
        if self._last_good:
            fresh = (tenant for tenant in serving if tenant is not before.by_slug.get(tenant.slug))
            self._last_good.keep(tenant for tenant in fresh if tenant.slug not in problems)
        return Snapshot(
            defaults=defaults,
            by_slug={tenant.slug: tenant for tenant in serving},
            by_host={host: tenant for tenant in serving for host in tenant.hosts},
            marks=marks,
            heads=known,
            problems=problems,
        )

    def _candidate(
        self,
        path: Path,
        mark: Mark,
        before: Snapshot,
        known: dict[str, Head],
        defaults: LayerValues,
        *,
        unchanged: bool,
    ) -> Candidate:
        """Read one brand, or take it as it was; a panel that cannot be read is marked in `known`, to be asked again."""
        slug = path.parent.name
        head, last_good = known.get(slug, _NO_HEAD), before.by_slug.get(slug)
        if last_good:
            last_good = _standing(last_good, head)
        same_panel = self._is_known(head, last_good)
        if unchanged and same_panel and last_good and slug not in before.problems:
            return Candidate(slug, mark[0], last_good, (), last_good)
        load = partial(load_tenant, path, defaults=defaults, themes_dir=self.themes_dir, settings=self.settings)
        try:
            overrides = self._values(head, last_good)
        except Unavailable as error:
            known[slug] = head._replace(revision=_ASK_AGAIN)
            kept = last_good or self._kept(slug)
            if kept is None and head.revision:
                wrong = TenantError(f"panel revision {head.revision}", 0, "", "PostgreSQL to answer", str(error))
                return Candidate(slug, mark[0], None, (wrong,), None)
            overrides = kept.overrides if kept else Overrides()
        loaded = load(overrides=overrides)
        if isinstance(loaded, Tenant):
            return Candidate(slug, mark[0], _standing(loaded, head), (), last_good)
        if last_good:
            last_good = replace(last_good, cascade=replace(last_good.cascade, defaults=defaults))
        return Candidate(slug, mark[0], None, tuple(loaded), last_good)

    def _remembered(self, one: Candidate, known: Mapping[str, Head], defaults: LayerValues) -> Candidate:
        """Add what a brand was served from last, by whichever process, where this one has never served it."""
        kept = None if one.last_good else self._kept(one.slug)
        if kept is None:
            return one
        path = self._tenants_dir / one.slug / TENANT_FILE
        ground = {"defaults": defaults, "themes_dir": self.themes_dir, "settings": self.settings}
        served = load_tenant(path, **ground, overrides=kept.overrides, text=kept.text)  # type: ignore[arg-type]
        last_good = _standing(served, known.get(one.slug, _NO_HEAD)) if isinstance(served, Tenant) else None
        return replace(one, last_good=last_good)

    def _kept(self, slug: str) -> Kept | None:
        return self._last_good.read(slug) if self._last_good else None

    def _is_known(self, head: Head, last_good: Tenant | None) -> bool:
        """Tell whether what the brand's panel has set is what it was loaded with, as far as anybody knows."""
        if self._overrides is None or self._overrides_problem:
            return True
        return last_good is not None and last_good.overrides.revision == head.revision

    def _values(self, head: Head, last_good: Tenant | None) -> Overrides:
        if self._overrides is None:
            return Overrides()
        if last_good and self._is_known(head, last_good):
            return last_good.overrides
        if self._overrides_problem:
            raise Unavailable(self._overrides_problem)
        return self._overrides.values(head.tenant_id) if head.revision else Overrides()

    def _heads(self, before: Mapping[str, Head]) -> Mapping[str, Head]:
        if self._overrides is None:
            return {}
        try:
            heads = self._overrides.heads()
        except Unavailable as error:
            self._overrides_problem = str(error)
            return before
        self._overrides_problem = ""
        return heads

    def _defaults(self) -> LayerValues:
        return load_defaults(self._defaults_path, self.settings)

    def _marks(self) -> dict[str, Mark]:
        return marks_of(self._tenants_dir, self._defaults_path, self.themes_dir)


def _standing(tenant: Tenant, head: Head) -> Tenant:
    """Return the brand as active or suspended as the database has it."""
    if (tenant.status, tenant.suspend_reason) == (head.status, head.suspend_reason):
        return tenant
    return replace(tenant, status=head.status, suspend_reason=head.suspend_reason)
