"""Take-profit and stop-loss given with an order, and the texts under which the order shows them.

In Full mode they become the position's own once the order fills (see shields.py); in Partial mode, and on spot, they
wait with the order and close what it has filled. Source: v5 documentation, "Place Order", "Set Trading Stop".
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.params import decimal_of, text_of
from copydesk.venues.lab.dialects.bybit.tags import Tag
from copydesk.venues.lab.model import BUY, INDEX, LAST, MARK, PERP, Attached, NewOrder

BY = {LAST: "LastPrice", MARK: "MarkPrice", INDEX: "IndexPrice"}
WATCHES = {text: watch for watch, text in BY.items()}
FULL, PARTIAL = "Full", "Partial"


def watch_of(params: Mapping[str, Any], name: str) -> str:
    """Read which price fires it; the last one if nothing is said."""
    watch = WATCHES.get(text_of(params, name) or "LastPrice")
    if watch is None:
        raise errors.bad_params(f"{name} invalid")
    return watch


def one_of(params: Mapping[str, Any], short: str, long: str) -> Attached | None:
    """Read "tp" or "sl"; None when it was not sent or is "0"."""
    trigger_px = decimal_of(params, long)
    if not trigger_px:
        return None
    limited = text_of(params, f"{short}OrderType") == "Limit"
    px = decimal_of(params, f"{short}LimitPrice") if limited else None
    if limited and px is None:
        raise errors.bad_params(f"{short}LimitPrice invalid")
    return Attached(trigger_px, px, watch_of(params, f"{short}TriggerBy"))


def mode_of(params: Mapping[str, Any]) -> str:
    """Read `tpslMode`; limit prices need Partial."""
    mode = text_of(params, "tpslMode") or FULL
    if mode not in (FULL, PARTIAL):
        raise errors.bad_params("tpslMode invalid")
    limited = "Limit" in (text_of(params, "tpOrderType"), text_of(params, "slOrderType"))
    if limited and mode == FULL:
        raise errors.bad_params("tpslMode invalid")
    return mode


def attached_of(new: NewOrder, tag: Tag, params: Mapping[str, Any], last_px: Decimal) -> tuple[NewOrder, Tag]:
    """Add take-profit and stop-loss to an order and to what it shows."""
    take_profit, stop_loss = one_of(params, "tp", "takeProfit"), one_of(params, "sl", "stopLoss")
    if take_profit is None and stop_loss is None:
        return new, tag
    if new.reduce_only:
        raise errors.request_error("reduceOnly order can not set takeProfit or stopLoss")
    mode = mode_of(params) if new.market == PERP else ""
    check_sides(new.side == BUY, take_profit, stop_loss, new.px or last_px)
    if mode != FULL:
        new = new._replace(take_profit=take_profit, stop_loss=stop_loss)
    return new, shown(tag._replace(tpsl_mode=mode), params, take_profit, stop_loss)


def shown(tag: Tag, params: Mapping[str, Any], take_profit: Attached | None, stop_loss: Attached | None) -> Tag:
    """Note the texts under which an order shows its take-profit and stop-loss."""
    if take_profit is not None:
        tag = tag._replace(
            take_profit=text_of(params, "takeProfit"),
            tp_by=BY[take_profit.watch],
            tp_limit="" if take_profit.px is None else text_of(params, "tpLimitPrice"),
        )
    if stop_loss is not None:
        tag = tag._replace(
            stop_loss=text_of(params, "stopLoss"),
            sl_by=BY[stop_loss.watch],
            sl_limit="" if stop_loss.px is None else text_of(params, "slLimitPrice"),
        )
    return tag


def check_sides(long: bool, take_profit: Attached | None, stop_loss: Attached | None, base_px: Decimal) -> None:
    """Refuse a take-profit or stop-loss on the wrong side of the price. Prices are told in ten-thousandths."""
    side = "Buy" if long else "Sell"
    if take_profit is not None and (take_profit.trigger_px <= base_px if long else take_profit.trigger_px >= base_px):
        raise _wrong("TakeProfit", take_profit, side, "higher" if long else "lower", base_px)
    if stop_loss is not None and (stop_loss.trigger_px >= base_px if long else stop_loss.trigger_px <= base_px):
        raise _wrong("StopLoss", stop_loss, side, "lower" if long else "higher", base_px)


def _wrong(name: str, one: Attached, side: str, word: str, base_px: Decimal) -> errors.ApiError:
    asked, base = int(one.trigger_px * 10_000), int(base_px * 10_000)
    text = f"{name}:{asked} set for {side} position should {word} than base_price:{base}??{BY[one.watch]}"
    return errors.ApiError(10001, text)
