"""Reading the parameters of USDⓈ-M orders, with the exchange's order of complaints.

Parameters that an endpoint does not know are ignored, other than on spot: production accepts orders with ccxt's
`stopLoss` (ccxt issue 20885) or with `leverage` (python-binance issue 947).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from copydesk.venues.lab.dialects.binance.errors import ApiError, bad_symbol, illegal, missing, not_required
from copydesk.venues.lab.dialects.binance.params import DECIMAL_LEGAL, integer_of, required
from copydesk.venues.lab.dialects.binance.um import errors
from copydesk.venues.lab.dialects.binance.um.formats import FORMATS, Format, places_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import FOK, GTC, GTD, IOC, LIMIT, LIMIT_MAKER, MARKET, LabInstrument, NewOrder

SIDES = {"BUY": "buy", "SELL": "sell"}
POSITION_SIDES = {"BOTH": "net", "LONG": "long", "SHORT": "short"}
GTX = "GTX"
TIMES = frozenset({GTC, IOC, FOK, GTX, GTD})
CONDITIONAL_TYPES = frozenset({"STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"})
CLIENT_ID_LEGAL = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
CLIENT_ID_LEN_MAX = 36
GOOD_TILL_AHEAD_MS = 600_000
GOOD_TILL_MAX_MS = 253_402_300_799_000
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]+")
_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_TRUTHS = {"true": True, "false": False}


class Terms(NamedTuple):
    """What an order says in the same words for many accounts."""

    side: str
    type: str
    qty: Decimal
    px: Decimal | None
    tif: str
    position_side: str
    reduce_only: bool | None


def instrument_of(exchange: Exchange, params: Mapping[str, str]) -> LabInstrument:
    """Read the mandatory `symbol` and find its contract."""
    instrument = exchange.perp.instruments.get(required(params, "symbol"))
    if instrument is None:
        raise bad_symbol()
    return instrument


def client_id_of(params: Mapping[str, str], name: str) -> str | None:
    """Read a client order id; None when it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if len(text) > CLIENT_ID_LEN_MAX:
        raise ApiError(-4015, "Client order id length should not be more than 36 chars")
    if _CLIENT_ID.fullmatch(text) is None:
        raise illegal(name, CLIENT_ID_LEGAL)
    return text


def truth_of(params: Mapping[str, str], name: str) -> bool | None:
    """Read true or false, in any case; None when it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    value = _TRUTHS.get(text.lower())
    if value is None:
        raise ApiError(-1130, f"Data sent for parameter '{name}' is not valid.")
    return value


def number_of(params: Mapping[str, str], name: str, places_max: int = 20) -> Decimal | None:
    """Read a decimal with at most so many places; None when it was not sent."""
    text = params.get(name)
    if text is None or text == "":
        return None
    if _DECIMAL.fullmatch(text) is None:
        raise illegal(name, DECIMAL_LEGAL)
    value = Decimal(text)
    if places_of(value) > places_max:
        raise errors.precision()
    return value


def needed_number(params: Mapping[str, str], name: str, places_max: int = 20) -> Decimal:
    value = number_of(params, name, places_max)
    if value is None:
        raise missing(name)
    return value


def side_of(params: Mapping[str, str]) -> str:
    side = SIDES.get(required(params, "side"))
    if side is None:
        raise ApiError(-1117, "Invalid side.")
    return side


def position_side_of(params: Mapping[str, str]) -> str:
    position_side = POSITION_SIDES.get(params.get("positionSide", "BOTH"))
    if position_side is None:
        raise ApiError(-4060, "Invalid position side.")
    return position_side


def qty_of(params: Mapping[str, str], form: Format) -> Decimal:
    qty = needed_number(params, "quantity", form.qty_places)
    if qty <= 0:
        raise errors.qty_not_positive()
    return qty


def px_of(params: Mapping[str, str], name: str, form: Format) -> Decimal:
    px = needed_number(params, name, form.px_places)
    if px <= 0:
        raise (
            ApiError(-4001, "Price less than 0.") if name == "price" else ApiError(-4006, "Stop price less than zero.")
        )
    return px


def read_new_order(exchange: Exchange, params: Mapping[str, str], account: str, now_ms: int) -> NewOrder:
    """Check the parameters of a new order and return it."""
    symbol, get = instrument_of(exchange, params).venue_symbol, params.get
    terms = _terms_of(
        symbol,
        get("side"),
        get("type"),
        get("timeInForce"),
        get("quantity"),
        get("price"),
        get("positionSide", "BOTH"),
        get("reduceOnly"),
    )
    if terms.reduce_only is not None and terms.position_side != "net":
        raise not_required("reduceonly")
    return NewOrder(
        account,
        client_id_of(params, "newClientOrderId") or "",
        symbol,
        terms.side,
        terms.type,
        terms.qty,
        None,
        terms.px,
        terms.tif,
        "perp",
        terms.position_side,
        bool(terms.reduce_only),
        good_till_of(params, now_ms) if terms.tif == GTD else None,
    )


def good_till_of(params: Mapping[str, str], now_ms: int) -> int:
    """Read when a GTD order ends, in whole seconds of epoch ms."""
    required(params, "goodTillDate")
    until_ms = integer_of(params, "goodTillDate") or 0
    if not now_ms + GOOD_TILL_AHEAD_MS < until_ms < GOOD_TILL_MAX_MS:
        raise ApiError(
            -5040,
            "The goodTillDate timestamp must be greater than the current time plus 600 seconds and smaller than "
            "253402300799000 (UTC 9999-12-31 23:59:59)",
        )
    return until_ms // 1000 * 1000


_TERMS = ("side", "type", "timeInForce", "quantity", "price", "positionSide", "reduceOnly")


@lru_cache(maxsize=16_384)
def _terms_of(symbol: str, *texts: str | None) -> Terms:
    params = {name: text for name, text in zip(_TERMS, texts, strict=True) if text is not None}
    form = FORMATS[symbol]
    side, kind = side_of(params), required(params, "type")
    if kind in CONDITIONAL_TYPES:
        raise errors.use_algo()
    if kind not in ("LIMIT", "MARKET"):
        raise ApiError(-1116, "Invalid orderType.")
    if kind == "MARKET":
        for name in ("timeInForce", "price"):
            if name in params:
                raise not_required(name)
        qty = qty_of(params, form)
        return Terms(side, MARKET, qty, None, GTC, position_side_of(params), truth_of(params, "reduceOnly"))
    tif = tif_of(params)
    qty, px = qty_of(params, form), px_of(params, "price", form)
    post_only = tif == GTX
    kind, tif = (LIMIT_MAKER, GTC) if post_only else (LIMIT, tif)
    return Terms(side, kind, qty, px, tif, position_side_of(params), truth_of(params, "reduceOnly"))


def tif_of(params: Mapping[str, str]) -> str:
    tif = required(params, "timeInForce")
    if tif not in TIMES:
        raise ApiError(-1115, "Invalid timeInForce.")
    return tif
