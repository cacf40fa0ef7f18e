"""Changes of a brand's settings: checked whole, kept with author and reason, taken back in one step.

A change of sensitive keys in the panel waits for a second person. Each use case is one transaction of the caller's and
leaves its line in the brand's record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from copydesk.audit import Actor
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound, Refused, SettingRegistry
from copydesk.tenancy.changes import Change, RefusedSettings, Revision, RevisionState
from copydesk.tenancy.fields import STORED
from copydesk.tenancy.files import is_kept
from copydesk.tenancy.load import host_conflicts, load_tenant
from copydesk.tenancy.model import LayerValues, Overrides, Tenant, TenantError
from copydesk.tenancy.overlay import difference, hash_of, merged
from copydesk.tenancy.revision_acts import act_of, changes_of, record_revision, take_effect
from copydesk.tenancy.revision_store import (
    add_revision,
    find_revision,
    lock_brand,
    newest,
    next_id,
    proposals,
    read_overrides,
    settle_revision,
)
from copydesk.tenancy.weighing import reserved_keys, sensitive_changes, unknown_keys

__all__ = ["Change", "RefusedSettings", "Revision", "RevisionState", "SettingsDesk"]

REASON_MAX = 500
_ASSETS = ("brand.logo", "brand.favicon", "brand.font")

Wanted = Mapping[str, object | None]


class Brands(Protocol):
    """What the desk asks of the directory: the ground that a brand is loaded on, and the brands beside it."""

    @property
    def defaults(self) -> LayerValues: ...

    @property
    def themes_dir(self) -> Path: ...

    @property
    def settings(self) -> SettingRegistry: ...

    def all(self) -> tuple[Tenant, ...]: ...


@dataclass(frozen=True)
class _Asked:
    """Who asks for a change, why and when."""

    actor: Actor
    author: str
    reason: str
    at: datetime
    by_operator: bool = False
    rolls_back: int | None = None


class SettingsDesk:
    """Change a brand's settings. Every refusal leaves everything as it was."""

    def __init__(self, brands: Brands) -> None:
        self._brands = brands

    def check(self, tenant: Tenant, changes: Wanted, *, by_operator: bool = False) -> Tenant:
        """Return the brand as it would be after a change of overrides; None takes one away.

        Raises `RefusedSettings` with every error, also for keys that only the operator may change.
        """
        if unknown := unknown_keys(changes, self._brands.settings):
            raise RefusedSettings(unknown)
        fresh = self._loaded(tenant, merged(tenant.overrides.values, changes))
        errors = [] if by_operator else reserved_keys(tenant, fresh, changes, self._brands.settings)
        errors += host_conflicts(fresh, self._brands.all())
        if errors:
            raise RefusedSettings(errors)
        return fresh

    def change(
        self,
        session: TenantSession,
        tenant: Tenant,
        changes: Wanted,
        *,
        actor: Actor,
        author: str,
        reason: str,
        at: datetime,
        expected_revision: int | None = None,
        by_operator: bool = False,
    ) -> Revision:
        """Publish a change, or propose it where it touches a sensitive key; None takes an override away.

        `expected_revision` is the one that the author looked at: with another one in its place the change is refused
        (code "stale"), naming who made it. A change that changes nothing is refused too (code "unchanged"). What the
        operator does holds at once.
        """
        before = self._before(session, tenant)
        self._require_expected(session, before, expected_revision)
        asked = _Asked(actor, author, _reason(reason), at, by_operator)
        return self._make(session, before, merged(before.overrides.values, changes), asked)

    def approve(
        self, session: TenantSession, tenant: Tenant, revision_id: int, *, actor: Actor, author: str, at: datetime
    ) -> Revision:
        """Publish a proposal on top of what holds now. Not by who made it (code "same_person")."""
        before = self._before(session, tenant)
        proposal = _waiting(session, revision_id)
        if proposal.author_id is not None and proposal.author_id == actor.user_id:
            message = f"Revision {revision_id} is your own: somebody else has to approve it."
            raise Refused(message, code="same_person")
        wanted = {key: change.put for key, change in proposal.changes.items()}
        fresh = self.check(before, wanted, by_operator=proposal.author_id is None)
        self._require_files(session, fresh)
        decided = replace(
            proposal,
            state=RevisionState.PUBLISHED,
            decided_by=author,
            decided_at=at,
            values=fresh.overrides.values,
            hash=fresh.overrides.hash,
        )
        settle_revision(session, decided)
        take_effect(session, before.overrides, decided, at)
        record_revision(session, actor, "settings.approved", decided, at)
        return decided

    def refuse(
        self, session: TenantSession, tenant: Tenant, revision_id: int, *, actor: Actor, author: str, at: datetime
    ) -> Revision:
        """Refuse a proposal; its author may do so too, to take it back."""
        del tenant
        lock_brand(session)
        proposal = _waiting(session, revision_id)
        decided = replace(proposal, state=RevisionState.REFUSED, decided_by=author, decided_at=at)
        settle_revision(session, decided)
        record_revision(session, actor, "settings.refused", decided, at)
        return decided

    def rollback(
        self,
        session: TenantSession,
        tenant: Tenant,
        revision_id: int,
        *,
        actor: Actor,
        author: str,
        reason: str,
        at: datetime,
        by_operator: bool = False,
    ) -> Revision:
        """Make a new revision with the values of one that was published; 0 leaves the file alone to hold.

        It is checked like any change: what no longer validates is refused whole, what is sensitive is proposed.
        """
        before = self._before(session, tenant)
        values: Mapping[str, object] = {}
        if revision_id:
            target = _found(session, revision_id)
            if target.state is not RevisionState.PUBLISHED:
                raise Refused(f"Revision {revision_id} never held: it was {target.state}.", code="never_held")
            values = target.values
        asked = _Asked(actor, author, _reason(reason), at, by_operator, rolls_back=revision_id)
        return self._make(session, before, values, asked)

    def revision(self, session: TenantSession, revision_id: int) -> Revision:
        """Return one revision of the session's brand; raises `NotFound`."""
        return _found(session, revision_id)

    def overrides(self, session: TenantSession) -> Overrides:
        """Return what holds in the database now, which every process follows within two seconds."""
        return read_overrides(session)

    def history(self, session: TenantSession, *, limit: int = 50, before: int | None = None) -> tuple[Revision, ...]:
        """Return the newest revisions first; `before` continues a list."""
        return newest(session, limit=limit, before=before)

    def waiting(self, session: TenantSession) -> tuple[Revision, ...]:
        """Return the proposals that wait for a second person, the oldest first."""
        return proposals(session)

    def _before(self, session: TenantSession, tenant: Tenant) -> Tenant:
        """Return the brand as the database has it now, and let other changes of it wait."""
        lock_brand(session)
        now = read_overrides(session)
        if now.revision == tenant.overrides.revision:
            return tenant
        loaded = self._load(tenant, now)
        return loaded if isinstance(loaded, Tenant) else replace(tenant, overrides=now)

    def _make(self, session: TenantSession, before: Tenant, values: Mapping[str, object], asked: _Asked) -> Revision:
        wanted = difference(before.overrides.values, values)
        if not wanted:
            raise Refused("Nothing differs from what holds already.", code="unchanged")
        fresh = self.check(before, wanted, by_operator=asked.by_operator)
        self._require_files(session, fresh)
        waits = not asked.by_operator and bool(sensitive_changes(before, fresh, wanted, self._brands.settings))
        revision = Revision(
            id=next_id(session),
            state=RevisionState.PROPOSED if waits else RevisionState.PUBLISHED,
            author_id=asked.actor.user_id,
            author=asked.author,
            reason=asked.reason,
            created_at=asked.at,
            decided_by="" if waits else asked.author,
            decided_at=None if waits else asked.at,
            changes=changes_of(before, fresh, wanted, self._brands.settings),
            values=fresh.overrides.values,
            hash=fresh.overrides.hash,
            rolls_back=asked.rolls_back,
        )
        add_revision(session, revision)
        if not waits:
            take_effect(session, before.overrides, revision, asked.at)
        record_revision(session, asked.actor, act_of(revision), revision, asked.at)
        return revision

    def _loaded(self, tenant: Tenant, values: Mapping[str, object]) -> Tenant:
        loaded = self._load(tenant, Overrides(hash=hash_of(values), values=values))
        if not isinstance(loaded, Tenant):
            raise RefusedSettings(loaded)
        return loaded

    def _load(self, tenant: Tenant, overrides: Overrides) -> Tenant | list[TenantError]:
        brands = self._brands
        return load_tenant(
            tenant.path,
            defaults=brands.defaults,
            themes_dir=brands.themes_dir,
            settings=brands.settings,
            overrides=overrides,
        )

    def _require_expected(self, session: TenantSession, before: Tenant, expected: int | None) -> None:
        now = before.overrides.revision
        if expected is None or expected == now:
            return
        holding = find_revision(session, now)
        whose = f" by {holding.author}" if holding else ""
        raise Refused(
            f"Revision {now}{whose} holds by now, and you looked at revision {expected}: look again before you save.",
            code="stale",
        )

    def _require_files(self, session: TenantSession, fresh: Tenant) -> None:
        errors: list[TenantError] = []
        for key in _ASSETS:
            value = fresh.overrides.values.get(key)
            if isinstance(value, str) and value.startswith(STORED) and not is_kept(session, value[len(STORED) :]):
                errors.append(TenantError(fresh.overrides.place, 0, key, "a file that was uploaded here", f'"{value}"'))
        if errors:
            raise RefusedSettings(errors)


def _reason(reason: str) -> str:
    said = " ".join(reason.split())
    if not said or len(said) > REASON_MAX:
        found = f"{len(said)} characters" if said else "nothing"
        raise InvalidInput(f"expected a reason of 1 to {REASON_MAX} characters, found {found}", code="reason")
    return said


def _found(session: TenantSession, revision_id: int) -> Revision:
    found = find_revision(session, revision_id)
    if found is None:
        raise NotFound(f"There is no revision {revision_id}.")
    return found


def _waiting(session: TenantSession, revision_id: int) -> Revision:
    found = _found(session, revision_id)
    if found.state is not RevisionState.PROPOSED:
        by = f" by {found.decided_by}" if found.decided_by else ""
        raise Refused(f"Revision {revision_id} does not wait any more: it was {found.state}{by}.", code="not_waiting")
    return found
