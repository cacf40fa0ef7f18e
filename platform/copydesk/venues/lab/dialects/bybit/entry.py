"""Reading new orders: what `order/create` asks for, as an engine's order or conditional order.

Source: v5 documentation, "Place Order". Differences from production: a market order by quote amount ignores
`slippageTolerance`, and a spot TP/SL order occupies its assets only when it triggers.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from copydesk.venues.lab.conditional import PLAN, NewConditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.attached import attached_of
from copydesk.venues.lab.dialects.bybit.params import decimal_from, flag_of, integer_of, link_of, text_of
from copydesk.venues.lab.dialects.bybit.tags import Tag, px_places_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.memo import remembered
from copydesk.venues.lab.model import (
    BUY,
    FOK,
    GTC,
    INDEX,
    IOC,
    LAST,
    LIMIT,
    LIMIT_MAKER,
    LONG,
    MARK,
    MARKET,
    NET,
    PERP,
    SELL,
    SHORT,
    SPOT,
    LabInstrument,
    NewOrder,
)

SIDES = {"Buy": BUY, "Sell": SELL}
TYPES = {"Market": MARKET, "Limit": LIMIT}
TIMES = {"": GTC, "GTC": GTC, "IOC": IOC, "FOK": FOK, "PostOnly": GTC}
POSITION_SIDES = {0: NET, 1: LONG, 2: SHORT}
WATCHES = {"": LAST, "LastPrice": LAST, "MarkPrice": MARK, "IndexPrice": INDEX}
TRIGGER_FILTERS = {"tpslOrder": "tpslOrder", "StopOrder": "Stop", "": "Stop", "Order": "Stop"}
# How far from the last price a perpetual's market order may trade (`priceLimitRatioX`); it is shown as its price.
PX_LIMIT_RATIO = Decimal("0.01")
_HUNDRED = Decimal(100)
_TERMS = (
    "side",
    "orderType",
    "qty",
    "price",
    "timeInForce",
    "marketUnit",
    "positionIdx",
    "reduceOnly",
    "closeOnTrigger",
    "isLeverage",
)


class Terms(NamedTuple):
    """What many accounts ask for in the same words; `unit` and `closes` are for the order's tag."""

    side: str
    type: str
    qty: Decimal | None
    quote_qty: Decimal | None
    px: Decimal | None
    tif: str
    position_side: str = NET
    reduce_only: bool = False
    close_position: bool = False
    unit: str = ""
    closes: str = ""


@remembered
def _terms_of(market: str, *values: Any) -> Terms:
    params = dict(zip(_TERMS, values, strict=True))
    texts = [text_of(params, name) for name in ("side", "orderType", "qty", "price", "timeInForce", "marketUnit")]
    terms = _traded(market, *texts)
    if market == PERP:
        return _on_position(terms, params)
    if flag_of(params, "isLeverage"):
        raise errors.ApiError(170036, "You haven't enabled Cross Margin Trading yet.")
    if terms.type != MARKET:
        return terms
    return terms._replace(unit=texts[-1] or ("quoteCoin" if terms.side == BUY else "baseCoin"))


def _traded(market: str, side: str, kind: str, qty: str, price: str, tif: str, unit: str) -> Terms:
    spot = market == SPOT
    if side not in SIDES:
        raise errors.ApiError(170117, "Invalid side.") if spot else errors.bad_params("side invalid")
    if kind not in TYPES:
        raise errors.ApiError(170116, "Invalid orderType.") if spot else errors.bad_params("orderType invalid")
    if tif not in TIMES and kind == "Limit":
        raise errors.ApiError(170115, "Invalid timeInForce.") if spot else errors.bad_params("timeInForce invalid")
    amount = decimal_from("qty", qty) if qty else None
    if amount is None or amount < 0:
        raise errors.request_error("Qty invalid")
    if kind == "Market":
        by_cost = spot and (unit == "quoteCoin" or (not unit and side == "Buy"))
        return Terms(SIDES[side], MARKET, None if by_cost else amount, amount if by_cost else None, None, GTC)
    if not price:
        raise (
            errors.ApiError(170130, "Data sent for paramter 'price' is not valid.")
            if spot
            else errors.bad_params("price invalid")
        )
    order_type = LIMIT_MAKER if tif == "PostOnly" else LIMIT
    return Terms(SIDES[side], order_type, amount, None, decimal_from("price", price), TIMES[tif])


def _on_position(terms: Terms, params: Mapping[str, Any]) -> Terms:
    """Add which position of a perpetual is meant, and whether the order only closes."""
    side = POSITION_SIDES.get(integer_of(params, "positionIdx") or 0)
    if side is None:
        raise errors.bad_params("positionIdx invalid")
    reduces, closes = flag_of(params, "reduceOnly"), flag_of(params, "closeOnTrigger")
    whole = terms.qty == 0 and reduces and closes
    if terms.qty == 0 and not whole:
        raise errors.request_error("Qty invalid")
    return terms._replace(
        qty=None if whole else terms.qty,
        position_side=side,
        reduce_only=reduces or closes,
        close_position=whole,
        closes="1" if closes else "",
    )


