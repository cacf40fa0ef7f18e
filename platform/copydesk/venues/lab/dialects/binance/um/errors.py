"""Binance USDⓈ-M error answers: codes, literal texts and HTTP statuses.

Source: developers.binance.com, USDⓈ-M futures, "Error Code". The address in -2015 and in the limits' texts is what the
exchange really sends (ccxt issues 7822, node-binance-api issue 414), although its page leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.limits import Refusal
from copydesk.venues.lab.model import Reject


def unauthorized(ip: str) -> ApiError:
    return ApiError(-2015, f"Invalid API-key, IP, or permissions for action, request ip: {ip}", status=401)


def waits(refusal: Refusal, ip: str, weight_max: int) -> ApiError:
    """Return the error that tells an address to wait, or that it is banned."""
    headers = b"Retry-After: %d\r\n" % refusal.retry_after_s
    if refusal.banned:
        text = (
            f"Way too many requests; IP({ip}) banned until {refusal.until_ms}. "
            "Please use the websocket for live updates to avoid bans."
        )
        return ApiError(-1003, text, status=418, headers=headers)
    text = (
        f"Too many requests; current limit of IP({ip}) is {weight_max} requests per minute. "
        "Please use the websocket for live updates to avoid polling the API."
    )
    return ApiError(-1003, text, status=429, headers=headers)


def too_many_funding_calls(ip: str, most: int, retry_after_s: int) -> ApiError:
    text = (
        f"Too many requests; current limit of IP({ip}) is {most} requests per 5 minutes. "
        "Please use the websocket for live updates to avoid polling the API."
    )
    return ApiError(-1003, text, status=429, headers=b"Retry-After: %d\r\n" % retry_after_s)


def precision() -> ApiError:
    return ApiError(-1111, "Precision is over the maximum defined for this asset.")


def qty_not_positive() -> ApiError:
    return ApiError(-4003, "Quantity less than or equal to zero.")


def use_algo() -> ApiError:
    return ApiError(
        -4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
    )


def no_listen_key() -> ApiError:
    return ApiError(
        -1125, "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`"
    )


def below_notional(least: str) -> ApiError:
    return ApiError(-4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only).")


_REJECTS: Mapping[Reject, tuple[int, str]] = {
    Reject.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reject.UNKNOWN_ACCOUNT: (-4109, "Inactive account"),
    Reject.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reject.UNKNOWN_CONDITIONAL: (-2011, "Unknown order sent."),
    Reject.MARKET_HALTED: (-4140, "Invalid symbol status for opening position."),
    Reject.INVALID_PARAMETERS: (-1130, "Invalid data sent for a parameter."),
    Reject.PRICE_FILTER: (-4014, "Price not increased by tick size."),
    Reject.PERCENT_PRICE: (-4016, "Price is higher than mark price multiplier cap."),
    Reject.LOT_SIZE: (-4023, "Qty not increased by step size."),
    Reject.MARKET_LOT_SIZE: (-4005, "Quantity greater than max quantity."),
    Reject.MIN_NOTIONAL: (-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
    Reject.INSUFFICIENT_BALANCE: (-2018, "Balance is insufficient."),
    Reject.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    Reject.DUPLICATE_CLIENT_ORDER_ID: (-4116, "ClientOrderId is duplicated."),
    Reject.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Reject.NO_LIQUIDITY: (-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit."),
    Reject.NO_LIQUIDITY_FOK: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. "
        "The order will not be recorded in the order history",
    ),
    Reject.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reject.NO_POSITION: (-4054, "Cannot add position margin: position is 0."),
    Reject.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reject.POSITION_LIMIT: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Reject.LEVERAGE_INVALID: (-4028, "Leverage is not valid"),
    Reject.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Reject.TOO_MANY_CONDITIONALS: (-4045, "Reach max stop order limit."),
    Reject.NOT_MODIFIED: (-5027, "No need to modify the order."),
    Reject.LEVERAGE_UNCHANGED: (-4028, "Leverage already exist"),
    Reject.MARGIN_MODE_IN_USE: (-4048, "Margin type cannot be changed if there exists position."),
    Reject.POSITION_MODE_IN_USE: (-4068, "Position side cannot be changed if there exists position."),
    Reject.MARGIN_MODE_UNCHANGED: (-4046, "No need to change margin type."),
    Reject.POSITION_MODE_UNCHANGED: (-4059, "No need to change position side."),
}


def rejected(reject: Reject) -> ApiError:
    """Translate an engine's "no"."""
    code, msg = _REJECTS[reject]
    return ApiError(code, msg)
