"""Two numbers of the installation that tell whether any brand's keys have anything new, and which keys have changed.

Apart from the rest of the package, whose tables cost roles that only hold keys a longer start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession

WAITING, CHANGED = "waiting", "changed"
_VERSIONS = text("SELECT name, version FROM key_version")
_CHANGED = text("SELECT account_id FROM account_key WHERE changed_at >= :since")


def versions(session: Session) -> dict[str, int]:
    """Return the numbers by name: something waits for the desk; a sealed key was stored, replaced or destroyed."""
    return {name: int(version) for name, version in session.execute(_VERSIONS)}


def changed_since(session: TenantSession, since: datetime) -> Sequence[int]:
    """Return the accounts whose sealed key was stored, replaced or destroyed since then."""
    return session.execute(_CHANGED, {"since": since}).scalars().all()
