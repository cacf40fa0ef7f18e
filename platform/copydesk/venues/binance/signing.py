"""Binance's signature and query texts. Pure.

Built here rather than by ccxt because it is the order path: ccxt needs 35 µs to build and sign and 73 µs to read
a filled order. The contract tests hold the parameters equal to unmodified ccxt's.
Source: binance-spot-api-docs, rest-api.md, "SIGNED endpoint examples".
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from urllib.parse import quote

from copydesk.trading import Credentials, KeyKind
from copydesk.venues.client.signatures import key_pair_signature

_HMAC = KeyKind.HMAC
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
encoded = lru_cache(maxsize=8192)(lambda text: quote(text, safe=""))


def id_text(client_order_id: str) -> str:
    """Encode a client order id; ours need none, and each is new, so none is remembered."""
    return client_order_id if _PLAIN.fullmatch(client_order_id) else quote(client_order_id, safe="")


def sign(payload: str, secret: str) -> str:
    """Return the payload with its HMAC-SHA256 signature appended."""
    signature = hmac.digest(secret.encode("ascii"), payload.encode("ascii"), "sha256").hex()
    return f"{payload}&signature={signature}"


def signed(payload: str, credentials: Credentials) -> str:
    """Return the payload with its signature appended: base64 of a key pair is escaped, hexadecimal needs none."""
    if credentials.kind is _HMAC:
        return sign(payload, credentials.secret)
    return f"{payload}&signature={quote(key_pair_signature(credentials, payload), safe='')}"


def signature_of(payload: str, credentials: Credentials) -> str:
    """Return the signature alone, as the WebSocket API has it."""
    if credentials.kind is _HMAC:
        return sign(payload, credentials.secret).rpartition("=")[2]
    return key_pair_signature(credentials, payload)
