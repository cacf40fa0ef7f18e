"""The orders that one account has placed on one engine: the open ones and the last finished ones."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import Any

from copydesk.venues.lab.model import OPEN_STATUSES, Order

HISTORY_MAX = 500


class OrderRegistry:
    """Open orders and up to `HISTORY_MAX` finished ones, found by either id."""

    __slots__ = ("_finished", "_unfilled", "by_client_id", "finished_rows", "forgotten", "open", "orders")

    def __init__(self) -> None:
        self.open: dict[int, Order] = {}
        self.orders: dict[int, Order] = {}
        self.by_client_id: dict[tuple[str, str], Order] = {}
        # Snapshot rows of finished orders: they never change, so each is written once.
        self.finished_rows: dict[int, dict[str, Any]] = {}
        self._finished: deque[int] = deque()
        # Ids of finished orders that are found no more; their executions are still told.
        self.forgotten: set[int] = set()
        # Finished orders without a fill that are still told, in the order they finished.
        self._unfilled: dict[int, Order] = {}

    def register(self, order: Order) -> None:
        """Remember an order, as open or finished."""
        self.orders[order.order_id] = order
        self.by_client_id[order.symbol, order.client_order_id] = order
        if order.status in OPEN_STATUSES:
            self.open[order.order_id] = order
        else:
            self._retire(order)

    def add_filled(self, order: Order) -> None:
        """Remember an order that was filled at once."""
        self.orders[order.order_id] = order
        self.by_client_id[order.symbol, order.client_order_id] = order
        finished = self._finished
        finished.append(order.order_id)
        if len(finished) > HISTORY_MAX:
            self._drop_oldest()

    def finish(self, order: Order) -> None:
        """Move an order from open to finished."""
        if self.open.pop(order.order_id, None) is not None:
            self._retire(order)

    def rename(self, order: Order, client_order_id: str) -> None:
        """Give an order another client id."""
        key = order.symbol, order.client_order_id
        if self.by_client_id.get(key) is order:
            del self.by_client_id[key]
        order.client_order_id = client_order_id
        self.by_client_id[order.symbol, client_order_id] = order

    def _retire(self, order: Order) -> None:
        finished = self._finished
        finished.append(order.order_id)
        if not order.fills:
            self._unfilled[order.order_id] = order
        if len(finished) > HISTORY_MAX:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self.orders.pop(self._finished.popleft())
        self.finished_rows.pop(oldest.order_id, None)
        self.forgotten.discard(oldest.order_id)
        self._unfilled.pop(oldest.order_id, None)
        key = oldest.symbol, oldest.client_order_id
        if self.by_client_id.get(key) is oldest:
            del self.by_client_id[key]

    def forget_unfilled(self, before_ms: float) -> None:
        """Tell no more of orders that ended before that time without a fill."""
        old = [order_id for order_id, _ in takewhile(lambda row: row[1].updated_ms < before_ms, self._unfilled.items())]
        for order_id in old:
            del self._unfilled[order_id]
        self.forgotten.update(old)

    def forget_finished(self) -> int:
        """Tell no more of any finished order, and return how many those were; a restart finds them again."""
        before = len(self.forgotten)
        self.forgotten.update(self._finished)
        self._unfilled.clear()
        return len(self.forgotten) - before

    def reorder(self) -> None:
        """Sort what was registered out of order (on restore) by order id."""
        self.orders = dict(sorted(self.orders.items()))
        self.open = dict(sorted(self.open.items()))
        self.by_client_id = {(o.symbol, o.client_order_id): o for o in self.orders.values()}

    def finished(self) -> list[Order]:
        """Return the finished orders kept, in the order they finished."""
        return [self.orders[order_id] for order_id in self._finished]

    def find(self, symbol: str | None, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Find an order by either id; both given must agree. `symbol` None finds by order id on any symbol."""
        if order_id is None:
            if client_order_id is None or symbol is None:
                return None
            named = self.by_client_id.get((symbol, client_order_id))
            return None if named is None or named.order_id in self.forgotten else named
        order = self.orders.get(order_id)
        if order is None or order_id in self.forgotten or symbol not in (None, order.symbol):
            return None
        return order if client_order_id in (None, order.client_order_id) else None
