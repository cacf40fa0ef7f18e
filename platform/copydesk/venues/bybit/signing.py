"""How Bybit wants requests signed. Pure. Source: Bybit v5 API, Integration Guidance and WebSocket Authentication."""

from __future__ import annotations

import hmac


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of the payload in hexadecimal."""
    return hmac.digest(secret.encode("ascii"), payload.encode(), "sha256").hex()
