"""Bybit v5 error answers: codes, texts and HTTP statuses.

Almost every error comes with HTTP 200 and says what it is in `retCode`. Codes from the "Error Codes" page of the v5
documentation; the literal texts, where the page only paraphrases them, from answers of production that users have
recorded in public issue trackers (ccxt, pybit, bybit-api). Clients match on codes, people on texts.
"""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import decimal_text
from copydesk.venues.lab.model import SPOT, LabInstrument, NewOrder, Reject


class ApiError(Exception):
    """An error answer. `result` is the JSON of its `result` field."""

    def __init__(self, code: int, msg: str, *, status: int = 200, result: bytes = b"{}") -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status
        self.result = result


def bad_params(what: str) -> ApiError:
    """Name the parameter that is missing or wrong ("side invalid")."""
    return ApiError(10001, f"params error: {what}")


def request_error(msg: str = "Request parameter error.") -> ApiError:
    return ApiError(10001, msg)


def unsigned(stamp: str, key: str, sign: str) -> ApiError:
    return ApiError(
        10001,
        f"empty value: apiTimestamp[{stamp}] apiKey[{key}] apiSignature[{sign}]: openapi sign params error!",
    )


def out_of_window(stamp: str, server_ms: int, window: str) -> ApiError:
    return ApiError(
        10002,
        "invalid request, please check your server timestamp or recv_window param. "
        f"req_timestamp[{stamp}],server_timestamp[{server_ms}],recv_window[{window}]",
    )


def unknown_key() -> ApiError:
    return ApiError(10003, "API key is invalid.")


def bad_signature(origin: str) -> ApiError:
    return ApiError(10004, f"Error sign, please check your signature generation algorithm. origin_string[{origin}]")


def no_permission() -> ApiError:
    return ApiError(10005, "Permission denied, please check your API key permissions.")


def too_many_visits() -> ApiError:
    return ApiError(10006, "Too many visits. Exceeded the API Rate Limit.")


def foreign_ip() -> ApiError:
    return ApiError(10010, "Unmatched IP, please check your API key's bound IP addresses.")


def expired_key() -> ApiError:
    return ApiError(33004, "Your api key has expired.")


def ip_banned() -> ApiError:
    """Refuse an address that has sent more than 600 requests in 5 seconds; ten minutes of rest lift it."""
    return ApiError(10018, "Exceeded the IP Rate Limit.", status=403)


def no_route() -> ApiError:
    return ApiError(10017, "Route not found.", status=404)


def bad_category() -> ApiError:
    return ApiError(10001, "Illegal category")


def bad_symbol(market: str) -> ApiError:
    return ApiError(170121, "Invalid symbol.") if market == SPOT else bad_params("symbol invalid")


def unlisted_symbol() -> ApiError:
    """Refuse a symbol in a market data request."""
    return ApiError(10001, "Not supported symbols")


def no_such_order(market: str, verb: str = "cancel") -> ApiError:
    """`verb` is "cancel" or "replace"."""
    if market == SPOT:
        return ApiError(170213, "Order does not exist.")
    return ApiError(110001, f"order not exists or too late to {verb}")


def duplicate_link(market: str) -> ApiError:
    return (
        ApiError(170141, "Duplicate clientOrderId.")
        if market == SPOT
        else ApiError(110072, "OrderLinkedID is duplicate")
    )


def wrong_direction(rises: bool, trigger_px: Decimal, current_px: Decimal, watch: str) -> ApiError:
    """Refuse a conditional order that would fire at once; prices are told in ten-thousandths."""
    word, sign = ("Rising", "<=") if rises else ("Falling", ">=")
    trigger, current = int(trigger_px * 10_000), int(current_px * 10_000)
    return ApiError(
        110092 if rises else 110093, f"expect {word}, but trigger_price[{trigger}] {sign} current[{current}]??{watch}"
    )


def not_modified() -> ApiError:
    return ApiError(34040, "not modified")


