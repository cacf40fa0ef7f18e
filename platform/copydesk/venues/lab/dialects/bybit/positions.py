"""Bybit positions: how they look on the wire, and the endpoints that list them and change their settings.

Leverage is a whole number here. Margin mode belongs to the account ("Set Margin Mode"), so there is no
`switch-isolated`. Source: v5 documentation, "Get Position Info", "Set Leverage", "Switch Position Mode",
"Add Or Reduce Margin".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.conditional import STOP, TAKE_PROFIT, TRAILING, Conditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.attached import FULL
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.listing import page_of
from copydesk.venues.lab.dialects.bybit.params import (
    EMPTY_CATEGORIES,
    LINEAR,
    Call,
    decimal_of,
    integer_of,
    limit_of,
    required,
    text_of,
)
from copydesk.venues.lab.dialects.bybit.routes import ANY, Route, Routes, instrument_at, instrument_of
from copydesk.venues.lab.dialects.bybit.tags import tag_of
from copydesk.venues.lab.dialects.bybit.views import POSITION_IDX, px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.keys import PERP as PERP_RIGHT
from copydesk.venues.lab.model import ISOLATED, LONG, NET, PERP, SHORT, LabInstrument, PositionView, Reject

SIDE_OF_IDX = {idx: side for side, idx in POSITION_IDX.items()}
Shields = Mapping[tuple[str, str], Mapping[str, str]]


def shields_of(exchange: Exchange, account: str) -> Shields:
    """Return by symbol and position side what protects whole positions: their prices, as the position shows them."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for one in exchange.perp.conditionals(account):
        name = shield_name(one)
        if name:
            instrument = instrument_at(exchange, PERP, one.symbol)
            px = one.trigger_px if one.callback_px is None else one.callback_px
            found.setdefault((one.symbol, one.new.position_side), {})[name] = px_text(px, instrument)
    return found


def shield_name(one: Conditional) -> str:
    """Name the position's field that a conditional order stands behind; "" for none."""
    if not one.active or tag_of(one.tag).tpsl_mode != FULL:
        return ""
    return {TAKE_PROFIT: "takeProfit", STOP: "stopLoss", TRAILING: "trailingStop"}.get(one.kind, "")


def risk_of(view: PositionView, instrument: LabInstrument) -> tuple[int, Decimal]:
    """Return the risk tier (from 1) of a position and the notional up to which it holds."""
    for place, bracket in enumerate(instrument.brackets, 1):
        if view.notional <= bracket.notional_cap:
            return place, bracket.notional_cap
    return len(instrument.brackets), instrument.brackets[-1].notional_cap


def position_row(view: PositionView, instrument: LabInstrument, shields: Mapping[str, str], seq: int) -> dict[str, Any]:
    """Write a position, flat or not."""
    size, risk = abs(view.qty), risk_of(view, instrument)
    initial, maint = _money(view.initial_margin), _money(view.maint_margin)
    return {
        "positionIdx": POSITION_IDX[view.position_side],
        "riskId": risk[0],
        "riskLimitValue": decimal_text(risk[1]),
        "symbol": view.symbol,
        "side": "" if not size else "Buy" if view.qty > 0 else "Sell",
        "size": qty_text(size, instrument),
        "avgPrice": decimal_text(round(view.entry_px, 8)) if size else "0",
        "positionValue": _money(abs(view.entry_px * view.qty)),
        "tradeMode": 0,
        "autoAddMargin": 0,
        "positionStatus": "Normal",
        "leverage": str(view.leverage),
        "breakEvenPrice": _break_even(view),
        "markPrice": px_text(view.mark_px, instrument),
        "liqPrice": px_text(view.liquidation_px, instrument) if view.liquidation_px else "",
        "bustPrice": px_text(view.bankruptcy_px, instrument) if view.bankruptcy_px and size else "",
        "positionIM": initial,
        "positionIMByMp": initial,
        "positionMM": maint,
        "positionMMByMp": maint,
        "positionBalance": _money(view.isolated_margin),
        "takeProfit": shields.get("takeProfit", ""),
        "stopLoss": shields.get("stopLoss", ""),
        "trailingStop": shields.get("trailingStop", "0"),
        "tpslMode": FULL,
        "sessionAvgPrice": "",
        "delta": "",
        "gamma": "",
        "vega": "",
        "theta": "",
        "unrealisedPnl": _money(view.unrealized) if size else "",
        "curRealisedPnl": _money(view.realized),
        "cumRealisedPnl": _money(view.realized),
        "adlRankIndicator": 2 if size else 0,
        "createdTime": str(view.created_ms),
        "updatedTime": str(view.updated_ms),
        "openTime": view.created_ms if size else 0,
        "seq": seq or -1,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
    }


