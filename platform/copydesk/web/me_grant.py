"""The token with which somebody's open page listens to what concerns them: whose it is, and by which session.

It opens a stream for some minutes only, and one stream ends with its session; a page that stays open longer asks for a
new one (`web.account.live_address`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer

PURPOSE = "own live events"
LASTS = timedelta(minutes=10)
_SALT = "copydesk own stream"
# Clocks of two machines may differ by so much.
_AHEAD_MAX = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class MeGrant:
    """Who may listen, by which session, and when that was written."""

    tenant: str
    user_id: int
    session_id: int
    at: datetime

    @property
    def at_ms(self) -> int:
        return int(self.at.timestamp() * 1000)


def me_token(key: bytes, grant: MeGrant) -> str:
    """Sign a grant for an address."""
    return _serializer(key).dumps([grant.tenant, grant.user_id, grant.session_id, grant.at_ms])


def me_grant(key: bytes, token: str, *, tenant: str, now: datetime) -> MeGrant | None:
    """Return what a token grants in this brand now; None where that is nothing."""
    try:
        slug, user_id, session_id, at_ms = _serializer(key).loads(token)
        grant = MeGrant(str(slug), int(user_id), int(session_id), datetime.fromtimestamp(at_ms / 1000, UTC))
    except (BadData, ValueError, TypeError, OverflowError, OSError):
        return None
    fresh = grant.at - _AHEAD_MAX <= now < grant.at + LASTS
    return grant if fresh and grant.tenant == tenant else None


def _serializer(key: bytes) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": sha256})
