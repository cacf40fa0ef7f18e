"""How Bitget wants requests signed. Pure. Source: Bitget API guide, Signature and WebSocket Login."""

from __future__ import annotations

import hmac
from base64 import b64encode

WS_LOGIN_TEXT = "GET/user/verify"


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of the payload in base64."""
    return b64encode(hmac.digest(secret.encode("ascii"), payload.encode(), "sha256")).decode("ascii")
