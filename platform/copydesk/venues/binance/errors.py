"""Binance's refusals in our words: tables by code and not by ccxt's exception class.

The class depends on the URL and on REST or WebSocket; the code does not. What the exchange's page calls
"execution status unknown", every code that it does not list, and every answer that is not in its error form,
is `OutcomeUnknown`. Spot and USDⓈ-M number some refusals alike and mean different things (-2021, -2022), so each
has its own table over the shared one.
Source: binance-spot-api-docs, errors.md and rest-api.md (HTTP return codes); developers.binance.com, USDⓈ-M
futures, Error Code. Codes of the futures' -4xxx and -5xxx families that are not on that page prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial
from copydesk.venues.client.wire import Blocks, Failure, Verdict

NO_SUCH_ORDER = "-2013"
ARCHIVED_ORDER = "-2026"  # Spot: canceled or expired without a fill over 90 days ago.
CANCEL_REJECTED = "-2011"
UNKNOWN_ORDER = "Unknown order sent."  # Under -2011; its other texts say that the order stays as it is.
INVALID_TIMESTAMP = -1021
MARGIN_MODE_SET = "-4046"
POSITION_MODE_SET = "-4059"
NOT_MODIFIED = "-5027"

Verdicts = Mapping[int, Denial | Verdict]


class ErrorTable(NamedTuple):
    """One market's codes, the families that refuse whatever the code, and the texts that say more than a code."""

    codes: Verdicts
    families: tuple[range, ...]
    texts: tuple[tuple[str, Denial | Verdict], ...] = ()
    text_codes: frozenset[int] = frozenset()


# "10xx - General Server or Network issues": a code of that family proves only what is listed here.
_GENERAL: Verdicts = {
    -1000: Verdict.UNKNOWN,
    -1001: Verdict.UNKNOWN,
    -1002: Denial.KEY_REJECTED,
    -1003: Verdict.RETRY,
    -1004: Verdict.RETRY,  # "Server is busy, please wait and try again": only on the exchange's older error pages.
    -1006: Verdict.UNKNOWN,
    -1007: Verdict.UNKNOWN,
    -1008: Verdict.UNKNOWN,  # Answered with 503, whose page says: do not treat as a failure.
    -1013: Denial.VENUE_REFUSED,
    -1014: Denial.VENUE_REFUSED,
    -1015: Verdict.RETRY,
    -1016: Verdict.UNKNOWN,
    -1020: Denial.VENUE_REFUSED,
    INVALID_TIMESTAMP: Verdict.RETRY,  # Outside the receive window: refused before the engine.
    -1022: Denial.KEY_SECRET_WRONG,
    -1034: Verdict.RETRY,
    -1121: Denial.INSTRUMENT_UNMAPPED,
    -2008: Denial.KEY_REJECTED,
    -2014: Denial.KEY_REJECTED,
    # "Invalid API-key, IP, or permissions for action": Binance does not say which of the three.
    -2015: Denial.KEY_REJECTED,
}

SPOT_ERRORS = ErrorTable(
    codes={
        **_GENERAL,
        -1010: Denial.VENUE_REFUSED,  # The engine's own refusal, see `texts`.
        -2010: Denial.VENUE_REFUSED,
        -2021: Verdict.UNKNOWN,  # Cancel-replace: one half happened.
        -5002: Denial.INSUFFICIENT_BALANCE,  # Of a transfer between wallets, as -5013.
        -5013: Denial.INSUFFICIENT_BALANCE,
    },
    families=(range(-1199, -1099), range(-2999, -1999)),  # "11xx - Request issues", and the engine's.
    texts=(  # Longer texts before those they contain.
        ("Duplicate order sent.", Verdict.UNKNOWN),  # Our earlier attempt arrived: reconcile asks for it.
        ("insufficient balance", Denial.INSUFFICIENT_BALANCE),
        ("Market is closed.", Denial.INSTRUMENT_HALTED),
        ("would immediately match and take", Denial.PRICE_MOVED),  # Post-only.
        ("would trigger immediately", Denial.PRICE_MOVED),
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
    ),
    text_codes=frozenset({-1010, -1013, -2010, -2011}),
)

