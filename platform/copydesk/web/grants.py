"""What a signed link grants: which of a brand's private pages its holder may see, and until when.

A link is for whoever has no account of the brand, and for a screen on a wall. Whoever has one has what it grants, so
it is short-lived, and one turn of the key ends them all. It grants to read a brand's risk, or that of one subscription;
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer

from copydesk.identity.access import Permission

__all__ = [
    "GRANTABLE",
    "HOURS_DEFAULT",
    "HOURS_MAX",
    "PURPOSE",
    "Grant",
    "Permission",
    "page_grant",
    "page_token",
    "stream_grant",
    "stream_token",
]

PURPOSE = "risk desk"
HOURS_DEFAULT = 8
HOURS_MAX = 168
GRANTABLE = frozenset({Permission.RISK_READ, Permission.RISK_OWN})
_PAGE_SALT, _STREAM_SALT = "copydesk risk page", "copydesk risk stream"


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission in one brand until a moment; `subscription_id` is the one that `risk:own` is about."""

    tenant: str
    permission: Permission
    until: datetime
    subscription_id: int | None = None

    def allows(self, needed: Permission, subscription_id: int | None) -> bool:
        """Tell whether a page may be shown: who may read a brand's risk may read that of each of its subscriptions."""
        if self.permission is Permission.RISK_READ:
            return True
        return needed is Permission.RISK_OWN and subscription_id is not None and subscription_id == self.subscription_id

    @property
    def path(self) -> str:
        """Return the page that this opens."""
        return "/risk" if self.subscription_id is None else f"/risk/subscriptions/{self.subscription_id}"


def page_token(key: bytes, grant: Grant) -> str:
    """Sign a grant for a link, and for the cookie that a visit to it leaves."""
    return _serializer(key, _PAGE_SALT).dumps(_told(grant))


def stream_token(key: bytes, grant: Grant) -> str:
    """Sign a grant for an event stream only: it opens no page, because it stands in an address."""
    return _serializer(key, _STREAM_SALT).dumps(_told(grant))


def page_grant(key: bytes, token: str, *, tenant: str, now: datetime) -> Grant | None:
    """Return what a link or a cookie grants in this brand now; None where that is nothing."""
    return _read(_serializer(key, _PAGE_SALT), token, tenant, now)


def stream_grant(key: bytes, token: str, *, tenant: str, now: datetime) -> Grant | None:
    """Return what a token for an event stream grants in this brand now; None where that is nothing."""
    return _read(_serializer(key, _STREAM_SALT), token, tenant, now)


def _serializer(key: bytes, salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})


def _told(grant: Grant) -> list[object]:
    return [grant.tenant, str(grant.permission), grant.subscription_id, int(grant.until.timestamp())]


def _read(serializer: URLSafeTimedSerializer, token: str, tenant: str, now: datetime) -> Grant | None:
    """The age is looked at besides: whatever a token says of its end, it never outlives the longest link."""
    try:
        slug, permission, subscription_id, until = serializer.loads(token, max_age=HOURS_MAX * 3600)
        grant = Grant(slug, Permission(permission), datetime.fromtimestamp(until, UTC), subscription_id)
    except (BadData, ValueError, TypeError):
        return None
    valid = grant.permission in GRANTABLE and grant.tenant == tenant and now < grant.until
    return grant if valid else None
