"""What moved an account's money: trades, funding and transfers as bills, and the funding rates that were charged.

Source: okx.com/docs-v5, "GET / Bills details" and "Get funding rate history". Bills of trades go as far back as the
orders that the exchange still knows of; funding and rates since the process began. Balances after a bill (`bal`,
`posBal`) are not kept and stay empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.okx.catalog import order_text
from copydesk.venues.lab.dialects.okx.fill_shapes import SUB_TYPES, bill_id
from copydesk.venues.lab.dialects.okx.order_lists import all_orders, page_of, within
from copydesk.venues.lab.dialects.okx.orders import client_text
from copydesk.venues.lab.dialects.okx.params import Call, integer_of, limit_of, text_of
from copydesk.venues.lab.dialects.okx.public import swap_named
from copydesk.venues.lab.dialects.okx.routes import Routes, private, public
from copydesk.venues.lab.dialects.okx.terms import note_of
from copydesk.venues.lab.model import PERP, Execution, Order

if TYPE_CHECKING:
    from copydesk.venues.lab.dialects.okx.desk import Desk

PLACES = Decimal("1E-8")
TRANSFER, TRADE, FUNDING_FEE = "1", "2", "8"
_MOVED = {"6": "11", "18": "12"}
_EMPTY = dict.fromkeys(
    (
        *("bal", "clOrdId", "execType", "fee", "fillFwdPx", "fillIdxPx", "fillMarkPx", "fillMarkVol", "fillPxUsd"),
        *("fillPxVol", "fillTime", "from", "instId", "instType", "interest", "mgnMode", "notes", "ordId", "pnl"),
        *("posBal", "posBalChg", "px", "tag", "to", "tradeId"),
    ),
    "",
)


def _bill(at_ms: int, kind: str, sub_type: str, asset: str, change: Decimal) -> dict[str, str]:
    return {
        **_EMPTY,
        "balChg": decimal_text(change),
        "ccy": asset,
        "subType": sub_type,
        "sz": decimal_text(change),
        "ts": str(at_ms),
        "type": kind,
    }


def _trade_bills(desk: Desk, account: str) -> Iterator[dict[str, str]]:
    for order in all_orders(desk, account, forgotten=True):
        for fill in order.fills:
            yield _trade_bill(desk, order, fill)


def _trade_bill(desk: Desk, order: Order, fill: Execution) -> dict[str, str]:
    """Write a trade as a bill of the currency in which its fee was paid."""
    listed = desk.catalog.by_id[order.symbol]
    gained = fill.realized
    if order.market != PERP:
        gained = fill.qty if fill.fee_currency == listed.instrument.base else fill.px * fill.qty
    bill = _bill(fill.at_ms, TRADE, SUB_TYPES[order.side, order.position_side], fill.fee_currency, gained - fill.fee)
    return bill | {
        "billId": bill_id(fill, order.market),
        "clOrdId": client_text(order),
        "execType": "M" if fill.maker else "T",
        "fee": decimal_text(-fill.fee),
        "fillTime": str(fill.at_ms),
        "instId": order.symbol,
        "instType": listed.inst_type,
        "mgnMode": note_of(order.tag).mode,
        "ordId": order_text(order.order_id, order.market),
        "pnl": decimal_text(fill.realized),
        "px": decimal_text(fill.px),
        "sz": listed.contracts(fill.qty),
        "tag": note_of(order.tag).tag,
        "tradeId": str(fill.trade_id),
    }


def _transfer_bills(desk: Desk, account: str) -> Iterator[dict[str, str]]:
    for owner, told, at_ms in desk.transfers:
        if owner == account:
            sign = 1 if told["to"] == "18" else -1
            bill = _bill(at_ms, TRANSFER, _MOVED[told["from"]], told["ccy"], Decimal(told["amt"]) * sign)
            yield bill | {"billId": told["transId"], "from": told["from"], "to": told["to"]}


def _funding_bills(desk: Desk, account: str) -> Iterator[dict[str, str]]:
    for paid in desk.exchange.funding_paid.of(account):
        sub_type = "174" if paid.amount > 0 else "173"
        yield _bill(paid.at_ms, FUNDING_FEE, sub_type, "USDT", paid.amount) | {
            "billId": str(paid.number),
            "instId": paid.symbol,
            "instType": "SWAP",
            "mgnMode": paid.margin_mode,
            "px": decimal_text(paid.px),
            "pnl": decimal_text(paid.amount),
        }


def _bills(desk: Desk, call: Call) -> list[dict[str, str]]:
    """List bills, the newest first, narrowed by what they are about."""
    params, account = call.params, call.account
    rows = [*_trade_bills(desk, account), *_transfer_bills(desk, account), *_funding_bills(desk, account)]
    names = ("instType", "instId", "ccy", "mgnMode", "type", "subType")
    wanted = {name: text_of(params, name) for name in names if text_of(params, name)}
    chosen = [
        row
        for row in rows
        if all(row[name] == value for name, value in wanted.items()) and within(params, int(row["ts"]))
    ]
    chosen.sort(key=lambda row: (int(row["ts"]), row["billId"]), reverse=True)
    found: list[dict[str, str]] = page_of(params, [(row["billId"], row) for row in chosen])
    return found


def _rates(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """List the funding rates charged, the newest first; `after` and `before` are times."""
    listed = swap_named(desk, call)
    after, before = integer_of(call.params, "after"), integer_of(call.params, "before")
    return [
        {
            "formulaType": "withRate",
            "fundingRate": decimal_text(one.rate),
            "fundingTime": str(one.at_ms),
            "instId": one.symbol,
            "instType": listed.inst_type,
            "method": "current_period",
            "realizedRate": decimal_text(one.rate),
        }
        for one in reversed(desk.exchange.funding_paid.rates)
        if one.symbol == listed.inst_id
        and (after is None or one.at_ms < after)
        and (before is None or one.at_ms > before)
    ][: limit_of(call.params)]


def _open_interest(desk: Desk, call: Call) -> list[dict[str, str]]:
    """Sum the long positions of everyone on each swap that is asked for."""
    rows = []
    for listed in desk.catalog.chosen(call.params, type_needed=True):
        if listed.market == PERP:
            market = desk.exchange.perp.markets[listed.inst_id]
            longs = sum((leg.qty for leg in market.legs.values() if leg.qty > 0), Decimal(0))
            rows.append(
                {
                    "instId": listed.inst_id,
                    "instType": listed.inst_type,
                    "oi": listed.contracts(longs),
                    "oiCcy": decimal_text(longs),
                    "oiUsd": decimal_text((longs * market.px()).quantize(PLACES)),
                    "ts": str(call.now_ms),
                }
            )
    return rows


ROUTES: Routes = {
    ("GET", "/account/bills"): private(_bills, 10),
    ("GET", "/account/bills-archive"): private(_bills, 5),
    ("GET", "/public/funding-rate-history"): public(_rates, 10, per="instId"),
    ("GET", "/public/open-interest"): public(_open_interest, 20, per="instId"),
}
