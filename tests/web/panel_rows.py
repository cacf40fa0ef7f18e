"""What stands in addresses of the config panel: revisions and uploaded files, stored straight into the tables."""

from __future__ import annotations

from copydesk.audit import OPERATOR
from copydesk.db import TenantSession
from copydesk.identity.legal import Draft, LegalKind, current_versions, publish
from copydesk.tenancy.tables import BrandFile, SettingRevision
from site_seed import NOW
from sqlalchemy import func, select

# Each brand numbers its revisions from 1: these begin apart, so that one brand's number is never the other's too.
_FIRST = {"aurora": 1, "boreal": 1_000}
KEPT = "0123456789abcdef0123456789abcdef.png"


def revision(session: TenantSession, brand: str) -> int:
    """Store a change that holds no more: going back to it would leave the file alone to hold."""
    return _stored(session, brand, "published", {"brand.radius_px": [10, 12, None, 12]})


def proposal(session: TenantSession, brand: str) -> int:
    """Store a change that waits for a second person."""
    hosts = [f"{brand}.localhost"]
    return _stored(session, brand, "proposed", {"brand.hosts": [hosts, [*hosts, f"{brand}2.localhost"], None, hosts]})


def kept_file(session: TenantSession, brand: str) -> str:
    """Store a file of the brand, and return its name."""
    name = KEPT if brand == "aurora" else KEPT[::-1].replace("gnp.", "") + ".png"
    if session.get(BrandFile, (session.tenant_id, name)) is None:
        session.add(
            BrandFile(tenant_id=session.tenant_id, name=name, content_type="image/png", data=b"png", created_at=NOW)
        )
        session.flush()
    return name


def imprint(session: TenantSession) -> str:
    """Publish the one legal text that asks nobody to agree, and return its kind."""
    kind = LegalKind.IMPRINT
    if kind not in current_versions(session):
        draft = Draft(kind, {"en": "Who runs this site."})
        publish(session, session.tenant_id, draft, actor=OPERATOR, author="the matrix", at=NOW)
    return str(kind)


def _stored(session: TenantSession, brand: str, state: str, changes: dict[str, list[object]]) -> int:
    highest = select(func.max(SettingRevision.id)).where(SettingRevision.tenant_id == session.tenant_id)
    number = max((session.scalar(highest) or 0) + 1, _FIRST[brand])
    row = SettingRevision(
        tenant_id=session.tenant_id,
        id=number,
        state=state,
        author_id=None,
        author="command line",
        reason="of the matrix",
        created_at=NOW,
        changes=changes,
        values={key: told[3] for key, told in changes.items()},
        origins={},
        hash="",
        schema_version=2,
    )
    session.add(row)
    session.flush()
    return number