def _money(amount: Decimal) -> str:
    return decimal_text(round(amount, 8))


def _break_even(view: PositionView) -> str:
    """Return the price at which closing costs nothing, by the documented formula."""
    size = abs(view.qty)
    if not size:
        return ""
    return _money((view.entry_px * view.qty - view.realized) / (view.qty - size * Decimal("0.00055")))


def rows_of(exchange: Exchange, account: str, symbol: str) -> list[dict[str, Any]]:
    """Return the positions of a symbol in its position mode, also flat ones."""
    sides = (LONG, SHORT) if exchange.perp.hedge(account, symbol) else (NET,)
    views = [exchange.perp.position(account, symbol, side) for side in sides]
    return position_rows(exchange, account, views)


def position_rows(exchange: Exchange, account: str, views: list[PositionView]) -> list[dict[str, Any]]:
    """Write positions with what protects them."""
    shields, perp = shields_of(exchange, account), exchange.perp
    return [
        position_row(
            view,
            instrument_at(exchange, PERP, view.symbol),
            shields.get((view.symbol, view.position_side), {}),
            perp.books[view.symbol].last_trade_id,
        )
        for view in views
    ]


def _list(exchange: Exchange, call: Call) -> bytes:
    category, params = text_of(call.params, "category"), call.params
    if category in EMPTY_CATEGORIES:
        return orjson.dumps({"list": [], "nextPageCursor": "", "category": category})
    _linear_only(call)
    if text_of(params, "symbol"):
        rows = rows_of(exchange, call.account, instrument_of(exchange, call, PERP).venue_symbol)
    else:
        settle, base = text_of(params, "settleCoin"), text_of(params, "baseCoin")
        if not settle and not base:
            raise errors.bad_params("symbol or settleCoin is required")
        instruments = exchange.perp.instruments
        held = [
            view
            for view in exchange.perp.positions(call.account)
            if instruments[view.symbol].settle == (settle or "USDT") and base in ("", instruments[view.symbol].base)
        ]
        rows = position_rows(exchange, call.account, held)
    page, cursor = page_of(params, rows, lambda r: f"{r['symbol']}{r['positionIdx']}", limit_of(params, 20, 200))
    return orjson.dumps({"list": page, "nextPageCursor": cursor, "category": LINEAR})


def _linear_only(call: Call) -> None:
    if text_of(call.params, "category") != LINEAR:
        raise errors.bad_category()


def side_of(exchange: Exchange, call: Call, symbol: str) -> str:
    """Read `positionIdx`; it must fit the position mode of the symbol."""
    side = SIDE_OF_IDX.get(integer_of(call.params, "positionIdx") or 0)
    if side is None or (side == NET) == exchange.perp.hedge(call.account, symbol):
        raise errors.rejected(PERP, Reject.POSITION_SIDE)
    return side


def _leverage(call: Call, name: str) -> int:
    leverage = decimal_of(call.params, name)
    if leverage is None or leverage % 1 or leverage < 1:
        raise errors.rejected(PERP, Reject.LEVERAGE_INVALID)
    return int(leverage)


def _set_leverage(exchange: Exchange, call: Call) -> bytes:
    _linear_only(call)
    instrument, perp, account = instrument_of(exchange, call, PERP), exchange.perp, call.account
    symbol, buy, sell = instrument.venue_symbol, _leverage(call, "buyLeverage"), _leverage(call, "sellLeverage")
    apart = perp.hedge(account, symbol) and perp.settings(account, symbol).margin_mode == ISOLATED
    if buy != sell and not apart:
        raise errors.request_error("buy leverage invalid")
    asked = [(LONG, buy), (SHORT, sell)] if apart else [(NET, buy)]
    refusals = []
    for side, leverage in asked:
        change = perp.set_leverage(account, symbol, leverage, call.now_ms, position_side=side)
        if change.reject is None:
            exchange.publish(change.events, call.now_ms)
        else:
            refusals.append((change.reject, leverage))
    worst = next((r for r in refusals if r[0] is not Reject.LEVERAGE_UNCHANGED), None)
    if worst is not None:
        raise _leverage_refusal(*worst, instrument)
    if len(refusals) == len(asked):
        raise errors.rejected(PERP, Reject.LEVERAGE_UNCHANGED)
    return b"{}"


