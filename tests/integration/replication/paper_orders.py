"""A paper exchange on which orders rest: they are placed, amended, canceled, and filled as a test tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.kernel import ZERO, CopydeskError, OutcomeUnknown, VenueRefused, utc_now
from copydesk.trading import Credentials, Fill, OrderRequest, OrderStatus, OrderView, Side, TimeInForce
from copydesk.venues import Amendment, SubmitResult
from paper_exchange import PX, PaperExchange

OPEN = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})


@dataclass
class OrderBookPaper(PaperExchange):
    """Let everything rest that is not immediate; `placed` are resting orders by client order id.

    `on_cancel` runs before a cancellation takes effect. With `cancels_lost` cancellations arrive, and answers do not.
    """

    placed: dict[str, tuple[int, OrderRequest]] = field(default_factory=dict)
    canceled: list[str] = field(default_factory=list)
    amended: list[Amendment] = field(default_factory=list)
    on_cancel: Callable[[str], None] = lambda _: None
    cancels_lost: bool = False
    amends_refused: CopydeskError | None = None
    trades: int = 0

    def _take(self, account_id: int, order: OrderRequest) -> SubmitResult:
        if not order.type.conditional and order.time_in_force is not TimeInForce.GTC:
            return super()._take(account_id, order)
        mood = self.mood.get(account_id, "fill")
        if mood == "lost":
            return OutcomeUnknown("no answer")
        if mood == "refuse":
            return VenueRefused("no", code="insufficient_balance", venue_code="-2010")
        self.arrived.append((account_id, order))
        self.placed[order.client_order_id] = account_id, order
        self.orders[order.client_order_id] = self._view(order, OrderStatus.ACCEPTED)
        return OutcomeUnknown("no answer") if mood == "silent" else self.orders[order.client_order_id]

    def _view(self, order: OrderRequest, status: OrderStatus) -> OrderView:
        at, side = utc_now(), order.side
        venue_id = f"v-{order.client_order_id}"
        return OrderView(order.client_order_id, venue_id, order.symbol, side, status, order.qty, ZERO, None, (), at)

    def resting(self, account_id: int) -> list[OrderRequest]:
        """Return an account's open orders, as amended."""
        mine = [(cid, order) for cid, (account, order) in self.placed.items() if account == account_id]
        return [order for cid, order in mine if self.orders[cid].status in OPEN]

    def fill(self, account_id: int, qty: str | Decimal) -> None:
        """Fill so much of an account's only open order."""
        (order,) = self.resting(account_id)
        view = self.orders[order.client_order_id]
        self.trades += 1
        px = order.px or order.trigger_px or PX
        base = order.symbol.partition("/")[0]
        in_base = order.side is Side.BUY and ":" not in order.symbol
        fee = Decimal(qty) * Decimal("0.001") * (1 if in_base else px)
        fill = Fill(f"t{self.trades}", Decimal(qty), px, fee, base if in_base else "USDT", utc_now())
        cum_qty = view.cum_qty + Decimal(qty)
        status = OrderStatus.FILLED if cum_qty >= order.qty else OrderStatus.PARTIALLY_FILLED
        self.orders[order.client_order_id] = view._replace(
            status=status, cum_qty=cum_qty, avg_px=px, fills=(*view.fills, fill)
        )

    async def query(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        return await super().query(credentials, symbol, client_order_id)

    async def cancel(
        self, credentials: Credentials, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderView | None:
        self.on_cancel(client_order_id)
        view = self.orders.get(client_order_id)
        if view is None or view.status not in OPEN:
            return None
        self.canceled.append(client_order_id)
        self.orders[client_order_id] = view._replace(status=OrderStatus.CANCELED)
        if self.cancels_lost:
            raise OutcomeUnknown("no answer")
        # As exchanges do: the answer tells no fills.
        return view._replace(status=OrderStatus.CANCELED, fills=())

    async def amend(self, credentials: Credentials, change: Amendment) -> OrderView | None:
        if self.amends_refused is not None:
            raise self.amends_refused
        view = self.orders.get(change.client_order_id)
        if view is None or view.status not in OPEN:
            return None
        self.amended.append(change)
        account_id, order = self.placed[change.client_order_id]
        self.placed[change.client_order_id] = account_id, order._replace(qty=change.qty, px=change.px)
        self.orders[change.client_order_id] = view._replace(qty=change.qty)
        return self.orders[change.client_order_id]
