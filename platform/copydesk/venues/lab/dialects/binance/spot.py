"""The lab as Binance Spot: which routes it has, and what they count against."""

from __future__ import annotations

from copydesk.venues.lab.dialects.binance import account, changes, market, order_lists, orders
from copydesk.venues.lab.dialects.binance.front import Front
from copydesk.venues.lab.dialects.binance.meters import SpotOrders
from copydesk.venues.lab.dialects.binance.routes import Routes
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.limits import WeightMeter
from copydesk.venues.lab.model import OrderUpdate

ROUTES: Routes = {**market.ROUTES, **orders.ROUTES, **changes.ROUTES, **account.ROUTES, **order_lists.ROUTES}


class BinanceSpot(Front):
    """Answer Binance Spot calls on one lab; REST and the WebSocket API share everything but the envelope."""

    def __init__(self, exchange: Exchange) -> None:
        self.unfilled = SpotOrders()
        super().__init__(exchange, ROUTES, WeightMeter(market.WEIGHT_MAX), self.unfilled)

    def filled(self, event: OrderUpdate) -> None:
        """Stop counting an order as unfilled at its first execution."""
        execution = event.execution
        if execution is not None and event.order.market == "spot" and event.cum_qty == execution.qty:
            self.unfilled.give_back(event.account, event.at_ms)
