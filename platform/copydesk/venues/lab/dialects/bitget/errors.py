"""Bitget error answers: codes, texts and HTTP statuses of both generations.

Source: the exchange's error-code pages (REST and WebSocket tables, as crawled in September 2026); texts with a
number are from answers quoted in ccxt's table. The WebSocket table's 25xxx codes are those of the unified account's
trade engine, over REST too. Which code an overstepped filter gets is not documented per endpoint: the choice here
follows quoted answers where there are any (40762, 40808, 45110), else the text that fits.
Account kinds: 40084 and 40085 as their texts say; some notes of third parties have them the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.bitget.words import places
from copydesk.venues.lab.model import BUY, LabInstrument, NewOrder, Reject

CODE_OK = "00000"


class ApiError(Exception):
    """An error answer; `code` is text on the wire."""

    def __init__(self, code: str, msg: str, *, status: int = 400) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status

    def body(self, now_ms: int) -> bytes:
        return orjson.dumps({"code": self.code, "msg": self.msg, "requestTime": now_ms, "data": None})


KEY_MISSING = "40001", "ACCESS_KEY cannot be empty"
SIGN_MISSING = "40002", "ACCESS_SIGN cannot be empty"
TIME_MISSING = "40003", "ACCESS_TIMESTAMP cannot be empty"
TIME_INVALID = "40005", "Invalid ACCESS_TIMESTAMP"
KEY_INVALID = "40006", "Invalid ACCESS_KEY"
TIME_EXPIRED = "40008", "Request timestamp expired"
SIGN_WRONG = "40009", "sign signature error"
PASSPHRASE_MISSING = "40011", "ACCESS_PASSPHRASE cannot be empty"
PASSPHRASE_WRONG = "40012", "apikey/password is incorrect"
IP_REFUSED = "40018", "Invalid IP"
KEY_UNKNOWN = "40037", "Apikey does not exist"
CLASSIC_ON_UNIFIED = (
    "40084",
    "You are in Classic Account mode, and the Unified Account API is not supported at this time",
)
UNIFIED_ON_CLASSIC = (
    "40085",
    "You are in Unified Account mode, and the Classic Account API is not supported at this time",
)
NOT_FOUND = "40404", "Request URL NOT FOUND"
BODY_INVALID = "40409", "wrong format"
TOO_MANY = "429", "Too Many Requests"
UPGRADING = "40200", "Server upgrade, please try again later"
UNKNOWN = "45001", "Unknown error"


def too_many() -> ApiError:
    return ApiError(*TOO_MANY, status=429)


def permissions(need: str) -> ApiError:
    return ApiError("40014", f"Incorrect permissions, need {need} permissions")


def empty(name: str) -> ApiError:
    return ApiError("40019", f"Parameter {name} cannot be empty")


def invalid(name: str) -> ApiError:
    return ApiError("40020", f"Parameter {name} error")


def not_listed(symbol: str) -> ApiError:
    return ApiError("40034", f"Parameter {symbol} does not exist")


def one_of(names: str) -> ApiError:
    return ApiError("40913", f"{names} must be passed one")


Texts = Mapping[str, tuple[str, str]]

_COMMON: dict[str, tuple[str, str]] = {
    Reject.UNKNOWN_SYMBOL: ("40034", "Parameter {symbol} does not exist"),
    Reject.UNKNOWN_ACCOUNT: ("40013", "User status is abnormal"),
    Reject.MARKET_HALTED: (
        "41114",
        "The current trading pair is under maintenance, please refer to the official announcement for the opening time",
    ),
    Reject.INVALID_PARAMETERS: ("40017", "Parameter verification failed"),
    "PRICE_SCALE": (
        "40808",
        "Parameter verification exception price checkBDScale error value={px} checkScale={px_places}",
    ),
    "PRICE_RANGE": ("40706", "Wrong order price"),
    "SIZE_SCALE": (
        "40808",
        "Parameter verification exception size checkBDScale error value={qty} checkScale={qty_places}",
    ),
    "SIZE_MIN": ("45111", "less than the minimum order quantity"),
    "SIZE_MAX": ("45112", "more than the maximum order quantity"),
    Reject.MIN_NOTIONAL: ("45110", "less than the minimum amount {notional_min} {quote}"),
    Reject.NO_LIQUIDITY: ("22045", "Insufficient liquidity in the market, please operate later"),
    Reject.NO_LIQUIDITY_FOK: ("22045", "Insufficient liquidity in the market, please operate later"),
    Reject.WOULD_TAKE: ("40815", "The order price is higher than the highest bid price"),
    Reject.NOT_MODIFIED: ("40923", "Order size and price have not changed"),
    Reject.UNKNOWN_CONDITIONAL: ("43025", "Plan order does not exist"),
    Reject.TOO_MANY_CONDITIONALS: ("40889", "The plan order of this contract has reached the upper limit"),
    Reject.WOULD_TRIGGER: ("45052", "Trigger price parameter verification anbormal"),
}
SPOT_TEXTS: Texts = {
    **_COMMON,
    "PRICE_HIGH": ("43009", "The current order price exceeds the limit {px}{quote}"),
    "PRICE_LOW": ("43008", "The current order price cannot be less than {px}{quote}"),
    Reject.INSUFFICIENT_BALANCE: ("43012", "Insufficient balance"),
    Reject.DUPLICATE_CLIENT_ORDER_ID: ("43118", "clientOrderId duplicate"),
    Reject.UNKNOWN_ORDER: ("43001", "The order does not exist"),
}
MIX_TEXTS: Texts = {
    **_COMMON,
    "PRICE_SCALE": ("45115", "The price you enter should be a multiple of {px_tick}"),
    "PRICE_HIGH": ("40815", "The order price is higher than the highest bid price"),
    "PRICE_LOW": ("40816", "The order price is lower than the lowest selling price"),
    Reject.INSUFFICIENT_BALANCE: ("40762", "The order amount exceeds the balance"),
    Reject.INSUFFICIENT_MARGIN: ("40762", "The order amount exceeds the balance"),
    Reject.DUPLICATE_CLIENT_ORDER_ID: ("40786", "Duplicate clientOid"),
    Reject.UNKNOWN_ORDER: ("40768", "Order does not exist"),
    Reject.REDUCE_ONLY: ("22002", "No position to close"),
    Reject.NO_POSITION: ("22002", "No position to close"),
    Reject.POSITION_LIMIT: ("40921", "The order size cannot exceed the maximum size of the positionLevel"),
    Reject.POSITION_SIDE: (
        "40774",
        "The order type for unilateral position must also be the unilateral position type.",
    ),
    Reject.POSITION_MODE_IN_USE: ("40920", "Position or order exists, the position mode cannot be switched"),
    Reject.MARGIN_MODE_IN_USE: ("45117", "Currently holding positions or orders, the margin mode cannot be adjusted"),
    Reject.LEVERAGE_INVALID: ("45045", "Exceeds the maximum possible leverage"),
}
UNIFIED_TEXTS: Texts = {
    **_COMMON,
    Reject.UNKNOWN_SYMBOL: ("25100", "Trading pair {symbol} does not exist"),
    Reject.UNKNOWN_ACCOUNT: ("25005", "User does not exist"),
    Reject.MARKET_HALTED: ("25102", "Trading pair temporarily closed for maintenance"),
    Reject.INVALID_PARAMETERS: ("25200", "order validation error"),
    "PRICE_SCALE": ("25244", "Price should be a multiple of {px_tick}"),
    "PRICE_RANGE": ("25200", "price validation error"),
    "PRICE_HIGH": ("25206", "{symbol} trading price cannot exceed 500%"),
    "PRICE_LOW": ("25205", "{symbol} trading price cannot be below 20%"),
    "SIZE_SCALE": ("25610", "Order amount does not meet precision requirements"),
    "SIZE_MIN": ("25207", "{symbol} trading quantity cannot be less than {qty_min} units"),
    "SIZE_MAX": ("25208", "{symbol} trading quantity cannot exceed {qty_max} units"),
    Reject.MIN_NOTIONAL: ("25611", "Order quantity must be greater than the minimum order amount"),
    Reject.INSUFFICIENT_BALANCE: ("25202", "Insufficient balance"),
    Reject.INSUFFICIENT_MARGIN: ("25203", "Insufficient margin"),
    Reject.UNKNOWN_ORDER: ("25204", "Order does not exist"),
    Reject.DUPLICATE_CLIENT_ORDER_ID: ("25212", "Duplicate clientOid"),
    Reject.NO_LIQUIDITY: ("25209", "Insufficient market liquidity, please try again later"),
    Reject.NO_LIQUIDITY_FOK: ("25209", "Insufficient market liquidity, please try again later"),
    Reject.NOT_MODIFIED: (
        "25571",
        "The modification price and qty is the same as the original value. Please adjust and try again.",
    ),
    Reject.REDUCE_ONLY: ("25227", "No position available to close"),
    Reject.NO_POSITION: ("25227", "No position available to close"),
    Reject.POSITION_LIMIT: ("25233", "Order quantity cannot exceed the maximum for this level"),
    Reject.POSITION_SIDE: ("25236", "Incorrect position open type"),
    Reject.POSITION_MODE_IN_USE: ("25010", "Unsupported position mode switch"),
    Reject.MARGIN_MODE_IN_USE: ("25107", "There is currently a position, please close the position"),
    Reject.LEVERAGE_INVALID: ("25223", "Exceeds Max. leverage"),
    Reject.UNKNOWN_CONDITIONAL: ("25597", "Strategy does not exist or has already been stopped"),
    Reject.TOO_MANY_CONDITIONALS: (
        "25599",
        "Maximum number of active TP/SL orders for this symbol is 200; cannot add more",
    ),
    Reject.WOULD_TRIGGER: (
        "25224",
        "Take-profit or stop-loss triggered warning, please proceed with cancellation",
    ),
}


def refused(texts: Texts, reject: Reject) -> ApiError:
    """Translate an engine's "no" that needs no figures."""
    return ApiError(*texts[reject])