def read_order(exchange: Exchange, account: str, market: str, params: Mapping[str, Any]) -> NewOrder | NewConditional:
    """Check the parameters of one new order; `params` are those of `order/create` or of one element of a batch."""
    get = params.get
    engine = exchange.spot if market == SPOT else exchange.perp
    instrument = engine.instruments.get(text_of(params, "symbol"))
    if instrument is None:
        raise errors.bad_symbol(market)
    side, kind, qty, quote_qty, px, tif, position_side, reduces, whole, unit, closes = _terms_of(
        market, *map(get, _TERMS)
    )
    link = link_of(params, market) if "orderLinkId" in params else ""
    symbol = instrument.venue_symbol
    last_px = engine.books[symbol].last_px
    shows_px = market == PERP and kind == MARKET
    plain, packed = _tag_of(unit, closes, side, last_px if shows_px else None, instrument.px_tick)
    tag = plain
    new = NewOrder(
        account,
        link,
        symbol,
        side,
        kind,
        qty,
        quote_qty,
        px,
        tif,
        market,
        position_side,
        reduces,
        close_position=whole,
        tag=packed,
    )
    if get("slippageToleranceType") and kind == MARKET:
        new, tag = _with_tolerance(exchange, new, tag, params, instrument)
    if get("takeProfit") or get("stopLoss"):
        new, tag = attached_of(new, tag, params, last_px)
    if get("triggerPrice"):
        return _conditional(new, tag, params, instrument, last_px)
    return new if tag is plain else new._replace(tag=tag.pack())


@lru_cache(maxsize=1024)
def _tag_of(unit: str, closes: str, side: str, last_px: Decimal | None, tick: Decimal) -> tuple[Tag, str]:
    """Return the tag of an order, and the same packed; `last_px` only where the order shows a protective price."""
    px = "" if last_px is None else _protective_px(side, last_px, tick)
    tag = Tag(market_unit=unit, closes=closes, px=px)
    return tag, tag.pack()


def _protective_px(side: str, last_px: Decimal, tick: Decimal) -> str:
    """Return the worst price of a market order, as Bybit shows it."""
    px = last_px * (1 + PX_LIMIT_RATIO if side == BUY else 1 - PX_LIMIT_RATIO)
    return f"{px // tick * tick:.{px_places_of(tick)}f}"


def _with_tolerance(
    exchange: Exchange, new: NewOrder, tag: Tag, params: Mapping[str, Any], instrument: LabInstrument
) -> tuple[NewOrder, Tag]:
    """Bound a market order by the best price and the slippage that the client accepts."""
    kind, text = text_of(params, "slippageToleranceType"), text_of(params, "slippageTolerance")
    tolerance = decimal_from("slippageTolerance", text) if text else Decimal(0)
    if kind == "TickSize":
        if tolerance % 1 or not 1 <= tolerance <= 10_000:
            raise errors.ApiError(110108, "Allowable range: 1 to 10000 tick size")
    elif kind != "Percent":
        raise errors.bad_params("slippageToleranceType invalid")
    elif not Decimal("0.01") <= tolerance <= 10 or tolerance * 100 % 1:
        raise errors.ApiError(110109, "Allowable range: 0.01% to 10%")
    tag = tag._replace(tolerance_type=kind, tolerance=text)
    if new.qty is None:
        return new, tag
    ticker = exchange.engine(new.market).ticker(new.symbol)
    buys, tick = new.side == BUY, instrument.px_tick
    best = ticker.ask_px if buys else ticker.bid_px
    off = tolerance * tick if kind == "TickSize" else best * tolerance / _HUNDRED
    px = ((best + off if buys else best - off) / tick).to_integral_value(ROUND_FLOOR if buys else ROUND_CEILING) * tick
    shown = f"{px:.{px_places_of(tick)}f}"
    return new._replace(type=LIMIT, tif=IOC, px=px), tag._replace(order_type="Market", px=shown)


def _conditional(
    new: NewOrder, tag: Tag, params: Mapping[str, Any], instrument: LabInstrument, last_px: Decimal
) -> NewConditional:
    trigger_px = decimal_from("triggerPrice", text_of(params, "triggerPrice"))
    watch = WATCHES.get(text_of(params, "triggerBy"))
    if watch is None:
        raise errors.bad_params("triggerBy invalid")
    if new.market == SPOT:
        stop_type = TRIGGER_FILTERS.get(text_of(params, "orderFilter"))
        if stop_type is None:
            raise errors.ApiError(170201, "Invalid orderFilter parameter")
        rises, watch = None, LAST
    else:
        direction = integer_of(params, "triggerDirection")
        if direction not in (1, 2):
            raise errors.bad_params("triggerDirection invalid")
        stop_type, rises = "Stop", direction == 1
    if trigger_px <= 0 or trigger_px % instrument.px_tick:
        raise errors.bad_params("triggerPrice invalid")
    base_px = f"{last_px:.{px_places_of(instrument.px_tick)}f}"
    packed = tag._replace(stop_type=stop_type, base_px=base_px).pack()
    return NewConditional(
        new._replace(tag=packed), PLAN, trigger_px, watch, rises, client_id=new.client_order_id, tag=packed
    )
