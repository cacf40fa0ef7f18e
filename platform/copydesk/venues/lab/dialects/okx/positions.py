"""OKX endpoints about positions: what is held, leverage, position mode and isolated margin.

Source: okx.com/docs-v5, "Trading Account". Two things are simpler here than there: an instrument has one margin mode
at a time (an order under the other one is refused while a position or order is open), and one leverage for both.
"""

from __future__ import annotations

from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import Call, decimal_of, one_of, required, text_of
from copydesk.venues.lab.dialects.okx.position_shapes import position_rows
from copydesk.venues.lab.dialects.okx.routes import TRADE, Routes, private
from copydesk.venues.lab.dialects.okx.terms import POSITION_SIDES
from copydesk.venues.lab.model import CROSS, ISOLATED, LONG, NET, PERP, SHORT, Reject

MARGIN_MODES = {"cross": CROSS, "isolated": ISOLATED}
POSITION_MODES = {"net_mode": False, "long_short_mode": True}


def _positions(desk: Desk, call: Call) -> list[dict[str, Any]]:
    names = {one.inst_id for one in desk.catalog.chosen(call.params)}
    return position_rows(desk, call.account, names, call.now_ms)


def _swaps(desk: Desk, params: dict[str, Any]) -> list[Listed]:
    """Find the swaps that `instId` names, one or several."""
    required(params, "instId")
    chosen = desk.catalog.chosen({"instId": text_of(params, "instId")})
    if any(one.market != PERP for one in chosen):
        # Leverage on spot belongs to margin loans.
        raise errors.unsupported_mode()
    return chosen


def _leverage_rows(desk: Desk, account: str, listed: Listed, mode: str) -> list[dict[str, str]]:
    """Write the leverage of an instrument: one row, or one for each side of an isolated long and short mode."""
    perp = desk.exchange.perp
    apart = mode == ISOLATED and perp.hedge(account)
    return [
        {
            "ccy": "",
            "instId": listed.inst_id,
            "mgnMode": mode,
            "posSide": side,
            "lever": str(perp.position(account, listed.inst_id, side).leverage),
        }
        for side in ((LONG, SHORT) if apart else (NET,))
    ]


def _leverage_info(desk: Desk, call: Call) -> list[dict[str, str]]:
    mode = one_of(call.params, "mgnMode", MARGIN_MODES)
    return [row for listed in _swaps(desk, call.params) for row in _leverage_rows(desk, call.account, listed, mode)]


def _set_leverage(desk: Desk, call: Call) -> list[dict[str, str]]:
    """Set the leverage of one swap; the value that it has already is no error."""
    params = call.params
    mode, listed = one_of(params, "mgnMode", MARGIN_MODES), _swaps(desk, params)[0]
    asked = decimal_of(params, "lever")
    if asked is None:
        raise errors.missing("lever")
    leverage = int(asked)
    if leverage != asked:
        raise errors.bad_parameter("lever")
    perp, side = desk.exchange.perp, one_of(params, "posSide", POSITION_SIDES, NET)
    apart = mode == ISOLATED and perp.hedge(call.account)
    if (side != NET) != apart and mode == ISOLATED:
        raise errors.bad_parameter("posSide")
    sided = side if apart else NET
    change = perp.set_leverage(call.account, listed.inst_id, leverage, call.now_ms, position_side=sided)
    if change.reject not in (None, Reject.LEVERAGE_UNCHANGED):
        raise _leverage_refusal(change.reject)
    desk.exchange.publish(change.events, call.now_ms)
    return [{"lever": str(leverage), "mgnMode": mode, "instId": listed.inst_id, "posSide": side}]


def _leverage_refusal(reject: Reject) -> errors.ApiError:
    if reject is Reject.INSUFFICIENT_MARGIN:
        return errors.ApiError("59108", "Your account leverage is too low and has insufficient margin.")
    if reject is Reject.POSITION_LIMIT:
        return errors.ApiError("59101", "Leverage can't be modified. Please cancel all pending orders first.")
    return errors.plainly_rejected(reject)


