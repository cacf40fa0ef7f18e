"""What staff change in the ranking by hand: a strategy out of it, or onto a place. Recorded, public, and undone again.

A score is never changed: it stays what the figures say. A place by hand opens no gate.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.performance.model import Adjusted
from copydesk.performance.scoring import placed
from copydesk.tenancy import Tenant

REASON_LENGTH_MIN, REASON_LENGTH_MAX = 10, 300
PLACE_MAX = 1_000

_FIND = text("""
SELECT strategy.id, kept.strategy_id IS NOT NULL AS known, adjusted_place AS place, adjusted_reason AS reason,
       adjusted_at AS at
FROM strategy
LEFT JOIN strategy_figures AS kept ON kept.tenant_id = strategy.tenant_id AND kept.strategy_id = strategy.id
WHERE slug = :slug
""")
_SET = text("""
UPDATE strategy_figures SET adjusted_place = :place, adjusted_reason = :reason, adjusted_by = :by, adjusted_at = :at
WHERE strategy_id = :id
""")


def adjust(
    session: TenantSession, tenant: Tenant, actor: Actor, slug: str, *, place: int | None, reason: str, at: datetime
) -> None:
    """Put a strategy on a place, or with None out of the ranking; raises NotFound and InvalidInput.

    The reason is shown on the strategy's page with the date. An earlier adjustment is replaced.
    """
    found, told = _find(session, slug), " ".join(reason.split())
    _check(place, told)
    if not found.known:
        raise InvalidInput("This strategy has no figures yet; it can be adjusted once it has.", code="figures_none")
    session.execute(
        _SET, {"id": found.id, "place": place, "reason": told, "by": f"{actor.kind}:{actor.user_id or 0}", "at": at}
    )
    placed(session, tenant)
    after = {"place": place, "reason": told}
    record(
        session,
        session.tenant_id,
        actor,
        "ranking.adjusted",
        _subject(found),
        at=at,
        before=_before(found),
        after=after,
    )


def undo(session: TenantSession, tenant: Tenant, actor: Actor, slug: str, *, at: datetime) -> None:
    """Let the figures decide again; nothing happens where nothing was adjusted. Raises NotFound."""
    found = _find(session, slug)
    if found.at is None:
        return
    session.execute(_SET, {"id": found.id, "place": None, "reason": None, "by": None, "at": None})
    placed(session, tenant)
    record(session, session.tenant_id, actor, "ranking.restored", _subject(found), at=at, before=_before(found))


def adjusted_of(session: Session, slug: str) -> Adjusted | None:
    """Return what staff changed of a strategy's place; raises NotFound where there is no such strategy."""
    found = _find(session, slug)
    return None if found.at is None else Adjusted(found.place, found.reason, found.at)


def _check(place: int | None, reason: str) -> None:
    if place is not None and not 1 <= place <= PLACE_MAX:
        raise InvalidInput(f"Place: expected 1 to {PLACE_MAX}, found {place}.", code="place_range")
    if not REASON_LENGTH_MIN <= len(reason) <= REASON_LENGTH_MAX:
        told = f"expected {REASON_LENGTH_MIN} to {REASON_LENGTH_MAX} characters, found {len(reason)}"
        raise InvalidInput(f"Reason: {told}.", code="reason_length")


def _find(session: Session, slug: str) -> Any:
    found = session.execute(_FIND, {"slug": slug}).one_or_none()
    if found is None:
        raise NotFound("There is no such strategy.")
    return found


def _before(found: Any) -> dict[str, Any] | None:
    return None if found.at is None else {"place": found.place, "reason": found.reason}


def _subject(found: Any) -> str:
    return f"strategy:{found.id}"
