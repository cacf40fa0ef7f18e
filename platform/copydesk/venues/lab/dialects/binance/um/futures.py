"""The lab as Binance USDⓈ-M futures: its routes over REST and WebSocket, and what they count against.

2,400 weight a minute per address, 300 orders in ten seconds and 1,200 a minute per account; what fails is charged
like what succeeds (docstrings of the vendor's SDK, recorded `exchangeInfo`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from copydesk.venues.lab.dialects.binance.errors import ApiError
from copydesk.venues.lab.dialects.binance.front import Front
from copydesk.venues.lab.dialects.binance.meters import FuturesOrders
from copydesk.venues.lab.dialects.binance.routes import Routes
from copydesk.venues.lab.dialects.binance.um import algo, batch, errors, market, orders, positions, settings
from copydesk.venues.lab.dialects.binance.um.income import IncomeLog
from copydesk.venues.lab.dialects.binance.um.listen_keys import ListenKeys
from copydesk.venues.lab.dialects.binance.wallet import Transferred
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.limits import Refusal, WeightMeter

ROUTES: Routes = {
    **market.ROUTES,
    **orders.ROUTES,
    **batch.ROUTES,
    **algo.ROUTES,
    **positions.ROUTES,
    **settings.ROUTES,
}
METHODS = {
    "ping": ("GET", "/fapi/v1/ping"),
    "time": ("GET", "/fapi/v1/time"),
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.price": ("GET", "/fapi/v1/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
}


class BinanceFutures(Front):
    """Answer USDⓈ-M calls on one lab. `token` makes the texts of listen keys."""

    refuses_surplus = False
    failure_weight = 0

    def __init__(
        self, exchange: Exchange, token: Callable[[], str], transfers: defaultdict[str, deque[Transferred]]
    ) -> None:
        self.listen_keys = ListenKeys(exchange, token)
        income = IncomeLog(exchange, transfers)
        routes = {**ROUTES, **self.listen_keys.routes, **income.routes}
        super().__init__(exchange, routes, WeightMeter(market.WEIGHT_MAX), FuturesOrders())

    def waits(self, refusal: Refusal, ip: str) -> ApiError:
        return errors.waits(refusal, ip, self.weights.weight_max)

    def unauthorized(self, ip: str) -> ApiError:
        return errors.unauthorized(ip)

    def tick(self) -> None:
        """End listen keys whose time is over."""
        self.listen_keys.tick()
