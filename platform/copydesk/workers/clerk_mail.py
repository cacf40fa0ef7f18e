"""The mail that tells a brand's owners of figures that differ from their recomputation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.identity.access import owners
from copydesk.notifications import Kind, queue_mail
from copydesk.performance.audit_run import Difference

# Where owners see what is ranked, and what each figure is made of.
LINK = "/staff/ranking"
_NAME = text(
    "SELECT name FROM strategy WHERE id = CASE :owner WHEN 'strategy' THEN :id "
    "ELSE (SELECT strategy_id FROM subscription WHERE id = :id) END"
)


class _NoSeal:
    """Seals nothing: this mail has no secrets, and this role no key to keep any."""

    def seal(self, _tenant_id: int, _row_id: int, _field: str, _text: str, /) -> bytes:
        raise AssertionError("mail about figures holds no secret facts")

    def open(self, _tenant_id: int, _row_id: int, _field: str, _sealed: bytes, /) -> str:
        raise AssertionError("mail about figures holds no secret facts")


def tell_owners(session: TenantSession, differences: Sequence[Difference], *, at: datetime) -> int:
    """Store a mail to each owner who can sign in, and return how many."""
    first = differences[0]
    name = session.execute(_NAME, {"owner": first.owner, "id": first.id}).scalar()
    facts = {"at": at.isoformat(), "count": str(len(differences)), "strategy": name or "–", "link": LINK}
    told = owners(session)
    for owner in told:
        queue_mail(
            *(session, session.tenant_id, _NoSeal()),
            to=owner.email,
            kind=Kind.FIGURES_DIFFER,
            locale=owner.locale,
            facts=facts,
            at=at,
        )
    return len(told)
