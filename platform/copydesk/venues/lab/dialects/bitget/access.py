"""Who may call: key, address, passphrase, signature, time and rights, in that order of complaints.

Source: the reference's "Signature" and "Request Process"; that a timestamp lives 30 seconds is documented, the order
of the checks is not. The signed text is timestamp, method, path with query, body. Clients send the query percent-
encoded and sign it plain (ccxt) or as sent, so both are accepted.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.server import Request

WINDOW_MS = 30_000
VERIFY_PATH = "/user/verify"
_KEY = re.compile(r"bg_[0-9a-f]{32}")
_HEADERS = (
    (b"access-key", errors.KEY_MISSING),
    (b"access-sign", errors.SIGN_MISSING),
    (b"access-timestamp", errors.TIME_MISSING),
    (b"access-passphrase", errors.PASSPHRASE_MISSING),
)


def key_text(request: Request) -> str:
    return request.headers.get(b"access-key", b"").decode("latin-1")


def find_key(text: str, classic: Exchange, unified: Exchange) -> tuple[ApiKey | None, Exchange]:
    """Find a key and the exchange that it opens."""
    key = classic.keys.get(text)
    return (key, classic) if key is not None else (unified.keys.get(text), unified)


def require_key(key: ApiKey | None, text: str, now_ms: float) -> ApiKey:
    """Refuse a key that is malformed, unknown or expired."""
    if key is None and _KEY.fullmatch(text) is None:
        raise errors.ApiError(*errors.KEY_INVALID)
    if key is None or key.expired(now_ms):
        raise errors.ApiError(*errors.KEY_UNKNOWN)
    return key


def verify(request: Request, key: ApiKey | None, ip: str, now_ms: float) -> ApiKey:
    """Check everything about a signed request except what its key may do."""
    said = request.headers.get
    signature, stamp = said(b"access-sign", b""), said(b"access-timestamp", b"")
    passphrase = said(b"access-passphrase", b"")
    if not (said(b"access-key") and signature and stamp and passphrase):
        raise errors.ApiError(*next(missing for name, missing in _HEADERS if not said(name)))
    refuse_stale(stamp.decode("latin-1"), now_ms)
    known = require_key(key, key_text(request), now_ms)
    if not known.opens_from(ip):
        raise errors.ApiError(*errors.IP_REFUSED)
    if passphrase.decode("latin-1") != known.passphrase:
        raise errors.ApiError(*errors.PASSPHRASE_WRONG)
    start, query = stamp + f"{request.method}{request.path}".encode("latin-1"), request.query
    asked, made = b"?" + query.encode("latin-1") if query else b"", signature.decode("latin-1")
    if not known.signs_base64(start + asked + request.body, made) and not (
        "%" in query and known.signs_base64(start + b"?" + unquote(query).encode() + request.body, made)
    ):
        raise errors.ApiError(*errors.SIGN_WRONG)
    return known


def refuse_stale(text: str, now_ms: float) -> None:
    """Refuse a timestamp (epoch ms) that is none, or more than 30 seconds off."""
    if not text.isdecimal() or len(text) > 16:
        raise errors.ApiError(*errors.TIME_INVALID)
    if not fits(int(text), now_ms):
        raise errors.ApiError(*errors.TIME_EXPIRED)


def fits(stamp_ms: int, now_ms: float) -> bool:
    """Tell whether a timestamp is at most 30 seconds off."""
    return abs(now_ms - stamp_ms) <= WINDOW_MS
