"""OKX error answers: codes, texts and HTTP statuses.

Source: okx.com/docs-v5, "Error Code". Failures of the whole request carry their code on top; failures of one order
stand in its `sCode` and `sMsg`, under code "1" (all failed) or "2" (some failed) and HTTP status 200.
The exchange changes its texts now and then; clients tell failures apart by code.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.filters import PX_RATIO_MAX, PX_RATIO_MIN
from copydesk.venues.lab.model import LabInstrument, NewOrder, Reject

UNAUTHORIZED = 401
BAD_REQUEST = 400
TOO_MANY = 429


class ApiError(Exception):
    """An error answer: of a whole request, or of one order when raised while that order is carried out."""

    def __init__(self, code: str, msg: str, *, status: int = 200) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status

    def body(self) -> dict[str, Any]:
        """Return the envelope; what fails before an endpoint is reached comes without `data`."""
        if self.status in (UNAUTHORIZED, TOO_MANY):
            return {"msg": self.msg, "code": self.code}
        return {"code": self.code, "data": [], "msg": self.msg}


def empty_header(code: str, name: str) -> ApiError:
    return ApiError(code, f'Request header "{name}" cannot be empty.', status=UNAUTHORIZED)


def bad_timestamp() -> ApiError:
    return ApiError("50112", "Invalid OK-ACCESS-TIMESTAMP", status=UNAUTHORIZED)


def expired() -> ApiError:
    return ApiError("50102", "Timestamp request expired", status=UNAUTHORIZED)


def bad_key() -> ApiError:
    return ApiError("50111", "Invalid OK-ACCESS-KEY", status=UNAUTHORIZED)


def unknown_key() -> ApiError:
    return ApiError("50119", "API key doesn't exist", status=UNAUTHORIZED)


def wrong_environment() -> ApiError:
    return ApiError("50101", "APIKey does not match current environment.", status=UNAUTHORIZED)


def wrong_passphrase() -> ApiError:
    return ApiError("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', status=UNAUTHORIZED)


def foreign_ip(ip: str) -> ApiError:
    text = f"Your IP {ip} is not included in your API key's IP whitelist."
    return ApiError("50110", text, status=UNAUTHORIZED)


def bad_signature() -> ApiError:
    return ApiError("50113", "Invalid Sign", status=UNAUTHORIZED)


def no_permission() -> ApiError:
    return ApiError("50120", "This API key doesn't have permission to use this function", status=UNAUTHORIZED)


def not_found() -> ApiError:
    """Refuse a path that is not simulated; how the exchange words this is not documented."""
    return ApiError("404", "Not Found", status=404)


def wrong_method() -> ApiError:
    return ApiError("50115", "Invalid request method", status=405)


def too_often() -> ApiError:
    """Refuse above the limit of one endpoint."""
    return ApiError("50011", "Too Many Requests", status=TOO_MANY)


def too_many_orders() -> ApiError:
    """Refuse an order above what a sub-account may place and amend in two seconds."""
    return ApiError("50061", "You've reached the maximum order rate limit for this account.")


def empty_body() -> ApiError:
    return ApiError("50000", "Body for POST request cannot be empty.", status=BAD_REQUEST)


def bad_json() -> ApiError:
    return ApiError("50002", "JSON syntax error", status=BAD_REQUEST)


def missing(name: str) -> ApiError:
    return ApiError("50014", f"Parameter {name} cannot be empty.", status=BAD_REQUEST)


def bad_parameter(name: str) -> ApiError:
    return ApiError("51000", f"Parameter {name} error", status=BAD_REQUEST)


def unknown_instrument() -> ApiError:
    return ApiError("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")


def either_id(first: str, second: str) -> ApiError:
    return ApiError("50015", f"Either parameter {first} or {second} is required", status=BAD_REQUEST)


def too_many_in_bulk(most: int) -> ApiError:
    return ApiError("51111", f"Maximum {most} orders can be placed in bulk", status=BAD_REQUEST)


def unsupported_mode() -> ApiError:
    return ApiError("51010", "Request unsupported under current account mode")


def cancel_failed() -> ApiError:
    return ApiError("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")


def no_such_order() -> ApiError:
    return ApiError("51603", "Order does not exist")


def no_position() -> ApiError:
    return ApiError("51023", "Position does not exist")


_NO_POSITION = (
    "51169",
    "Order failed because you don't have any positions in this direction for this contract to reduce or close.",
)
REJECTS: dict[Reject, tuple[str, str]] = {
    Reject.UNKNOWN_SYMBOL: ("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."),
    Reject.UNKNOWN_ACCOUNT: ("50008", "User doesn't exist"),
    Reject.UNKNOWN_ORDER: ("51603", "Order does not exist"),
    Reject.MARKET_HALTED: ("51022", "Contract suspended"),
    Reject.INVALID_PARAMETERS: ("51000", "Parameter sz error"),
    Reject.PRICE_FILTER: ("51000", "Parameter px error"),
    Reject.PERCENT_PRICE: ("51006", "Order price is not within the price limit"),
    Reject.LOT_SIZE: ("51121", "Order quantity must be a multiple of the lot size."),
    Reject.INSUFFICIENT_BALANCE: ("51008", "Order failed. Insufficient balance in account"),
    Reject.INSUFFICIENT_MARGIN: ("51008", "Order failed. Insufficient USDT margin in account"),
    Reject.MARKET_LOT_SIZE: ("51202", "The amount for a market order exceeds the maximum amount"),
    Reject.MIN_NOTIONAL: ("51020", "Your order should meet or exceed the minimum order amount."),
    Reject.DUPLICATE_CLIENT_ORDER_ID: ("51016", "Client order ID already exists."),
    Reject.WOULD_TAKE: ("51511", "Modification failed as the order price did not meet the requirement for Post Only"),
    Reject.NO_LIQUIDITY: ("51109", "No ask price available. Cancel all pending close-orders"),
    Reject.NO_LIQUIDITY_FOK: ("51109", "No ask price available. Cancel all pending close-orders"),
    Reject.REDUCE_ONLY: _NO_POSITION,
    Reject.NO_POSITION: _NO_POSITION,
    Reject.POSITION_SIDE: ("51000", "Parameter posSide error"),
    Reject.POSITION_LIMIT: (
        "51004",
        "Order failed. The order amount exceeds the position tier of the current leverage.",
    ),
    Reject.POSITION_MODE_IN_USE: (
        "59000",
        "Setting failed. Cancel any open orders, close positions, and stop trading bots first.",
    ),
    Reject.MARGIN_MODE_IN_USE: ("54031", "Order failed. A position or order under another margin mode exists."),
    Reject.LEVERAGE_INVALID: ("59102", "Leverage exceeds the maximum limit. Please lower the leverage."),
    Reject.WOULD_TRIGGER: ("51280", "SL trigger price cannot be higher than the last price"),
    Reject.UNKNOWN_CONDITIONAL: (
        "51400",
        "Cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reject.TOO_MANY_CONDITIONALS: ("51261", "The number of pending stop orders exceeds the limit"),
    Reject.NOT_MODIFIED: ("51500", "Must enter a price, quantity, or TP/SL"),
}


def rejected(reject: Reject, new: NewOrder, instrument: LabInstrument, last_px: Decimal) -> ApiError:
    """Translate an engine's "no" to an order."""
    if reject is Reject.LOT_SIZE:
        return _lot_size(new, instrument)
    if reject is Reject.PERCENT_PRICE:
        return _price_limit(last_px)
    if reject in (Reject.INSUFFICIENT_BALANCE, Reject.INSUFFICIENT_MARGIN):
        return _too_poor(new, instrument)
    return plainly_rejected(reject)


def plainly_rejected(reject: Reject) -> ApiError:
    """Translate an engine's "no" whose text needs nothing of the order."""
    return ApiError(*REJECTS[reject])


def _lot_size(new: NewOrder, instrument: LabInstrument) -> ApiError:
    qty = new.qty
    if qty is not None and qty > instrument.qty_max:
        return ApiError("51101", "Entered amount exceeds the maximum pending order amount per transaction")
    if qty is not None and qty >= instrument.qty_min:
        return ApiError("51121", "Order quantity must be a multiple of the lot size.")
    return ApiError(*REJECTS[Reject.MIN_NOTIONAL])


def _price_limit(last_px: Decimal) -> ApiError:
    most, least = decimal_text(last_px * PX_RATIO_MAX), decimal_text(last_px * PX_RATIO_MIN)
    text = f"Order price is not within the price limit (max buy price: {most} min sell price: {least})"
    return ApiError("51006", text)


def _too_poor(new: NewOrder, instrument: LabInstrument) -> ApiError:
    if instrument.perpetual:
        return ApiError("51008", f"Order failed. Insufficient {instrument.settle} margin in account")
    asset = instrument.quote if new.side == "buy" else instrument.base
    return ApiError("51008", f"Order failed. Insufficient {asset} balance in account")
