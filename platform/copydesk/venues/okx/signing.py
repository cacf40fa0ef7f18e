"""How OKX wants requests signed. Pure. Source: OKX API guide v5, REST Authentication and WebSocket Login."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime
from functools import lru_cache

WS_LOGIN_TEXT = "GET/users/self/verify"


def sign(payload: str, secret: str) -> str:
    """Return the HMAC-SHA256 of the payload in base64."""
    return b64encode(hmac.digest(secret.encode("ascii"), payload.encode(), "sha256")).decode("ascii")


def iso_text(timestamp_ms: int) -> str:
    """Write a time as the header wants it: ISO 8601 in UTC with milliseconds."""
    seconds, ms = divmod(timestamp_ms, 1000)
    return f"{_second_text(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=16)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