def rejected(texts: Texts, reject: Reject, new: NewOrder, instrument: LabInstrument) -> ApiError:
    """Translate an engine's "no" to an order, with the figures of the order and its instrument in the text."""
    code, text = texts[_cause(reject, new, instrument)]
    figures = {
        "symbol": new.symbol,
        "px": _plain(new.px),
        "qty": _plain(new.qty),
        "px_places": places(instrument.px_tick),
        "qty_places": places(instrument.qty_step),
        "px_tick": _plain(instrument.px_tick),
        "qty_min": _plain(instrument.qty_min),
        "qty_max": _plain(instrument.qty_max),
        "notional_min": _plain(instrument.notional_min),
        "quote": instrument.quote,
    }
    return ApiError(code, text.format_map(figures))


def _plain(value: object) -> str:
    return "" if value is None else decimal_text(value)  # type: ignore[arg-type]


def _cause(reject: Reject, new: NewOrder, instrument: LabInstrument) -> str:
    """Say more exactly which bound of a filter was overstepped."""
    if reject == Reject.PRICE_FILTER:
        return "PRICE_SCALE" if new.px is not None and new.px > ZERO else "PRICE_RANGE"
    if reject == Reject.PERCENT_PRICE:
        return "PRICE_HIGH" if new.side == BUY else "PRICE_LOW"
    if reject in (Reject.LOT_SIZE, Reject.MARKET_LOT_SIZE):
        if new.qty is None or new.qty < instrument.qty_min:
            return "SIZE_SCALE" if new.qty and new.qty % instrument.qty_step else "SIZE_MIN"
        return "SIZE_SCALE" if new.qty % instrument.qty_step else "SIZE_MAX"
    return reject
