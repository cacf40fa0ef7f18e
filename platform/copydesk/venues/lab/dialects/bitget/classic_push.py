"""What the classic streams (v2) push: rows of public channels, and rows of private ones for events of an account.

Source: the reference's WebSocket pages of spot and futures, whose samples the rows follow field by field. Positions
are pushed as the list of all open ones, empty when the last is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.dialects.bitget import trading
from copydesk.venues.lab.dialects.bitget.classic_account import asset_view, wallet_view
from copydesk.venues.lab.dialects.bitget.classic_market import spot_ticker
from copydesk.venues.lab.dialects.bitget.classic_mix_market import mix_ticker
from copydesk.venues.lab.dialects.bitget.classic_mix_plans import mix_plan_view
from copydesk.venues.lab.dialects.bitget.classic_positions import position_view
from copydesk.venues.lab.dialects.bitget.classic_spot import STATUSES as SPOT_STATUSES
from copydesk.venues.lab.dialects.bitget.classic_spot import fill_view as spot_fill
from copydesk.venues.lab.dialects.bitget.classic_spot import size_of
from copydesk.venues.lab.dialects.bitget.classic_spot_plans import spot_plan_view
from copydesk.venues.lab.dialects.bitget.figures import Json, candle_row, taker_side
from copydesk.venues.lab.dialects.bitget.mix_shapes import STATUSES as MIX_STATUSES
from copydesk.venues.lab.dialects.bitget.mix_shapes import fill_view as mix_fill
from copydesk.venues.lab.dialects.bitget.mix_shapes import force_of, position_words
from copydesk.venues.lab.dialects.bitget.words import (
    MARGIN_COIN,
    MARGIN_WORDS,
    average,
    fees,
    number,
    order_id_text,
    trade_id_text,
    zero_or,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import (
    MARKET,
    PERP,
    SPOT,
    AccountEvent,
    BalanceUpdate,
    ConditionalUpdate,
    LabInstrument,
    OrderUpdate,
    PositionUpdate,
    PublicTrade,
)

_PLAN_WORDS = {
    "normal_plan": "pl",
    "profit_plan": "tp",
    "loss_plan": "sl",
    "pos_profit": "ptp",
    "pos_loss": "psl",
    "track_plan": "track",
    "moving_plan": "mtpsl",
}


class Row(NamedTuple):
    """Data for one private channel of a market; `symbol` is "" where the channel is not per instrument."""

    market: str
    channel: str
    symbol: str
    data: list[Json]


def ticker(exchange: Exchange, market: str, i: LabInstrument, now_ms: int) -> list[Json]:
    whole = spot_ticker(exchange, i, now_ms) if market == SPOT else mix_ticker(exchange, i, now_ms)
    row = {"instId": i.venue_symbol, **whole, "open24h": whole.get("open", whole.get("open24h"))}
    for name in ("open", "usdtVolume", "deliveryStartTime", "deliveryTime", "deliveryStatus"):
        row.pop(name, None)
    if market == SPOT:
        del row["symbol"]
        return [row]
    extra = {"nextFundingTime": str(exchange.world.next_funding_ms()), "symbolType": "1", "deliveryPrice": "0"}
    return [row | extra]


def trade(one: PublicTrade) -> Json:
    return {
        "ts": str(one.at_ms),
        "price": number(one.px),
        "size": number(one.qty),
        "side": taker_side(one),
        "tradeId": trade_id_text(one.trade_id),
    }


def candle(one: Candle) -> list[str]:
    row = candle_row(one)
    return [*row, row[-1]]


def book(asks: list[list[str]], bids: list[list[str]], *, checksum: int, seq: int, before: int, now_ms: int) -> Json:
    return {"asks": asks, "bids": bids, "checksum": checksum, "seq": seq, "pseq": before, "ts": str(now_ms)}


def rows(exchange: Exchange, event: AccountEvent) -> Iterator[Row]:
    """Write an event of an account as the private channels tell it."""
    if isinstance(event, OrderUpdate):
        yield from _order_rows(exchange, event)
    elif isinstance(event, BalanceUpdate):
        yield from account_rows(exchange, event.account, event.market, event)
    elif isinstance(event, PositionUpdate):
        yield position_rows(exchange, event.account)
    elif isinstance(event, ConditionalUpdate) and event.conditional.active:
        one = event.conditional
        row = _plan_row(spot_plan_view(one) if one.market == SPOT else mix_plan_view(one, exchange))
        yield Row(one.market, "orders-algo", one.symbol, [row])


def position_rows(exchange: Exchange, account: str) -> Row:
    """Write all open positions of an account."""
    views = exchange.perp.positions(account)
    return Row(PERP, "positions", "", [_position(position_view(exchange, view)) for view in views])


def _position(view: Json) -> Json:
    rename = {"symbol": "instId", "locked": "frozen", "marginRatio": "marginRate"}
    row = {rename.get(name, name): value for name, value in view.items()}
    margin = Decimal(row["marginSize"])
    ratio = (Decimal(row["unrealizedPL"]) / margin).quantize(Decimal("1E-8")) if margin else ZERO
    for name in ("openDelegateSize", "takeProfit", "stopLoss", "takeProfitId", "stopLossId"):
        del row[name]
    return {
        "posId": row["cTime"] + row["instId"],
        **row,
        "leverage": int(row["leverage"]),
        "unrealizedPLR": number(ratio),
    }


def account_rows(exchange: Exchange, account: str, market: str, event: BalanceUpdate | None = None) -> Iterator[Row]:
    """Write the wallet of a market: the coins that the event names, or all that are held."""
    if market == PERP:
        wallet, now = wallet_view(exchange, account), exchange.perp.margin(account)
        yield Row(PERP, "account", "", [_wallet(wallet, now.order_margin)])
        return
    held = exchange.spot.balances(account)
    coins = [coin for coin, *_ in event.balances] if event is not None else [c for c, pair in held.items() if any(pair)]
    now_ms = int(exchange.now_ms()) if event is None else event.at_ms
    yield Row(SPOT, "account", "", [asset_view(coin, *held[coin], now_ms) for coin in coins])


def _wallet(view: Json, frozen: Decimal) -> Json:
    return {
        "marginCoin": MARGIN_COIN,
        "frozen": number(frozen),
        "available": view["available"],
        "maxOpenPosAvailable": view["crossedMaxAvailable"],
        "maxTransferOut": view["maxTransferOut"],
        "equity": view["accountEquity"],
        "usdtEquity": view["usdtEquity"],
        "crossedRiskRate": view["crossedRiskRate"],
        "unrealizedPL": view["unrealizedPL"],
        "unionTotalMargin": "0",
        "unionAvailable": "0",
        "unionMm": "0",
        "assetsMode": "single",
    }


def _plan_row(view: Json) -> Json:
    """Write a plan order as the stream does: other words for instrument, type and status."""
    row = {"instId": view.pop("symbol"), **view, "stpMode": "none"}
    row["planType"] = _PLAN_WORDS.get(view["planType"], view["planType"])
    if "planStatus" in row:
        row["status"] = row.pop("planStatus")
    return {**row, "actualSize": "0", "triggerTime": row["uTime"]}


def _order_rows(exchange: Exchange, event: OrderUpdate) -> Iterator[Row]:
    order = event.order
    row = _spot_order(event) if order.market == SPOT else _mix_order(exchange, event)
    yield Row(order.market, "orders", order.symbol, [row])
    if event.execution is not None:
        if order.market == SPOT:
            fill = spot_fill(event.execution, order)
            fill["feeDetail"] = [{**fill["feeDetail"], "totalDeductionFee": "0"}]
            del fill["userId"]
        else:
            fill = {**mix_fill(event.execution, order), "orderType": row["orderType"], "uTime": str(event.at_ms)}
            del fill["enterPointSource"]
        yield Row(order.market, "fill", order.symbol, [fill])


def _last_fill(event: OrderUpdate) -> Json:
    """Write the fill that an order push carries, if it carries one."""
    fill = event.execution
    if fill is None:
        return {}
    return {
        "fillPrice": number(fill.px),
        "tradeId": trade_id_text(fill.trade_id),
        "baseVolume": number(fill.qty),
        "fillTime": str(fill.at_ms),
        "fillFee": fees(fill.fee),
        "fillFeeCoin": fill.fee_currency,
        "tradeScope": "M" if fill.maker else "T",
    }


def _fee_rows(event: OrderUpdate) -> list[Json]:
    paid = trading.fee_until(event.order, event.cum_qty)
    return [{"feeCoin": event.order.fills[0].fee_currency, "fee": fees(paid)}] if event.cum_qty else []


def _spot_order(event: OrderUpdate) -> Json:
    order = event.order
    return {
        "instId": order.symbol,
        "orderId": order_id_text(SPOT, order.order_id),
        "clientOid": trading.client_oid(order),
        "price": zero_or(order.px),
        "size": size_of(order),
        "newSize": size_of(order),
        "notional": number(order.quote_qty if order.px is None else order.qty * order.px),
        "orderType": "market" if order.type == MARKET else "limit",
        "force": force_of(order),
        "side": order.side,
        **_last_fill(event),
        "accBaseVolume": number(event.cum_qty),
        "priceAvg": average(event.cum_quote, event.cum_qty) or "0",
        "status": SPOT_STATUSES[event.status],
        "cTime": str(order.created_ms),
        "uTime": str(event.at_ms),
        "stpMode": "none",
        "feeDetail": _fee_rows(event),
        "enterPointSource": "API",
    }


def _mix_order(exchange: Exchange, event: OrderUpdate) -> Json:
    order = event.order
    side, trade_side, pos_side, pos_mode = position_words(order, reduces=order.reduce_only)
    fill = event.execution
    return {
        "accBaseVolume": number(event.cum_qty),
        "cTime": str(order.created_ms),
        "clientOid": trading.client_oid(order),
        "feeDetail": _fee_rows(event),
        "fillNotionalUsd": number(event.cum_quote),
        "baseVolume": "0",
        **_last_fill(event),
        "force": force_of(order),
        "instId": order.symbol,
        "leverage": str(exchange.perp.settings(order.account, order.symbol, order.position_side).leverage),
        "marginCoin": MARGIN_COIN,
        "marginMode": MARGIN_WORDS.get(order.margin_mode, "crossed"),
        "notionalUsd": number(order.qty * (order.px or (fill.px if fill is not None else ZERO))),
        "orderId": order_id_text(PERP, order.order_id),
        "orderType": "market" if order.type == MARKET else "limit",
        "pnl": number(ZERO if fill is None else fill.realized),
        "posMode": pos_mode,
        "posSide": pos_side,
        "price": zero_or(order.px),
        "priceAvg": average(event.cum_quote, event.cum_qty) or "0",
        "reduceOnly": "yes" if order.reduce_only else "no",
        "side": side,
        "size": number(order.qty),
        "enterPointSource": "API",
        "status": MIX_STATUSES[event.status],
        "tradeSide": trade_side,
        "uTime": str(event.at_ms),
        "stpMode": "none",
        "presetStopSurplusPrice": "",
        "presetStopLossPrice": "",
        "totalProfits": number(order.realized),
    }
