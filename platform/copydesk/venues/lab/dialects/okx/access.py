"""Who asks: signatures and rights of keys, over REST and on login.

Source: okx.com/docs-v5, "Overview", "REST Authentication", "WebSocket", "Login"; error texts from its list of codes.
That an unknown key is 50119 and a malformed one 50111 is what the exchange answers today. In which order it checks
is not documented; here, what needs no knowledge of the key comes first, then the key, then what the key says.
A key that has expired is gone: 50119, as for one that never was. Spot, margin and derivatives are one right, "trade",
which moves between the own wallets need as well.
"""

from __future__ import annotations

import re
from calendar import timegm
from functools import lru_cache
from hmac import compare_digest
from typing import Final

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.routes import TRADE
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import MARGIN, OTHER, PERP, READ, TRANSFER, WITHDRAW, ApiKey
from copydesk.venues.lab.server import Request

WINDOW_MS = 30_000
_KEY: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_STAMP: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z")
# The exchange's words for the rights of a key, in the order in which it lists them.
WORDS = ("read_only", "withdraw", "trade")
_MEANS = {
    "read_only": frozenset({READ}),
    "withdraw": frozenset({WITHDRAW}),
    "trade": frozenset({TRADE, PERP, MARGIN, TRANSFER}),
}
VERIFY = b"GET/users/self/verify"


def words_of(key: ApiKey) -> list[str]:
    """Name a key's rights as `perm` does; a right outside the documented three keeps a name of its own."""
    found = [word for word in WORDS if _MEANS[word] & key.permissions]
    return [*found, OTHER] if OTHER in key.permissions else found


def may(key: ApiKey, needs: str) -> bool:
    """Tell whether a key has a right: "read" or "trade"."""
    return bool(key.permissions & _MEANS["trade"]) if needs == TRADE else needs in key.permissions


def header(request: Request, name: bytes) -> str:
    return request.headers.get(name, b"").decode("latin-1")


def authorize(exchange: Exchange, request: Request, ip: str, *, needs: str, at_ms: float) -> ApiKey:
    """Check one private request and return its key."""
    said = request.headers.get
    api_key = said(b"ok-access-key", b"").decode("latin-1")
    signature = said(b"ok-access-sign", b"").decode("latin-1")
    stamp = said(b"ok-access-timestamp", b"").decode("latin-1")
    passphrase = said(b"ok-access-passphrase", b"").decode("latin-1")
    if not (api_key and signature and stamp and passphrase):
        raise _empty_header(api_key, passphrase, signature)
    if said(b"x-simulated-trading") == b"1":
        raise errors.wrong_environment()
    if abs(at_ms - stamp_ms(stamp)) > WINDOW_MS:
        raise errors.expired()
    path = f"{request.path}?{request.query}" if request.query else request.path
    payload = f"{stamp}{request.method}{path}".encode("latin-1") + request.body
    key = known_key(exchange, api_key, at_ms)
    if not compare_digest(key.passphrase.encode(), passphrase.encode()):
        raise errors.wrong_passphrase()
    if not key.opens_from(ip):
        raise errors.foreign_ip(ip)
    if not key.signs_base64(payload, signature):
        raise errors.bad_signature()
    if not may(key, needs):
        raise errors.no_permission()
    return key


def known_key(exchange: Exchange, api_key: str, at_ms: float) -> ApiKey:
    """Find a key that exists and has not expired."""
    key = exchange.keys.get(api_key)
    if key is None:
        raise errors.unknown_key() if _KEY.fullmatch(api_key) else errors.bad_key()
    if key.expired(at_ms):
        raise errors.unknown_key()
    return key


def _empty_header(api_key: str, passphrase: str, signature: str) -> errors.ApiError:
    for value, code, name in (
        (api_key, "50103", "OK-ACCESS-KEY"),
        (passphrase, "50104", "OK-ACCESS-PASSPHRASE"),
        (signature, "50106", "OK-ACCESS-SIGN"),
    ):
        if not value:
            return errors.empty_header(code, name)
    return errors.empty_header("50107", "OK-ACCESS-TIMESTAMP")


@lru_cache(maxsize=4096)
def stamp_ms(text: str) -> float:
    """Read an ISO 8601 time in UTC, or epoch seconds, in epoch ms."""
    match = _STAMP.fullmatch(text)
    if match is None:
        return _seconds_ms(text)
    *parts, fraction = match.groups()
    numbers = tuple(int(part) for part in parts)
    try:
        return timegm((*numbers, 0, 0, 0)) * 1000.0 + float(f"0.{fraction or 0}") * 1000.0
    except ValueError:  # A thirteenth month, for instance.
        raise errors.bad_timestamp() from None


def _seconds_ms(text: str) -> float:
    whole, _, places = text.partition(".")
    if not whole.isdecimal() or len(whole) > 11 or (places and not places.isdecimal()):
        raise errors.bad_timestamp()
    return float(text) * 1000.0
