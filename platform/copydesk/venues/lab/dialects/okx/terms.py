"""The words of an order: what is wanted in the engine's terms, and what the wire wants to hear back of it.

Source: okx.com/docs-v5, "Order Book Trading", "POST / Place order". The lab trades spot with its own money
(`tdMode` cash) and linear swaps (cross, isolated); margin loans on spot are not simulated (51010).
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import Catalog, Listed
from copydesk.venues.lab.dialects.okx.params import decimal_in, flag_of, one_of, required, tag_of, text_of
from copydesk.venues.lab.model import (
    BUY,
    FOK,
    GTC,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    MARKET,
    NET,
    SELL,
    SPOT,
    Attached,
)

SIDES = {"buy": BUY, "sell": SELL}
POSITION_SIDES = {"net": NET, "long": "long", "short": "short"}
MODES = {"cash": "cash", "cross": "cross", "isolated": "isolated"}
WATCHES = {"last": "last", "mark": "mark", "index": "index"}
TARGETS = {"base_ccy": "base_ccy", "quote_ccy": "quote_ccy"}
# ordType → the engine's type and time in force.
ORDER_TYPES = {
    "market": (MARKET, GTC),
    "limit": (LIMIT, GTC),
    "post_only": (LIMIT_MAKER, GTC),
    "ioc": (LIMIT, IOC),
    "fok": (LIMIT, FOK),
    "optimal_limit_ioc": (MARKET, GTC),
}
AT_MARKET = "-1"
_NAMES = ("side", "ordType", "sz", "px", "tdMode", "tgtCcy", "posSide", "reduceOnly", "tag")


class Terms(NamedTuple):
    """An order but for whose it is and its client id. `tag` is a `Note` in words."""

    listed: Listed
    side: str
    type: str
    qty: Decimal | None
    quote_qty: Decimal | None
    px: Decimal | None
    tif: str
    position_side: str
    reduce_only: bool
    margin_mode: str
    tag: str


class Note(NamedTuple):
    """What the exchange repeats of an order and the engine does not know; kept with it as opaque text."""

    mode: str = "cross"
    order_type: str = "market"
    target: str = ""
    tag: str = ""
    attached: tuple[dict[str, str], ...] = ()


def write_note(note: Note) -> str:
    return orjson.dumps(list(note)).decode()


@lru_cache(maxsize=16_384)
def note_of(text: str) -> Note:
    """Read a note back; orders that the exchange placed itself (liquidations) have none."""
    return Note(*orjson.loads(text)) if text.startswith("[") else Note()


def terms_of(catalog: Catalog, inst_id: Any, code: Any, *values: Any) -> Terms:
    """Check the words of an order in the exchange's order of complaints; they are cached by what they say."""
    params = dict(zip(_NAMES, values, strict=True))
    listed = catalog.ordered(inst_id, code)
    mode, side = one_of(params, "tdMode", MODES), one_of(params, "side", SIDES)
    order_type = required(params, "ordType")
    if order_type not in ORDER_TYPES:
        raise errors.bad_parameter("ordType")
    _refuse_mode(listed, mode, order_type)
    kind, tif = ORDER_TYPES[order_type]
    amount = decimal_in("sz", required(params, "sz"))
    px = None if kind == MARKET else decimal_in("px", required(params, "px"))
    target = _target(params, listed, side, kind)
    position_side = one_of(params, "posSide", POSITION_SIDES, NET)
    if listed.market == SPOT:
        position_side = NET
    note = write_note(Note(mode, order_type, target, tag_of(params)))
    in_quote = target == "quote_ccy"
    return Terms(
        listed,
        side,
        kind,
        None if in_quote else amount * listed.size,
        amount if in_quote else None,
        px,
        tif,
        position_side,
        # With long and short positions apart, side and position side say it all, and the flag is not read.
        flag_of(params, "reduceOnly") and position_side == NET and listed.market != SPOT,
        "" if mode == "cash" else mode,
        note,
    )


def _refuse_mode(listed: Listed, mode: str, order_type: str) -> None:
    if listed.market == SPOT and mode != "cash":
        raise errors.unsupported_mode()
    if listed.market != SPOT and mode == "cash":
        raise errors.bad_parameter("tdMode")
    if listed.market == SPOT and order_type == "optimal_limit_ioc":
        raise errors.bad_parameter("ordType")


def _target(params: dict[str, Any], listed: Listed, side: str, kind: str) -> str:
    """Return the unit of a spot market order's quantity: quote currency for buys unless told otherwise."""
    asked = one_of(params, "tgtCcy", TARGETS, "")
    if listed.market != SPOT or kind != MARKET:
        return ""
    return asked or ("quote_ccy" if side == BUY else "base_ccy")


class Attachment(NamedTuple):
    """Take-profit and stop-loss that come with an order, in the engine's terms and as the wire repeats them."""

    take_profit: Attached | None = None
    stop_loss: Attached | None = None
    told: tuple[dict[str, str], ...] = ()


NOTHING_ATTACHED = Attachment()


def attached_of(item: dict[str, Any]) -> Attachment:
    """Read `attachAlgoOrds`: one entry with a take-profit, a stop-loss or both."""
    rows = item.get("attachAlgoOrds")
    if not rows:
        return NOTHING_ATTACHED
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], dict):
        raise errors.bad_parameter("attachAlgoOrds")
    row = rows[0]
    take_profit, stop_loss = _leg(row, "tp"), _leg(row, "sl")
    if take_profit is None and stop_loss is None:
        raise errors.bad_parameter("attachAlgoOrds")
    names = ("attachAlgoClOrdId", "tpOrdKind", *(f"{leg}{part}" for leg in ("tp", "sl") for part in _LEG_PARTS))
    told = {name: text_of(row, name) for name in names}
    for leg in ("tp", "sl"):
        if told[f"{leg}TriggerPx"] and not told[f"{leg}TriggerPxType"]:
            told[f"{leg}TriggerPxType"] = "last"
    return Attachment(take_profit, stop_loss, (told,))


_LEG_PARTS = ("TriggerPx", "TriggerPxType", "OrdPx")


def _leg(row: dict[str, Any], leg: str) -> Attached | None:
    trigger = text_of(row, f"{leg}TriggerPx")
    if not trigger:
        return None
    px = required(row, f"{leg}OrdPx")
    watch = one_of(row, f"{leg}TriggerPxType", WATCHES, "last")
    return Attached(
        decimal_in(f"{leg}TriggerPx", trigger), None if px == AT_MARKET else decimal_in(f"{leg}OrdPx", px), watch
    )
