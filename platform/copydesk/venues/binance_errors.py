"""Binance's refusals in our words: one table, by code and not by ccxt's exception class.

The class depends on the URL and on REST or WebSocket; the code does not. What the exchange's page calls
"execution status unknown", every code that it does not list, and every answer that is not in its error form,
is `OutcomeUnknown`.
Source: binance-spot-api-docs, errors.md and rest-api.md (HTTP return codes).
"""

from __future__ import annotations

import re
from enum import Enum

import orjson

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial

NO_SUCH_ORDER = "-2013"
CANCEL_REJECTED = "-2011"
UNKNOWN_ORDER = "Unknown order sent."  # Under -2011; its other texts say that the order stays as it is.
INVALID_TIMESTAMP = -1021

Failure = VenueRefused | Unavailable | OutcomeUnknown


class Doubt(Enum):
    """Verdicts beside a denial: it did not reach the engine and may be retried; or nobody knows."""

    RETRY = "retry"
    UNKNOWN = "unknown"


# errors.md, "10xx - General Server or Network issues": a code of that family proves only what is listed here.
CODES: dict[int, Denial | Doubt] = {
    -1000: Doubt.UNKNOWN,
    -1001: Doubt.UNKNOWN,
    -1002: Denial.KEY_REJECTED,
    -1003: Doubt.RETRY,
    -1004: Doubt.RETRY,  # "Server is busy, please wait and try again": only on the exchange's older error pages.
    -1006: Doubt.UNKNOWN,
    -1007: Doubt.UNKNOWN,
    -1008: Doubt.UNKNOWN,  # Answered with 503, whose page says: do not treat as a failure.
    -1010: Denial.VENUE_REFUSED,  # The engine's own refusal, see `TEXTS`.
    -1013: Denial.VENUE_REFUSED,
    -1014: Denial.VENUE_REFUSED,
    -1015: Doubt.RETRY,
    -1016: Doubt.UNKNOWN,
    -1020: Denial.VENUE_REFUSED,
    INVALID_TIMESTAMP: Doubt.RETRY,  # Outside the receive window: refused before the engine.
    -1022: Denial.KEY_REJECTED,
    -1034: Doubt.RETRY,
    -1121: Denial.INSTRUMENT_UNMAPPED,
    -2008: Denial.KEY_REJECTED,
    -2010: Denial.VENUE_REFUSED,
    -2014: Denial.KEY_REJECTED,
    -2015: Denial.KEY_REJECTED,
    -2021: Doubt.UNKNOWN,  # Cancel-replace: one half happened.
}

# errors.md, "11xx - Request issues" and the engine's -2xxx: refusals, whatever the code.
REFUSAL_FAMILIES = (range(-1199, -1099), range(-2999, -1999))

# The engine's messages under -1010, -1013, -2010 and -2011; longer texts before those they contain.
TEXTS: tuple[tuple[str, Denial | Doubt], ...] = (
    ("Duplicate order sent.", Doubt.UNKNOWN),  # Our earlier attempt arrived: reconcile asks for it.
    ("insufficient balance", Denial.INSUFFICIENT_BALANCE),
    ("Market is closed.", Denial.INSTRUMENT_HALTED),
    ("Filter failure: MIN_NOTIONAL", Denial.BELOW_NOTIONAL_MIN),
    ("Filter failure: NOTIONAL", Denial.BELOW_NOTIONAL_MIN),
    ("Price * QTY is zero or less.", Denial.BELOW_NOTIONAL_MIN),
    ("Filter failure: MARKET_LOT_SIZE", Denial.BELOW_QTY_MIN),
    ("Filter failure: LOT_SIZE", Denial.BELOW_QTY_MIN),
    ("Filter failure: PERCENT_PRICE", Denial.PRICE_MOVED),
    ("Filter failure: MAX_POSITION", Denial.ABOVE_QTY_MAX),
    ("Market orders are not supported", Denial.MARKET_NOT_ALLOWED),
    ("This symbol is not permitted", Denial.MARKET_NOT_ALLOWED),
    ("This symbol is restricted", Denial.MARKET_NOT_ALLOWED),
    ("This action is disabled on this account", Denial.ACCOUNT_UNUSABLE),
    ("may not place or cancel orders", Denial.ACCOUNT_UNUSABLE),
)
_TEXT_CODES = frozenset({-1010, -1013, -2010, -2011})
_RATE_STATUS = frozenset({418, 429})
_RETRY_AFTER_S = {418: 120.0, 429: 10.0}


def classify(status: int, body: bytes, retry_after: bytes | None, now: float) -> Failure:
    """Say what an answer that is not a success proves. `retry_after` is the header's value, `now` epoch seconds."""
    code, message = _parse(body)
    said = f"Binance answered {status}{f' {code}' if code is not None else ''}: {message}"
    if status in _RATE_STATUS:
        return Unavailable(said, retry_after_s=_retry_after_s(status, message, retry_after, now))
    if status >= 500 or status in (408, 409) or status < 400 or code is None:
        return OutcomeUnknown(said)
    verdict = _verdict(code, message)
    if verdict is Doubt.UNKNOWN:
        return OutcomeUnknown(said)
    if verdict is Doubt.RETRY:
        wait_s = 0.0 if code == INVALID_TIMESTAMP else _retry_after_s(429, message, retry_after, now)
        return Unavailable(said, retry_after_s=wait_s)
    return VenueRefused(said, code=verdict.value, venue_code=str(code))


def refuses_time(body: bytes) -> bool:
    """Tell whether a request was refused because its timestamp is outside the receive window."""
    return _parse(body)[0] == INVALID_TIMESTAMP


def _verdict(code: int, message: str) -> Denial | Doubt:
    if code in _TEXT_CODES:
        for text, verdict in TEXTS:
            if text in message:
                return verdict
    unlisted = Denial.VENUE_REFUSED if any(code in family for family in REFUSAL_FAMILIES) else Doubt.UNKNOWN
    return CODES.get(code, unlisted)


def _parse(body: bytes) -> tuple[int | None, str]:
    try:
        error = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, body[:120].decode("utf-8", "replace")
    if isinstance(error, dict) and isinstance(error.get("code"), int):
        return error["code"], str(error.get("msg", ""))
    return None, body[:120].decode("utf-8", "replace")


def _retry_after_s(status: int, message: str, retry_after: bytes | None, now: float) -> float:
    if retry_after is not None and re.fullmatch(rb"\d{1,7}", retry_after):
        return float(retry_after)
    banned_until = re.search(r"banned until (\d{13})", message)
    if banned_until:
        return max(1.0, int(banned_until[1]) / 1000 - now)
    return _RETRY_AFTER_S[status]