def _set_position_mode(desk: Desk, call: Call) -> list[dict[str, str]]:
    """Switch between net and long/short mode; the mode that holds already is no error."""
    name = required(call.params, "posMode")
    if name not in POSITION_MODES:
        raise errors.bad_parameter("posMode")
    change = desk.exchange.perp.set_position_mode(call.account, POSITION_MODES[name], call.now_ms)
    if change.reject not in (None, Reject.POSITION_MODE_UNCHANGED):
        raise errors.plainly_rejected(change.reject)
    desk.exchange.publish(change.events, call.now_ms)
    return [{"posMode": name}]


def _move_margin(desk: Desk, call: Call) -> list[dict[str, str]]:
    """Add to or take from the margin of an isolated position."""
    params, listed = call.params, desk.catalog.named(call.params)
    side = one_of(params, "posSide", POSITION_SIDES)
    sign = {"add": 1, "reduce": -1}.get(required(params, "type"))
    amount = decimal_of(params, "amt")
    if sign is None:
        raise errors.bad_parameter("type")
    if amount is None:
        raise errors.missing("amt")
    change = desk.exchange.perp.move_margin(call.account, listed.inst_id, side, amount * sign, call.now_ms)
    if change.reject is not None:
        raise _margin_refusal(change.reject)
    desk.exchange.publish(change.events, call.now_ms)
    position = desk.exchange.perp.position(call.account, listed.inst_id, side)
    return [
        {
            "amt": decimal_text(amount),
            "ccy": listed.instrument.settle,
            "instId": listed.inst_id,
            "leverage": str(position.leverage),
            "posSide": side,
            "type": required(params, "type"),
        }
    ]


def _margin_refusal(reject: Reject) -> errors.ApiError:
    if reject is Reject.INSUFFICIENT_MARGIN:
        return errors.ApiError("59301", "Margin adjustment failed for exceeding the max limit.")
    return errors.ApiError("59300", "Margin call failed. Position does not exist.")


def _max_size(desk: Desk, call: Call) -> list[dict[str, str]]:
    return _sizes(desk, call, "maxBuy", "maxSell")


def _max_avail_size(desk: Desk, call: Call) -> list[dict[str, str]]:
    return _sizes(desk, call, "availBuy", "availSell")


def _sizes(desk: Desk, call: Call, buy: str, sell: str) -> list[dict[str, str]]:
    """Say how much could be bought and sold now: contracts, or quote and base currency on spot."""
    mode = required(call.params, "tdMode")
    return [
        {"ccy": one.instrument.settle, "instId": one.inst_id, buy: bought, sell: sold}
        for one in desk.catalog.chosen({"instId": required(call.params, "instId")})
        for bought, sold in [_size_of(desk, call.account, one, mode)]
    ]


def _size_of(desk: Desk, account: str, listed: Listed, mode: str) -> tuple[str, str]:
    exchange, instrument = desk.exchange, listed.instrument
    if listed.market != PERP:
        purse = exchange.spot.account_table[account]
        return decimal_text(purse.available(instrument.quote)), decimal_text(purse.available(instrument.base))
    if mode not in MARGIN_MODES:
        raise errors.bad_parameter("tdMode")
    leverage = exchange.perp.settings(account, listed.inst_id).leverage
    px = exchange.perp.ticker(listed.inst_id).last_px
    qty = exchange.perp.margin(account).available * leverage / px if px else ZERO
    whole = listed.contracts(qty // instrument.qty_step * instrument.qty_step)
    return whole, whole


ROUTES: Routes = {
    ("GET", "/account/positions"): private(_positions, 10),
    ("GET", "/account/leverage-info"): private(_leverage_info, 20),
    ("POST", "/account/set-leverage"): private(_set_leverage, 40, needs=TRADE),
    ("POST", "/account/set-position-mode"): private(_set_position_mode, 5, needs=TRADE),
    ("POST", "/account/position/margin-balance"): private(_move_margin, 20, needs=TRADE),
    ("GET", "/account/max-size"): private(_max_size, 20),
    ("GET", "/account/max-avail-size"): private(_max_avail_size, 20),
}