def _leverage_refusal(reject: Reject, leverage: int, instrument: LabInstrument) -> errors.ApiError:
    if reject in (Reject.LEVERAGE_INVALID, Reject.POSITION_LIMIT):
        most = max(bracket.leverage_max for bracket in instrument.brackets)
        text = f"cannot set leverage [{leverage * 100}] gt maxLeverage [{most * 100}] by risk limit"
        return errors.ApiError(110013, text)
    if reject is Reject.INSUFFICIENT_MARGIN:
        return errors.ApiError(110044, "Available margin is insufficient.")
    return errors.rejected(PERP, reject)


def _switch_mode(exchange: Exchange, call: Call) -> bytes:
    """Switch one symbol, or with `coin` every symbol that has neither positions nor orders."""
    _linear_only(call)
    mode, perp = integer_of(call.params, "mode"), exchange.perp
    if mode not in (0, 3):
        raise errors.bad_params("position_mode invalid")
    if text_of(call.params, "symbol"):
        symbols = [instrument_of(exchange, call, PERP).venue_symbol]
    else:
        coin = required(call.params, "coin")
        symbols = [symbol for symbol, i in perp.instruments.items() if i.settle == coin]
    rejects = set()
    for symbol in symbols:
        change = perp.set_position_mode(call.account, mode == 3, call.now_ms, symbol)
        rejects.add(change.reject)
        exchange.publish(change.events, call.now_ms)
    if None in rejects:
        return b"{}"
    if Reject.POSITION_MODE_IN_USE in rejects and not perp.positions(call.account, symbols[0]):
        raise errors.ApiError(110028, "You have existing open orders, so the position mode cannot be switched.")
    in_use = Reject.POSITION_MODE_IN_USE in rejects
    raise errors.rejected(PERP, Reject.POSITION_MODE_IN_USE if in_use else Reject.POSITION_MODE_UNCHANGED)


def _add_margin(exchange: Exchange, call: Call) -> bytes:
    _linear_only(call)
    instrument = instrument_of(exchange, call, PERP)
    symbol = instrument.venue_symbol
    side, amount = side_of(exchange, call, symbol), decimal_of(call.params, "margin")
    if amount is None or amount != round(amount, 4):
        raise errors.bad_params("margin invalid")
    change = exchange.perp.move_margin(call.account, symbol, side, amount, call.now_ms)
    if change.reject is not None:
        raise _MARGIN_REFUSALS.get(change.reject, _CROSS)
    exchange.publish(change.events, call.now_ms)
    row = position_rows(exchange, call.account, [exchange.perp.position(call.account, symbol, side)])[0]
    return orjson.dumps({"category": LINEAR, **row})


_CROSS = errors.ApiError(110015, "The position is in cross margin mode.")
_MARGIN_REFUSALS = {
    Reject.NO_POSITION: errors.ApiError(110033, "You can't set margin without an open position"),
    Reject.INSUFFICIENT_MARGIN: errors.ApiError(110014, "Insufficient available balance to add additional margin."),
}


def _switch_isolated(_exchange: Exchange, _call: Call) -> bytes:
    raise errors.ApiError(100028, "unified account is forbidden")


ROUTES: Routes = {
    ("GET", "/v5/position/list"): Route(_list, ANY, per_second(50)),
    ("POST", "/v5/position/set-leverage"): Route(_set_leverage, PERP_RIGHT, per_second(10)),
    ("POST", "/v5/position/switch-mode"): Route(_switch_mode, PERP_RIGHT, per_second(10)),
    ("POST", "/v5/position/switch-isolated"): Route(_switch_isolated, PERP_RIGHT, per_second(10)),
    ("POST", "/v5/position/add-margin"): Route(_add_margin, PERP_RIGHT, per_second(10)),
}
