"""OKX's words for a leader's orders with their terms, plain ones as the stream and lists tell them, and algo orders.

Pure. An order that an algo order placed names it. An algo order with both exits is told as two.
Source: OKX API guide v5: Order channel, Order list, Algo order list, Algo orders channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copydesk.kernel import ZERO
from copydesk.trading import Instrument, OrderType, Side, TimeInForce
from copydesk.venues.client.wire import number
from copydesk.venues.model import OrderFact
from copydesk.venues.okx.orders import CONDITIONAL_STATUS, POSITION_SIDE, SIDE, STATUS, TYPE, placed_order
from copydesk.venues.symbols import base_of

_TIME_IN_FORCE = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
_AT_MARKET = "-1"
_KINDS = {
    ("sl", True): OrderType.STOP_MARKET,
    ("sl", False): OrderType.STOP_LIMIT,
    ("tp", True): OrderType.TAKE_PROFIT_MARKET,
    ("tp", False): OrderType.TAKE_PROFIT_LIMIT,
}
_BOTH = "oco"
_TRIGGERED = "effective"


def order_fact(row: Mapping[str, Any], instrument: Instrument) -> OrderFact | None:
    """Read a plain order; None for a kind that is not known here, or whose size is an amount to spend."""
    kind = TYPE.get(row["ordType"])
    if kind is None or row.get("tgtCcy") == "quote_ccy":
        return None
    return OrderFact(
        venue_order_id=row["ordId"],
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        type=kind,
        qty=base_of(number(row["sz"]), instrument),
        cum_qty=base_of(number(row["accFillSz"] or "0"), instrument),
        status=STATUS[row["state"]],
        at_ms=int(row["uTime"]),
        px=number(row["px"]) if row.get("px") else None,
        reduces=row.get("reduceOnly") == "true",
        position_side=POSITION_SIDE[row["posSide"]],
        time_in_force=_TIME_IN_FORCE.get(row["ordType"], TimeInForce.GTC),
        placed_by=row.get("algoId") or "",
    )


def algo_facts(row: Mapping[str, Any], instrument: Instrument) -> Iterator[OrderFact]:
    """Read an algo order: its stop, its take-profit or both; nothing of a trailing stop.

    One that has triggered is told as the order that it placed. Of a pair that says nothing: its placed order is copied
    by its fills, so its end is left to the list, which is stored with the executions of its time.
    """
    if row["state"] == _TRIGGERED:
        placed = placed_order(row)
        if row["ordType"] != _BOTH and placed:
            for fact in _waiting(row, instrument):
                yield fact._replace(venue_order_id=placed, placed_by=row["algoId"], placed_id="")
        return
    yield from _waiting(row, instrument)


def _waiting(row: Mapping[str, Any], instrument: Instrument) -> Iterator[OrderFact]:
    plain = number(row.get("triggerPx") or "0")
    if plain:
        rises = plain >= number(row.get("last") or "0")
        leg = "sl" if rises is (SIDE[row["side"]] is Side.BUY) else "tp"
        yield _leg(row, instrument, leg, row["triggerPx"], row["ordPx"], "")
    for leg in ("sl", "tp"):
        if row.get(f"{leg}TriggerPx"):
            suffix = f":{leg}" if row["ordType"] == _BOTH else ""
            yield _leg(row, instrument, leg, row[f"{leg}TriggerPx"], row[f"{leg}OrdPx"], suffix)


def _leg(row: Mapping[str, Any], instrument: Instrument, leg: str, trigger_px: str, px: str, suffix: str) -> OrderFact:
    at_market = px in ("", _AT_MARKET)
    closes_all = bool(row.get("closeFraction"))
    return OrderFact(
        venue_order_id=row["algoId"] + suffix,
        symbol=instrument.symbol,
        side=SIDE[row["side"]],
        type=_KINDS[leg, at_market],
        qty=ZERO if closes_all else base_of(number(row["sz"] or "0"), instrument),
        cum_qty=ZERO,
        status=CONDITIONAL_STATUS[row["state"]],
        at_ms=int(row.get("uTime") or row["cTime"]),
        px=None if at_market else number(px),
        trigger_px=number(trigger_px),
        reduces=closes_all or row.get("reduceOnly") == "true",
        position_side=POSITION_SIDE[row["posSide"]],
        closes_all=closes_all,
        placed_id="" if suffix else placed_order(row),
    )
