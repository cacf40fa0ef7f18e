"""How positions look on the wire: quantities in contracts, money in the settle currency.

Source: okx.com/docs-v5, "Trading Account", "GET / Positions". `fee` counts the fills that the exchange still knows
of; `fundingFee` is not kept apart from the balance and stays 0.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx.catalog import Listed, number_of
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.model import ISOLATED, NET, PERP, PositionView
from copydesk.venues.lab.perp import MarginView

PLACES = Decimal("1E-10")
# Fields of options, of margin positions on spot and of account modes that the lab does not have.
_EMPTY = dict.fromkeys(
    (
        *("baseBal", "baseBorrowed", "baseInterest", "bizRefId", "bizRefType", "clSpotInUseAmt", "deltaBS", "deltaPA"),
        *("gammaBS", "gammaPA", "hedgedPos", "interest", "liab", "liabCcy", "maxSpotInUseAmt", "nonSettleAvgPx"),
        *("optVal", "pendingCloseOrdLiabVal", "posCcy", "quoteBal", "quoteBorrowed", "quoteInterest", "settledPnl"),
        *("spotInUseAmt", "spotInUseCcy", "thetaBS", "thetaPA", "usdPx", "vegaBS", "vegaPA"),
    ),
    "",
)


def text(value: Decimal) -> str:
    """Write an amount of money or a ratio."""
    return decimal_text(value.quantize(PLACES))


def _fees(desk: Desk, position: PositionView) -> Decimal:
    """Sum the fees of the fills since the position was opened, as far as they are known; negative when paid."""
    fills = desk.exchange.perp.trades(position.account, position.symbol)
    side, since = position.position_side, position.created_ms
    return -sum((fill.fee for fill in fills if fill.at_ms >= since and fill.position_side == side), ZERO)


def margin_ratio(position: PositionView, margin: MarginView) -> str:
    """Return equity over maintenance margin: the account's in cross mode, the position's own in isolated mode."""
    if position.margin_mode == ISOLATED:
        equity, maint = position.isolated_margin + position.unrealized, position.maint_margin
    else:
        equity, maint = margin.equity, margin.maint_margin
    return text(equity / maint) if maint else ""


def position_view(desk: Desk, position: PositionView, margin: MarginView, now_ms: int) -> dict[str, Any]:
    """Write one position; `pos` is signed in net mode and a plain quantity on the long and short sides."""
    listed = desk.catalog.by_id[position.symbol]
    one_way = position.position_side == NET
    prints = desk.exchange.prints(PERP, position.symbol)
    entry = text(position.entry_px) if position.qty else ""
    return {
        **_EMPTY,
        **_money(desk, position, listed),
        **_margin(position, margin),
        "adl": "1",
        "availPos": "" if one_way else listed.contracts(abs(position.qty)),
        "avgPx": entry,
        "bePx": entry,
        "cTime": str(position.created_ms),
        "ccy": listed.instrument.settle,
        "closeOrderAlgo": [],
        "idxPx": text(desk.exchange.world.index(listed.instrument)),
        "instId": position.symbol,
        "instType": listed.inst_type,
        "lever": str(position.leverage),
        "liqPenalty": "0",
        "liqPx": decimal_text(position.liquidation_px) if position.liquidation_px else "",
        "markPx": decimal_text(position.mark_px),
        "mgnMode": position.margin_mode,
        "notionalUsd": text(position.notional),
        "pTime": str(now_ms),
        "pos": listed.contracts(position.qty if one_way else abs(position.qty)),
        "posId": number_of(position.account, position.symbol, position.position_side),
        "posSide": position.position_side,
        "tradeId": str(prints[-1].trade_id) if prints else "",
        "uTime": str(position.updated_ms),
    }


def _margin(position: PositionView, margin: MarginView) -> dict[str, str]:
    isolated = position.margin_mode == ISOLATED
    return {
        "imr": "" if isolated else text(position.initial_margin),
        "margin": text(position.isolated_margin) if isolated else "",
        "mgnRatio": margin_ratio(position, margin) if position.qty else "",
        "mmr": text(position.maint_margin),
    }


def _money(desk: Desk, position: PositionView, listed: Listed) -> dict[str, str]:
    """Write profit: unrealized at the mark and at the last price, realized with its fees."""
    stake = abs(position.entry_px * position.qty) / position.leverage
    last = desk.catalog.last_px(listed)
    at_mark, at_last = position.unrealized, (last - position.entry_px) * position.qty
    fee = _fees(desk, position)
    return {
        "fee": text(fee),
        "fundingFee": "0",
        "last": decimal_text(last),
        "pnl": text(position.realized),
        "realizedPnl": text(position.realized + fee),
        "upl": text(at_mark),
        "uplLastPx": text(at_last),
        "uplRatio": text(at_mark / stake) if stake else "0",
        "uplRatioLastPx": text(at_last / stake) if stake else "0",
    }


def position_rows(desk: Desk, account: str, names: set[str], now_ms: int) -> list[dict[str, Any]]:
    """Write an account's open positions on these instruments."""
    positions = [p for p in desk.exchange.perp.positions(account) if p.symbol in names]
    if not positions:
        return []
    margin = desk.exchange.perp.margin(account)
    return [position_view(desk, position, margin, now_ms) for position in positions]
