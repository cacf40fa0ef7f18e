"""How Bybit wants requests signed. Pure. Source: Bybit v5 API, Integration Guidance and WebSocket Authentication."""

from __future__ import annotations

import hmac

from copydesk.trading import Credentials, KeyKind
from copydesk.venues.client.signatures import key_pair_signature

_HMAC = KeyKind.HMAC


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of the payload in hexadecimal."""
    return hmac.digest(secret.encode("ascii"), payload.encode(), "sha256").hex()


def signature_of(payload: str, credentials: Credentials) -> str:
    """Return the payload's signature by the key's kind: HMAC as above, or RSA with SHA-256 in base64."""
    return sign(payload, credentials.secret) if credentials.kind is _HMAC else key_pair_signature(credentials, payload)
