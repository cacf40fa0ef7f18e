"""Order lists: orders of one account of which one ends the others. Only the pair "one cancels the other" exists here.

At most one leg rests in the book and locks its own money there; the others are conditionals, which lock nothing
themselves. What the dearest leg needs beyond that, the list keeps locked as `held`, so that both share one lock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.conditional import NewConditional
from copydesk.venues.lab.model import Event, NewOrder, Reject
from copydesk.venues.lab.orders import HISTORY_MAX

EXECUTING = "EXECUTING"
ALL_DONE = "ALL_DONE"


class NewOrderList(NamedTuple):
    """A list as asked for; its legs get ids in this order. A leg that rests at once, if there is one, comes last."""

    account: str
    symbol: str
    client_id: str
    legs: tuple[NewOrder | NewConditional, ...]


class Leg(NamedTuple):
    """One order of a list by its two names, whether it is a conditional still or an order already."""

    order_id: int
    client_id: str


@dataclass(slots=True, eq=False)
class OrderList:
    """An accepted list: EXECUTING until no leg is open any more, then ALL_DONE. `held` is money of `asset`."""

    list_id: int
    account: str
    client_id: str
    symbol: str
    legs: tuple[Leg, ...]
    asset: str
    created_ms: int
    updated_ms: int
    held: Decimal = ZERO
    status: str = EXECUTING

    @property
    def is_open(self) -> bool:
        return self.status == EXECUTING

    def copy(self) -> OrderList:
        return replace(self)


class OrderListResult(NamedTuple):
    """Answer to placing or canceling; exactly one of `order_list` and `reject` is set."""

    order_list: OrderList | None
    reject: Reject | None
    events: list[Event]


class OrderListBook:
    """All lists of one engine: the open ones, and up to `HISTORY_MAX` finished ones per account.

    `last_id` is the id given last.
    """

    def __init__(self) -> None:
        self.last_id = 0
        self.table: dict[int, OrderList] = {}
        self.open: dict[int, OrderList] = {}
        self._finished: dict[str, deque[int]] = {}

    def put(self, one: OrderList) -> None:
        """Take a list in, or put it in the place of what is known of it."""
        self.last_id = max(self.last_id, one.list_id)
        self.table[one.list_id] = one
        if one.is_open:
            self.open[one.list_id] = one
        else:
            self._keep(one)

    def finish(self, one: OrderList) -> None:
        """End a list. Nothing else changes it afterwards."""
        one.status = ALL_DONE
        self._keep(one)

    def _keep(self, one: OrderList) -> None:
        self.open.pop(one.list_id, None)
        finished = self._finished.setdefault(one.account, deque())
        finished.append(one.list_id)
        if len(finished) > HISTORY_MAX:
            del self.table[finished.popleft()]

    def of(self, account: str, *, open_only: bool = False) -> list[OrderList]:
        """Return the account's lists, oldest first."""
        chosen = self.open if open_only else self.table
        return [one for _, one in sorted(chosen.items()) if one.account == account]

    def find(self, account: str, list_id: int | None, client_id: str | None) -> OrderList | None:
        """Find a list of the account by either id, of a client id the newest; both given must agree."""
        if list_id is None:
            return next((one for one in reversed(self.of(account)) if one.client_id == client_id), None)
        one = self.table.get(list_id)
        if one is None or one.account != account:
            return None
        return one if client_id in (None, one.client_id) else None

    def state(self) -> dict[str, Any]:
        """Return everything as JSON-able values; finished lists in the order in which they ended."""
        kept = [list_id for _, ended in sorted(self._finished.items()) for list_id in ended]
        rows = [order_list_row(self.table[list_id]) for list_id in (*kept, *sorted(self.open))]
        return {"last_id": self.last_id, "rows": rows}

    def fill(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned; only for a book not used yet."""
        for row in state["rows"]:
            self.put(order_list_of(row))
        self.last_id = state["last_id"]


def order_list_row(one: OrderList) -> dict[str, Any]:
    """Write a list down, for snapshots and the journal; decimals as text."""
    return {
        "list_id": one.list_id,
        "account": one.account,
        "client_id": one.client_id,
        "symbol": one.symbol,
        "legs": [list(leg) for leg in one.legs],
        "asset": one.asset,
        "created_ms": one.created_ms,
        "updated_ms": one.updated_ms,
        "held": decimal_text(one.held),
        "status": one.status,
    }


def order_list_of(row: Mapping[str, Any]) -> OrderList:
    """Read one back."""
    legs = tuple(Leg(order_id, client_id) for order_id, client_id in row["legs"])
    return OrderList(**{**row, "legs": legs, "held": Decimal(row["held"])})
