"""Binance Spot error answers: codes, literal texts and HTTP statuses.

Source: developers.binance.com, binance-spot-api-docs `errors.md`. Clients match on the texts, so they are literal.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.model import Reject


class ApiError(Exception):
    """An error answer. `data` goes beside code and text; `headers` are whole lines with line ends."""

    def __init__(
        self, code: int, msg: str, *, status: int = 400, data: dict[str, Any] | None = None, headers: bytes = b""
    ) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.data = data
        self.headers = headers

    def body(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return plain if self.data is None else {**plain, "data": self.data}


def unauthorized() -> ApiError:
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def bad_key_format() -> ApiError:
    return ApiError(-2014, "API-key format invalid.", status=401)


def bad_signature() -> ApiError:
    return ApiError(-1022, "Signature for this request is not valid.")


def too_late() -> ApiError:
    return ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def too_early() -> ApiError:
    return ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def missing(name: str) -> ApiError:
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def not_required(name: str) -> ApiError:
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def illegal(name: str, legal: str) -> ApiError:
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def surplus(read: int, sent: int) -> ApiError:
    return ApiError(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def too_precise(name: str) -> ApiError:
    return ApiError(-1111, f"Parameter '{name}' has too much precision.")


def bad_symbol() -> ApiError:
    return ApiError(-1121, "Invalid symbol.")


def filter_failure(name: str) -> ApiError:
    return ApiError(-1013, f"Filter failure: {name}")


def unknown_order() -> ApiError:
    return ApiError(-2011, "Unknown order sent.")


def no_such_order() -> ApiError:
    return ApiError(-2013, "Order does not exist.")


def too_many_orders(limit: str) -> ApiError:
    return ApiError(-1015, f"Too many new orders; current limit is {limit}.", status=429)


def too_much_weight(weight_max: int, retry_after_s: int) -> ApiError:
    return ApiError(
        -1003,
        f"Too much request weight used; current limit is {weight_max} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        status=429,
        headers=b"Retry-After: %d\r\n" % retry_after_s,
    )


def banned(until_ms: int, retry_after_s: int) -> ApiError:
    return ApiError(
        -1003,
        f"Way too much request weight used; IP banned until {until_ms}. "
        "Please use WebSocket Streams for live updates to avoid bans.",
        status=418,
        headers=b"Retry-After: %d\r\n" % retry_after_s,
    )


_REJECTS: dict[Reject, tuple[int, str]] = {
    Reject.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reject.UNKNOWN_ACCOUNT: (-2010, "This action is disabled on this account."),
    Reject.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reject.MARKET_HALTED: (-1013, "Market is closed."),
    Reject.INVALID_PARAMETERS: (-1013, "Invalid quantity."),
    Reject.PRICE_FILTER: (-1013, "Filter failure: PRICE_FILTER"),
    Reject.PERCENT_PRICE: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reject.LOT_SIZE: (-1013, "Filter failure: LOT_SIZE"),
    Reject.MARKET_LOT_SIZE: (-1013, "Filter failure: MARKET_LOT_SIZE"),
    Reject.MIN_NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reject.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Reject.DUPLICATE_CLIENT_ORDER_ID: (-2010, "Duplicate order sent."),
    Reject.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reject.NO_LIQUIDITY: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reject.NO_LIQUIDITY_FOK: (-2010, "Order would not fill immediately."),
    Reject.WOULD_TRIGGER: (-2010, "Stop price would trigger immediately."),
    Reject.TOO_MANY_CONDITIONALS: (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    Reject.UNKNOWN_CONDITIONAL: (-2011, "Unknown order sent."),
    Reject.NOT_MODIFIED: (-2038, "The requested action would change no state; rejecting."),
}


def rejected(reject: Reject) -> ApiError:
    """Translate an engine's "no"."""
    code, msg = _REJECTS[reject]
    return ApiError(code, msg)


_FAILURES: dict[int, tuple[int, str]] = {
    403: (-1000, "Forbidden"),
    408: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    418: (-1003, "Way too much request weight used; IP banned. Please use WebSocket Streams for live updates."),
    429: (-1003, "Too many requests queued."),
    500: (-1001, "Internal error; unable to process your request. Please try again."),
    504: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
}


def failure(status: int) -> bytes:
    """Return the body with which the exchange reports an internal trouble under that HTTP status."""
    code, msg = _FAILURES.get(status, (-1000, "An unknown error occurred while processing the request."))
    return orjson.dumps({"code": code, "msg": msg})
