"""How Bitget wants requests signed. Pure. Source: Bitget API guide, Signature and WebSocket Login."""

from __future__ import annotations

import hmac
from base64 import b64encode

from copydesk.trading import Credentials, KeyKind
from copydesk.venues.client.signatures import key_pair_signature

_HMAC = KeyKind.HMAC
WS_LOGIN_TEXT = "GET/user/verify"


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of the payload in base64."""
    return b64encode(hmac.digest(secret.encode("ascii"), payload.encode(), "sha256")).decode("ascii")


def signature_of(payload: str, credentials: Credentials) -> str:
    """Return the payload's signature by the key's kind: HMAC as above, or RSA with SHA-256, in base64 as well."""
    return sign(payload, credentials.secret) if credentials.kind is _HMAC else key_pair_signature(credentials, payload)
