"""How a revision takes effect, what it overtakes, and how the brand's record tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import SettingRegistry
from copydesk.tenancy.changes import Change, Revision, RevisionState
from copydesk.tenancy.model import Origin, Overrides, Tenant
from copydesk.tenancy.overlay import packed_text, same
from copydesk.tenancy.revision_store import proposals, publish, settle_revision
from copydesk.tenancy.weighing import effective

_TOLD_MAX = 2_000


def changes_of(
    before: Tenant, fresh: Tenant, wanted: Mapping[str, object | None], settings: SettingRegistry
) -> dict[str, Change]:
    """Return each key with the values that hold before and after, and the overrides behind them."""
    return {
        key: Change(
            effective(before, key, settings), effective(fresh, key, settings), before.overrides.values.get(key), put
        )
        for key, put in sorted(wanted.items())
    }


def take_effect(session: TenantSession, before: Overrides, revision: Revision, at: datetime) -> None:
    """Let a stored revision hold from now on; proposals about the same keys are overtaken by it."""
    fresh = Origin(revision.id, revision.author, at)
    origins = {
        key: before.origins[key] if key in before.origins and same(before.values.get(key), value) else fresh
        for key, value in revision.values.items()
    }
    publish(session, revision, origins)
    for proposal in proposals(session):
        if proposal.changes.keys() & revision.changes.keys():
            overtaken = replace(
                proposal, state=RevisionState.SUPERSEDED, decided_by=f"revision {revision.id}", decided_at=at
            )
            settle_revision(session, overtaken)


def act_of(revision: Revision) -> str:
    """Name what was done by making a revision."""
    if revision.state is RevisionState.PROPOSED:
        return "settings.proposed"
    return "settings.published" if revision.rolls_back is None else "settings.rolled_back"


def record_revision(session: TenantSession, actor: Actor, act: str, revision: Revision, at: datetime) -> None:
    """Write into the brand's record what somebody did with a revision."""
    before = {key: _told(change.before) for key, change in revision.changes.items()}
    after = {key: _told(change.after) for key, change in revision.changes.items()}
    after |= {"reason": revision.reason}
    if revision.rolls_back is not None:
        after["rolls_back"] = revision.rolls_back
    record(session, session.tenant_id, actor, act, f"revision:{revision.id}", at=at, before=before, after=after)


def _told(value: object) -> object:
    """Return a value as the record holds it; a long one stands in its revision alone."""
    return value if len(packed_text(value)) <= _TOLD_MAX else "(long: see the revision)"
