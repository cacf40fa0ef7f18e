"""OKX public data over REST: instruments, mark prices, funding, tiers, price limits, time and status.

Source: okx.com/docs-v5, "Public Data" and "Status". `instIdCode` numbers are the lab's own.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.market import PLACES
from copydesk.venues.lab.dialects.okx.params import Call, required, text_of
from copydesk.venues.lab.dialects.okx.routes import Routes, public
from copydesk.venues.lab.filters import PX_RATIO_MAX, PX_RATIO_MIN
from copydesk.venues.lab.model import PERP
from copydesk.venues.lab.world import FUNDING_EVERY_MS, FUNDING_RATE_MAX, INTEREST_RATE

LISTED_MS = "1573557408000"


def _time(_desk: Desk, call: Call) -> list[dict[str, str]]:
    return [{"ts": str(call.now_ms)}]


def instrument_view(desk: Desk, listed: Listed) -> dict[str, Any]:
    """Write one instrument; sizes of swaps are in contracts."""
    instrument, perp = listed.instrument, listed.market == PERP
    halted = desk.exchange.engine(listed.market).books[listed.inst_id].halted
    most = listed.contracts(instrument.qty_max)
    return {
        "alias": "",
        "auctionEndTime": "",
        "baseCcy": "" if perp else instrument.base,
        "category": "1",
        "contTdSwTime": "",
        "ctMult": "1" if perp else "",
        "ctType": "linear" if perp else "",
        "ctVal": decimal_text(listed.size) if perp else "",
        "ctValCcy": instrument.base if perp else "",
        "expTime": "",
        "futureSettlement": False,
        "groupId": "1",
        "instFamily": listed.family if perp else "",
        "instId": listed.inst_id,
        "instIdCode": listed.code,
        "instType": listed.inst_type,
        "lever": str(instrument.brackets[0].leverage_max) if perp else "",
        "listTime": LISTED_MS,
        "lotSz": listed.contracts(instrument.qty_step),
        "maxIcebergSz": most,
        "maxLmtAmt": "20000000",
        "maxLmtSz": most,
        "maxMktAmt": "" if perp else "1000000",
        "maxMktSz": most if perp else "1000000",
        "maxStopSz": most if perp else "1000000",
        "maxTriggerSz": most,
        "maxTwapSz": most,
        "minSz": listed.contracts(instrument.qty_min),
        "openType": "",
        "optType": "",
        "quoteCcy": "" if perp else instrument.quote,
        "ruleType": "normal",
        "settleCcy": instrument.settle,
        "state": "suspend" if halted else "live",
        "stk": "",
        "tickSz": decimal_text(instrument.px_tick),
        "tradeQuoteCcyList": [] if perp else [instrument.quote],
        "uly": listed.family if perp else "",
    }


def instruments(desk: Desk, call: Call) -> list[dict[str, Any]]:
    """List what the parameters choose; types that the lab does not trade have no instruments."""
    return [instrument_view(desk, one) for one in desk.catalog.chosen(call.params, type_needed=True)]


def mark_px(desk: Desk, listed: Listed) -> Decimal:
    return desk.exchange.world.price(desk.exchange.venue, listed.instrument)


def mark_view(desk: Desk, listed: Listed, now_ms: int) -> dict[str, str]:
    px = decimal_text(mark_px(desk, listed))
    return {"instType": listed.inst_type, "instId": listed.inst_id, "markPx": px, "ts": str(now_ms)}


def _marks(desk: Desk, call: Call) -> list[dict[str, str]]:
    """List mark prices; an instrument is enough, though the documentation asks for its type (ccxt sends none)."""
    if not text_of(call.params, "instId") and required(call.params, "instType") == "SPOT":
        raise errors.bad_parameter("instType")
    return [mark_view(desk, one, call.now_ms) for one in desk.catalog.chosen(call.params)]


def funding_view(desk: Desk, listed: Listed, now_ms: int) -> dict[str, str]:
    """Write the running funding period: its rate is settled at its end (`current_period`)."""
    exchange = desk.exchange
    rate, due_ms = exchange.world.funding_rate(exchange.venue, listed.instrument), exchange.world.next_funding_ms()
    speed = exchange.world.market_clock.speed or 1.0
    index = exchange.world.index(listed.instrument)
    return {
        "formulaType": "withRate",
        "fundingRate": decimal_text(rate),
        "fundingTime": str(due_ms),
        "impactValue": "20000",
        "instId": listed.inst_id,
        "instType": listed.inst_type,
        "interestRate": decimal_text(INTEREST_RATE),
        "maxFundingRate": decimal_text(FUNDING_RATE_MAX),
        "method": "current_period",
        "minFundingRate": decimal_text(-FUNDING_RATE_MAX),
        "nextFundingRate": "",
        "nextFundingTime": str(due_ms + int(FUNDING_EVERY_MS / speed)),
        "premium": decimal_text(((mark_px(desk, listed) - index) / index).quantize(PLACES)),
        "settFundingRate": decimal_text(rate),
        "settState": "settled",
        "ts": str(now_ms),
    }


def swap_named(desk: Desk, call: Call) -> Listed:
    """Find the swap that `instId` must name."""
    listed = desk.catalog.named(call.params)
    if listed.market != PERP:
        raise errors.bad_parameter("instId")
    return listed


def _funding(desk: Desk, call: Call) -> list[dict[str, str]]:
    if required(call.params, "instId") == "ANY":
        return [funding_view(desk, one, call.now_ms) for one in desk.catalog.all if one.market == PERP]
    return [funding_view(desk, swap_named(desk, call), call.now_ms)]


def price_limit_view(desk: Desk, listed: Listed, now_ms: int) -> dict[str, Any]:
    """Write how far orders may be off the last price."""
    last = desk.exchange.engine(listed.market).ticker(listed.inst_id).last_px
    return {
        "instType": listed.inst_type,
        "instId": listed.inst_id,
        "buyLmt": decimal_text(last * PX_RATIO_MAX),
        "sellLmt": decimal_text(last * PX_RATIO_MIN),
        "enabled": True,
        "ts": str(now_ms),
    }


def _price_limit(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return [price_limit_view(desk, desk.catalog.named(call.params), call.now_ms)]


def _tiers(desk: Desk, call: Call) -> list[dict[str, str]]:
    """List position tiers; the exchange bounds them in contracts, so the lab converts its own at the index price."""
    if required(call.params, "instType") != "SWAP":
        raise errors.bad_parameter("instType")
    if required(call.params, "tdMode") not in ("cross", "isolated"):
        raise errors.bad_parameter("tdMode")
    families = {name for name in (text_of(call.params, "instFamily") or text_of(call.params, "uly")).split(",") if name}
    if not families:
        raise errors.either_id("uly", "instFamily")
    chosen = [one for one in desk.catalog.all if one.market == PERP and one.family in families]
    if not chosen:
        raise errors.unknown_instrument()
    return [row for one in chosen for row in _tier_rows(desk, one)]


def _tier_rows(desk: Desk, listed: Listed) -> list[dict[str, str]]:
    unit = desk.exchange.world.index(listed.instrument) * listed.size

    def bound(notional: Decimal) -> str:
        return decimal_text((notional / unit).to_integral_value(ROUND_DOWN))

    return [
        {
            "baseMaxLoan": "",
            "imr": decimal_text((Decimal(1) / bracket.leverage_max).quantize(PLACES)),
            "instFamily": listed.family,
            "instId": "",
            "maxLever": str(bracket.leverage_max),
            "maxSz": bound(bracket.notional_cap),
            "minSz": bound(bracket.notional_floor),
            "mmr": decimal_text(bracket.maint_ratio),
            "optMgnFactor": "",
            "quoteMaxLoan": "",
            "tier": str(place),
            "uly": listed.family,
        }
        for place, bracket in enumerate(listed.instrument.brackets, 1)
    ]


def _status(_desk: Desk, _call: Call) -> list[dict[str, str]]:
    """List announced maintenance: the lab announces none."""
    return []


ROUTES: Routes = {
    ("GET", "/public/time"): public(_time, 10),
    ("GET", "/public/instruments"): public(instruments, 20, per="instType"),
    ("GET", "/public/mark-price"): public(_marks, 10),
    ("GET", "/public/funding-rate"): public(_funding, 10, per="instId"),
    ("GET", "/public/price-limit"): public(_price_limit, 20),
    ("GET", "/public/position-tiers"): public(_tiers, 10),
    ("GET", "/system/status"): public(_status, 1, every_ms=5000),
}
