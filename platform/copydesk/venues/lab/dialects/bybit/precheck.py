"""Bybit's precheck of an order: what it would do to the account's margin, without placing it.

Source: v5 documentation, "Pre Check Order": contracts alone, no conditional orders, no isolated margin. Rates come as
whole ten-thousandths. That a refusal without a documented code is a parameter error is the lab's choice.
"""

from __future__ import annotations

from decimal import Decimal

import orjson

from copydesk.kernel import ZERO
from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.entry import read_order
from copydesk.venues.lab.dialects.bybit.limits import per_second
from copydesk.venues.lab.dialects.bybit.orders import refuse_taken_name, refused
from copydesk.venues.lab.dialects.bybit.params import Call, market_of
from copydesk.venues.lab.dialects.bybit.routes import ORDERS, Route, Routes
from copydesk.venues.lab.dialects.bybit.wallet import margin_mode_of, wallet_view
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, NewOrder

_TEN_THOUSAND = 10_000


def _precheck(exchange: Exchange, call: Call) -> bytes:
    market = market_of(call.params)
    if market != PERP:
        raise errors.bad_category()
    if margin_mode_of(exchange, call.account) == "ISOLATED_MARGIN":
        raise errors.bad_params("Isolated margin mode is not supported")
    new = read_order(exchange, call.account, market, call.params)
    if isinstance(new, NewConditional):
        raise errors.bad_params("Conditional order is not supported")
    refuse_taken_name(exchange, new)
    reject = exchange.perp.check(new)
    if reject is not None:
        raise refused(exchange, new, reject)
    view = wallet_view(exchange, call.account)
    rates = [Decimal(view[name]) for name in ("accountIMRate", "accountMMRate")]
    more = _margin_of(exchange, new) / equity if (equity := Decimal(view["totalEquity"])) > 0 else ZERO
    before, after = [_whole(rate) for rate in rates], [_whole(rates[0] + more), _whole(rates[1])]
    told = dict(zip(("preImrE4", "preMmrE4", "postImrE4", "postMmrE4"), before + after, strict=True))
    return orjson.dumps({"orderId": "", "orderLinkId": new.client_order_id, **told})


def _margin_of(exchange: Exchange, new: NewOrder) -> Decimal:
    """Return what the order would hold: its worth at its price, by the leverage of its contract."""
    settings = exchange.perp.settings(new.account, new.symbol)
    px = new.px if new.px is not None else exchange.perp.books[new.symbol].last_px
    return (new.qty or ZERO) * px / settings.leverage


def _whole(rate: Decimal) -> int:
    return int(rate * _TEN_THOUSAND)


ROUTES: Routes = {("POST", "/v5/order/pre-check"): Route(_precheck, needs=ORDERS, quota=per_second(10))}