_SPOT_REJECTS: dict[Reject, tuple[int, str]] = {
    Reject.UNKNOWN_SYMBOL: (170121, "Invalid symbol."),
    Reject.UNKNOWN_ACCOUNT: (10007, "User authentication failed."),
    Reject.UNKNOWN_ORDER: (170213, "Order does not exist."),
    Reject.UNKNOWN_CONDITIONAL: (170213, "Order does not exist."),
    Reject.MARKET_HALTED: (170151, "The trading pair is not open yet"),
    Reject.INVALID_PARAMETERS: (170130, "Data sent for parameter '' is not valid."),
    Reject.PRICE_FILTER: (170134, "Order price has too many decimals."),
    Reject.LOT_SIZE: (170137, "Order quantity has too many decimals."),
    Reject.MARKET_LOT_SIZE: (170381, "Order quantity too large."),
    Reject.MIN_NOTIONAL: (170140, "Order value exceeded lower limit."),
    Reject.INSUFFICIENT_BALANCE: (170131, "Insufficient balance."),
    Reject.INSUFFICIENT_MARGIN: (170131, "Insufficient balance."),
    Reject.DUPLICATE_CLIENT_ORDER_ID: (170141, "Duplicate clientOrderId."),
    Reject.WOULD_TAKE: (170218, "The LIMIT-MAKER order is rejected due to invalid price."),
    Reject.NO_LIQUIDITY: (170143, "Cannot be found on order book"),
    Reject.NO_LIQUIDITY_FOK: (170143, "Cannot be found on order book"),
    Reject.NOT_MODIFIED: (10001, "order not modified"),
    Reject.TOO_MANY_CONDITIONALS: (170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
    Reject.WOULD_TRIGGER: (170204, "trigger price cannot be lower than 90% of qty."),
}

_PERP_REJECTS: dict[Reject, tuple[int, str]] = {
    Reject.UNKNOWN_SYMBOL: (10001, "params error: symbol invalid"),
    Reject.UNKNOWN_ACCOUNT: (10007, "User authentication failed."),
    Reject.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Reject.UNKNOWN_CONDITIONAL: (110001, "order not exists or too late to cancel"),
    Reject.MARKET_HALTED: (110066, "Trading is currently not allowed."),
    Reject.INVALID_PARAMETERS: (10001, "Request parameter error."),
    Reject.PRICE_FILTER: (10001, "params error: price invalid"),
    Reject.PERCENT_PRICE: (110003, "Order price is out of permissible range"),
    Reject.LOT_SIZE: (10001, "Qty invalid"),
    Reject.MARKET_LOT_SIZE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reject.MIN_NOTIONAL: (110094, "Order does not meet minimum order value 5USDT"),
    Reject.INSUFFICIENT_BALANCE: (110007, "ab not enough for new order"),
    Reject.INSUFFICIENT_MARGIN: (110007, "ab not enough for new order"),
    Reject.DUPLICATE_CLIENT_ORDER_ID: (110072, "OrderLinkedID is duplicate"),
    Reject.NO_LIQUIDITY: (110118, "Unable to retrieve a price of the market order due to low liquidity"),
    Reject.NO_LIQUIDITY_FOK: (110118, "Unable to retrieve a price of the market order due to low liquidity"),
    Reject.NOT_MODIFIED: (10001, "order not modified"),
    Reject.REDUCE_ONLY: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Reject.NO_POSITION: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Reject.POSITION_LIMIT: (110090, "Order placement failed as your position may exceed the max limit."),
    Reject.POSITION_SIDE: (10001, "position idx not match position mode"),
    Reject.POSITION_MODE_IN_USE: (110024, "You have an existing position, so the position mode cannot be switched."),
    Reject.POSITION_MODE_UNCHANGED: (110025, "Position mode is not modified"),
    Reject.MARGIN_MODE_IN_USE: (3400045, "Set margin mode failed"),
    Reject.MARGIN_MODE_UNCHANGED: (110026, "Cross/isolated margin mode is not modified"),
    Reject.LEVERAGE_INVALID: (10001, "leverage invalid"),
    Reject.LEVERAGE_UNCHANGED: (110043, "leverage not modified"),
    Reject.TOO_MANY_CONDITIONALS: (110009, "The number of stop orders exceeds maximum limit allowed"),
}


def rejected(market: str, reject: Reject) -> ApiError:
    """Translate an engine's "no"."""
    table = _SPOT_REJECTS if market == SPOT else _PERP_REJECTS
    code, msg = table.get(reject, (10001, "Request parameter error."))
    return ApiError(code, msg)


def order_rejected(reject: Reject, new: NewOrder, instrument: LabInstrument, reference_px: Decimal) -> ApiError:
    """Translate why an order was refused; what is wrong with its quantity or price is told apart as Bybit does."""
    if reject in (Reject.LOT_SIZE, Reject.MARKET_LOT_SIZE) and new.qty is not None:
        return _bad_qty(new.market, new.qty, instrument)
    if reject is Reject.PERCENT_PRICE and new.market == SPOT:
        assert new.px is not None
        high = new.px > reference_px
        return (
            ApiError(170132, "Order price too high.")
            if high
            else ApiError(170133, "Order price lower than the minimum.")
        )
    return rejected(new.market, reject)


def _bad_qty(market: str, qty: Decimal, instrument: LabInstrument) -> ApiError:
    if market == SPOT:
        if qty > instrument.qty_max:
            return ApiError(170381, "Order quantity too large.")
        if qty % instrument.qty_step:
            return ApiError(170137, "Order quantity has too many decimals.")
        return ApiError(170136, "Order quantity lower than the minimum.")
    if qty > instrument.qty_max:
        asked, most = decimal_text(qty * 10**8), decimal_text(instrument.qty_max * 10**8)
        text = f"The number of contracts exceeds maximum limit allowed: too large, order_qty:{asked} > max_qty:{most}"
        return ApiError(10001, text)
    if qty < instrument.qty_min:
        return ApiError(10001, "The number of contracts exceeds minimum limit allowed")
    return ApiError(10001, "Qty invalid")
