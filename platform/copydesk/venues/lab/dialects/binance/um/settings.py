"""Binance USDⓈ-M settings: leverage, margin type, position mode, isolated margin, brackets and fees.

Source: developers.binance.com, USDⓈ-M futures, "Trade" and "Account"; weights from the vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.venues.lab.dialects.binance.errors import ApiError, missing
from copydesk.venues.lab.dialects.binance.params import Call, integer_of, required
from copydesk.venues.lab.dialects.binance.routes import Routes, route
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.formats import plain
from copydesk.venues.lab.dialects.binance.um.positions import account_config, notional_max
from copydesk.venues.lab.dialects.binance.um.terms import instrument_of, needed_number, position_side_of, truth_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP, READ
from copydesk.venues.lab.model import CROSS, ISOLATED, LabInstrument, Reject
from copydesk.venues.lab.perp import Change

_MARGIN_TYPES = {"CROSSED": CROSS, "CROSS": CROSS, "ISOLATED": ISOLATED}
_TYPE_NAMES = {CROSS: "CROSSED", ISOLATED: "ISOLATED"}
_DONE = b'{"code":200,"msg":"success"}'
ADD, TAKE = 1, 2
LEVERAGE_LONGEST = 125


def _apply(exchange: Exchange, call: Call, change: Change) -> None:
    """Let everyone know of a change, or tell why there is none."""
    if change.reject is not None:
        raise errors.rejected(change.reject)
    exchange.publish(change.events, call.now_ms)


def _leverage(exchange: Exchange, call: Call) -> bytes:
    symbol, leverage = instrument_of(exchange, call.params).venue_symbol, integer_of(call.params, "leverage")
    if leverage is None:
        raise missing("leverage")
    if not 1 <= leverage <= LEVERAGE_LONGEST:
        raise ApiError(-4028, f"Leverage {leverage} is not valid")
    settings = exchange.perp.settings(call.account, symbol)
    if (
        settings.margin_mode == ISOLATED
        and leverage < settings.leverage
        and exchange.perp.positions(call.account, symbol)
    ):
        raise ApiError(-4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions.")
    change = exchange.perp.set_leverage(call.account, symbol, leverage, call.now_ms)
    if change.reject is Reject.LEVERAGE_INVALID:
        raise ApiError(-4028, f"Leverage {leverage} is not valid")
    if change.reject is Reject.INSUFFICIENT_MARGIN:
        raise ApiError(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
    # Setting what is set already is no error here.
    if change.reject is not Reject.LEVERAGE_UNCHANGED:
        _apply(exchange, call, change)
    largest = plain(notional_max(exchange, symbol, leverage))
    return orjson.dumps({"leverage": leverage, "maxNotionalValue": largest, "symbol": symbol})


def _margin_type(exchange: Exchange, call: Call) -> bytes:
    symbol = instrument_of(exchange, call.params).venue_symbol
    mode = _MARGIN_TYPES.get(required(call.params, "marginType").upper())
    if mode is None:
        raise ApiError(-1130, "Data sent for parameter 'marginType' is not valid.")
    change = exchange.perp.set_margin_mode(call.account, symbol, mode, call.now_ms)
    if change.reject is Reject.MARGIN_MODE_IN_USE:
        if exchange.perp.positions(call.account, symbol):
            raise ApiError(-4048, "Margin type cannot be changed if there exists position.")
        raise ApiError(-4047, "Margin type cannot be changed if there exists open orders.")
    _apply(exchange, call, change)
    return _DONE


def _position_mode(exchange: Exchange, call: Call) -> bytes:
    required(call.params, "dualSidePosition")
    hedge = bool(truth_of(call.params, "dualSidePosition"))
    change = exchange.perp.set_position_mode(call.account, hedge, call.now_ms)
    if change.reject is Reject.POSITION_MODE_IN_USE:
        if exchange.perp.positions(call.account):
            raise ApiError(-4068, "Position side cannot be changed if there exists position.")
        raise ApiError(-4067, "Position side cannot be changed if there exists open orders.")
    _apply(exchange, call, change)
    return _DONE


def _query_position_mode(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps({"dualSidePosition": exchange.perp.hedge(call.account)})


def _assets_mode(_exchange: Exchange, call: Call) -> bytes:
    """There is one asset here, so the multi-assets mode stays off."""
    required(call.params, "multiAssetsMargin")
    if truth_of(call.params, "multiAssetsMargin"):
        raise ApiError(
            -4167, "Unable to adjust to Multi-Assets mode with symbols of USDⓈ-M Futures under isolated-margin mode."
        )
    raise ApiError(-4171, "Adjusted asset mode is currently set and does not need to be adjusted repeatedly.")


def _query_assets_mode(_exchange: Exchange, _call: Call) -> bytes:
    return b'{"multiAssetsMargin":false}'


def _position_margin(exchange: Exchange, call: Call) -> bytes:
    symbol, side = instrument_of(exchange, call.params).venue_symbol, position_side_of(call.params)
    amount, kind = needed_number(call.params, "amount", 8), integer_of(call.params, "type")
    if kind is None:
        raise missing("type")
    if kind not in (ADD, TAKE):
        raise ApiError(-1130, "Data sent for parameter 'type' is not valid.")
    if amount <= 0:
        raise ApiError(-4055, "Amount must be positive.")
    if exchange.perp.settings(call.account, symbol).margin_mode != ISOLATED:
        raise ApiError(-4049, "Add margin only support for isolated position.")
    signed = amount if kind == ADD else -amount
    change = exchange.perp.move_margin(call.account, symbol, side, signed, call.now_ms)
    if change.reject is Reject.INSUFFICIENT_MARGIN:
        if kind == ADD:
            raise ApiError(-4050, "Cross balance insufficient.")
        raise ApiError(-4051, "Isolated balance insufficient.")
    _apply(exchange, call, change)
    told = {"amount": _number(amount), "code": 200, "msg": "Successfully modify position margin.", "type": kind}
    return orjson.dumps(told)


def _number(value: Decimal) -> orjson.Fragment:
    """Write a decimal as a JSON number, digit for digit."""
    return orjson.Fragment(plain(value))


def _brackets(instrument: LabInstrument) -> dict[str, Any]:
    rows = [
        {
            "bracket": place,
            "initialLeverage": bracket.leverage_max,
            "notionalCap": int(bracket.notional_cap),
            "notionalFloor": int(bracket.notional_floor),
            "maintMarginRatio": _number(bracket.maint_ratio),
            "cum": _number(bracket.maint_deduction),
        }
        for place, bracket in enumerate(instrument.brackets, start=1)
    ]
    return {"symbol": instrument.venue_symbol, "notionalCoef": _number(Decimal("1.0")), "brackets": rows}


def _chosen(exchange: Exchange, params: Mapping[str, str]) -> Iterable[LabInstrument]:
    return [instrument_of(exchange, params)] if "symbol" in params else exchange.perp.instruments.values()


def _leverage_brackets(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps([_brackets(instrument) for instrument in _chosen(exchange, call.params)])


def _commission(exchange: Exchange, call: Call) -> bytes:
    listing = exchange.listing
    return orjson.dumps(
        {
            "symbol": instrument_of(exchange, call.params).venue_symbol,
            "makerCommissionRate": f"{listing.perp_maker_fee:.6f}",
            "takerCommissionRate": f"{listing.perp_taker_fee:.6f}",
            "rpiCommissionRate": "0",
        }
    )


def _symbol_config(exchange: Exchange, call: Call) -> bytes:
    rows = []
    for instrument in _chosen(exchange, call.params):
        symbol = instrument.venue_symbol
        settings = exchange.perp.settings(call.account, symbol)
        rows.append(
            {
                "symbol": symbol,
                "marginType": _TYPE_NAMES[settings.margin_mode],
                "isAutoAddMargin": False,
                "leverage": settings.leverage,
                "maxNotionalValue": plain(notional_max(exchange, symbol, settings.leverage)),
            }
        )
    return orjson.dumps(rows)


def _account_config(exchange: Exchange, call: Call) -> bytes:
    return orjson.dumps(account_config(exchange, call))


def _fee_burn(_exchange: Exchange, _call: Call) -> bytes:
    return b'{"feeBurn":false}'


def _order_limits(_exchange: Exchange, call: Call) -> bytes:
    rows = call.placed.rows(call.account, call.now_ms)
    return orjson.dumps([{name: value for name, value in row.items() if name != "count"} for row in rows])


def _adl_quantile(exchange: Exchange, call: Call) -> bytes:
    """Say how near a position is to being reduced for others: never, here."""
    hedge = exchange.perp.hedge(call.account)
    none = {"LONG": 0, "SHORT": 0, "HEDGE": 0} if hedge else {"LONG": 0, "SHORT": 0, "BOTH": 0}
    symbols = dict.fromkeys(view.symbol for view in exchange.perp.positions(call.account))
    return orjson.dumps([{"symbol": symbol, "adlQuantile": none} for symbol in symbols])


ROUTES: Routes = {
    ("POST", "/fapi/v1/leverage"): route(_leverage, needs=PERP),
    ("POST", "/fapi/v1/marginType"): route(_margin_type, needs=PERP),
    ("POST", "/fapi/v1/positionMargin"): route(_position_margin, needs=PERP),
    ("POST", "/fapi/v1/positionSide/dual"): route(_position_mode, needs=PERP),
    ("GET", "/fapi/v1/positionSide/dual"): route(_query_position_mode, weight=30, needs=READ),
    ("POST", "/fapi/v1/multiAssetsMargin"): route(_assets_mode, needs=PERP),
    ("GET", "/fapi/v1/multiAssetsMargin"): route(_query_assets_mode, weight=30, needs=READ),
    ("GET", "/fapi/v1/leverageBracket"): route(_leverage_brackets, needs=READ),
    ("GET", "/fapi/v1/commissionRate"): route(_commission, weight=20, needs=READ),
    ("GET", "/fapi/v1/symbolConfig"): route(_symbol_config, weight=5, needs=READ),
    ("GET", "/fapi/v1/accountConfig"): route(_account_config, weight=5, needs=READ),
    ("GET", "/fapi/v1/feeBurn"): route(_fee_burn, weight=30, needs=READ),
    ("GET", "/fapi/v1/rateLimit/order"): route(_order_limits, needs=READ),
    ("GET", "/fapi/v1/adlQuantile"): route(_adl_quantile, weight=5, needs=READ),
}
