"""What people of a brand are told of what really happens there: the notices that the worker's rounds make of it."""

from __future__ import annotations

from functools import cache

from copydesk.bootstrap import declared_settings
from copydesk.db import Database
from copydesk.kernel import Clock, SystemClock
from copydesk.notices.service import Rounds
from copydesk.tenancy import Tenant, TenantDirectory
from lab_desk import ROOT
from sqlalchemy import text

_NEWEST = text("SELECT coalesce(max(id), 0) FROM notice")
_TOLD = text("SELECT user_id, kind FROM notice WHERE id > :after ORDER BY id")


class Unsealed:
    """A seal of nothing: no letter of these rounds has a secret."""

    def seal(self, tenant_id: int, row_id: int, field: str, text: str, /) -> bytes:
        return text.encode()

    def open(self, tenant_id: int, row_id: int, field: str, sealed: bytes, /) -> str:
        return sealed.decode()


class Ear:
    """Hears what is told from when it was made on: what was before is history."""

    def __init__(self, db: Database, tenant_id: int, clock: Clock | None = None) -> None:
        self._db = db
        self._tenant_id = tenant_id
        self._rounds = Rounds(db, Unsealed(), _aurora, clock=clock or SystemClock())
        self._rounds.go(tenant_id)
        with db.tenant(tenant_id) as session:
            self._after = int(session.execute(_NEWEST).scalar_one())

    def told(self, user_id: int | None = None) -> list[str]:
        """Do a round, and return the kinds of what somebody, or anybody, was told so far, the oldest first."""
        self._rounds.go(self._tenant_id)
        with self._db.tenant(self._tenant_id) as session:
            rows = session.execute(_TOLD, {"after": self._after}).all()
        return [row.kind for row in rows if user_id in (None, row.user_id)]


@cache
def _directory() -> TenantDirectory:
    return TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())


def _aurora(_tenant_id: int) -> Tenant:
    found = _directory().by_slug("aurora")
    assert found is not None
    return found