PERPETUAL_ERRORS = ErrorTable(
    codes={
        **_GENERAL,
        -1109: Denial.ACCOUNT_UNUSABLE,  # Not a valid account: futures were never opened.
        -2018: Denial.INSUFFICIENT_BALANCE,
        -2019: Denial.INSUFFICIENT_BALANCE,
        -2020: Denial.NO_LIQUIDITY,  # Unable to fill.
        -2021: Denial.PRICE_MOVED,  # The conditional order would trigger at once.
        -2022: Denial.NOTHING_TO_REDUCE,
        -2023: Denial.ACCOUNT_UNUSABLE,  # In liquidation.
        -2024: Denial.NOTHING_TO_REDUCE,  # Position is not sufficient.
        -2027: Denial.LEVERAGE_REFUSED,  # Above the largest position of this leverage.
        -2028: Denial.LEVERAGE_REFUSED,
        -4003: Denial.BELOW_QTY_MIN,
        -4004: Denial.BELOW_QTY_MIN,
        -4005: Denial.ABOVE_QTY_MAX,
        -4016: Denial.PRICE_MOVED,  # Price above the multiplier cap; -4024 below the floor.
        -4024: Denial.PRICE_MOVED,
        -4028: Denial.LEVERAGE_REFUSED,
        -4044: Denial.ACCOUNT_UNUSABLE,
        -4047: Denial.MARGIN_MODE_WRONG,
        -4048: Denial.MARGIN_MODE_WRONG,
        -4050: Denial.INSUFFICIENT_BALANCE,
        -4051: Denial.INSUFFICIENT_BALANCE,
        -4059: Denial.POSITION_MODE_WRONG,
        -4060: Denial.POSITION_MODE_WRONG,
        -4061: Denial.POSITION_MODE_WRONG,
        -4062: Denial.POSITION_MODE_WRONG,  # Reduce-only is not for hedge mode.
        -4067: Denial.POSITION_MODE_WRONG,
        -4068: Denial.POSITION_MODE_WRONG,
        -4087: Denial.ACCOUNT_UNUSABLE,  # Reduce-only orders alone; -4088 none at all.
        -4088: Denial.ACCOUNT_UNUSABLE,
        -4108: Denial.INSTRUMENT_HALTED,  # Delivering or delivered; -4141 closed.
        -4109: Denial.ACCOUNT_UNUSABLE,
        -4116: Verdict.UNKNOWN,  # Duplicate client order id: our earlier attempt arrived.
        -4118: Denial.NOTHING_TO_REDUCE,
        -4131: Denial.NO_LIQUIDITY,  # The best price is too far away for a market order.
        -4140: Denial.INSTRUMENT_HALTED,
        -4141: Denial.INSTRUMENT_HALTED,
        -4142: Denial.PRICE_MOVED,  # As -2021.
        -4161: Denial.LEVERAGE_REFUSED,
        -4164: Denial.BELOW_NOTIONAL_MIN,
        -4168: Denial.MARGIN_MODE_WRONG,  # Multi-assets mode has no isolated margin.
        -4192: Denial.ACCOUNT_UNUSABLE,
        **dict.fromkeys((-4202, -4203, -4205), Denial.LEVERAGE_REFUSED),  # Above 20x: not yet, or not verified.
        -4400: Denial.ACCOUNT_UNUSABLE,  # The quantitative rules allow reduce-only orders alone.
        -4401: Denial.ACCOUNT_UNUSABLE,
        -5021: Denial.NO_LIQUIDITY,  # Fill-or-kill found too little.
        -5022: Denial.PRICE_MOVED,  # Post-only would take.
        **dict.fromkeys(
            (
                *(-4000, -4001, -4002, -4006, -4007, -4008, -4009, -4010, -4011, -4012, -4013, -4014, -4015),
                *(-4017, -4018, -4019, -4020, -4021, -4022, -4023, -4025, -4026, -4027, -4029, -4030, -4031),
                *(-4032, -4033, -4045, -4046, -4049, -4054, -4055, -4056, -4063, -4082, -4083, -4084),
                *(-4085, -4086, -4104, -4110, -4111, -4112, -4113, -4114, -4115, -4117, -4120, -4129, -4130),
                *(-4135, -4136, -4137, -4138, -4139, -4144, -4165, -4167, -4171, -4183, -4184, -4188, -4210, -4211),
                *(-5024, -5025, -5026, -5027, -5028, -5037, -5038, -5039, -5040, -5041),
            ),
            Denial.VENUE_REFUSED,
        ),
    },
    families=(range(-1199, -1099), range(-2999, -1999)),
)

_RATE_STATUS = frozenset({418, 429})
_RETRY_AFTER_S = {418: 120.0, 429: 10.0}


def classify(table: ErrorTable, status: int, body: bytes, retry_after: bytes | None, now: float) -> Failure:
    """Say what an answer that is not a success proves. `retry_after` is the header's value, `now` epoch seconds."""
    code, message = _parse(body)
    said = f"Binance answered {status}{f' {code}' if code is not None else ''}: {message}"
    if status in _RATE_STATUS:
        return Unavailable(said, retry_after_s=_retry_after_s(status, message, retry_after, now))
    if status >= 500 or status in (408, 409) or status < 400 or code is None:
        return OutcomeUnknown(said)
    verdict = _verdict(table, code, message)
    if verdict is Verdict.UNKNOWN:
        return OutcomeUnknown(said)
    if verdict is Verdict.RETRY:
        wait_s = 0.0 if code == INVALID_TIMESTAMP else _retry_after_s(429, message, retry_after, now)
        return Unavailable(said, retry_after_s=wait_s)
    return VenueRefused(said, code=verdict.value, venue_code=str(code))


def refuses_time(status: int, body: bytes) -> bool:
    """Tell whether a request was refused because its timestamp is outside the receive window."""
    return status == 400 and _parse(body)[0] == INVALID_TIMESTAMP


def blocks(status: int, body: bytes) -> Blocks:
    """A ban or spent weight concerns the address; too many orders (-1015) only this account, whose closes may pass."""
    return Blocks.ADDRESS if status in _RATE_STATUS and b"-1015" not in body else Blocks.NOBODY


def _verdict(table: ErrorTable, code: int, message: str) -> Denial | Verdict:
    if code in table.text_codes:
        for text, verdict in table.texts:
            if text in message:
                return verdict
    unlisted = Denial.VENUE_REFUSED if any(code in family for family in table.families) else Verdict.UNKNOWN
    return table.codes.get(code, unlisted)


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
