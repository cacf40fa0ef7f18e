"""Conditional orders: stops, take-profits, trailing stops and plain trigger orders, and when they fire.

They hold no money; what they place is checked when it is placed. A fired conditional cancels its siblings.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.venues.lab.model import LAST, NEW, Event, NewOrder, Reject
from copydesk.venues.lab.orders import HISTORY_MAX

STOP = "stop"
TAKE_PROFIT = "take_profit"
TRAILING = "trailing"
PLAN = "plan"
KINDS = frozenset({STOP, TAKE_PROFIT, TRAILING, PLAN})


class NewConditional(NamedTuple):
    """A conditional order as asked for; account, symbol and market are those of `new`.

    `rises` None takes the direction from the price now. A trailing stop has one of `callback_ratio` and
    `callback_px` (a distance), starts at `activation_px` or at once, and needs no `trigger_px`. With `parent_order_id`
    it waits until that order is finished and then takes the quantity that was filled.
    """

    new: NewOrder
    kind: str
    trigger_px: Decimal | None = None
    watch: str = LAST
    rises: bool | None = None
    client_id: str = ""
    callback_ratio: Decimal | None = None
    callback_px: Decimal | None = None
    activation_px: Decimal | None = None
    parent_order_id: int | None = None
    siblings: tuple[int, ...] = ()
    tag: str = ""


@dataclass(slots=True, eq=False)
class Conditional:
    """An accepted conditional order. It fires when the watched price is at `trigger_px` or beyond.

    `status` is NEW, TRIGGERED, CANCELED, EXPIRED or REJECTED (`reason` says why what it placed was refused).
    While `active` is False it waits for its parent. `trigger_px` of a trailing one follows `extreme_px`, the best
    price since it started; both are 0 and None before.
    """

    conditional_id: int
    account: str
    client_id: str
    symbol: str
    market: str
    kind: str
    new: NewOrder
    trigger_px: Decimal
    watch: str
    rises: bool
    callback_ratio: Decimal | None
    callback_px: Decimal | None
    activation_px: Decimal | None
    parent_order_id: int | None
    tag: str
    created_ms: int
    updated_ms: int
    siblings: tuple[int, ...] = ()
    status: str = NEW
    active: bool = True
    order_id: int | None = None
    reason: Reject | None = None
    extreme_px: Decimal | None = None

    @property
    def is_open(self) -> bool:
        return self.status == NEW

    @property
    def bound(self) -> bool:
        """Tell whether it only makes sense while its position is open."""
        return self.new.close_position or self.parent_order_id is not None

    def copy(self) -> Conditional:
        return replace(self)

    def reached(self, px: Decimal) -> bool:
        return px >= self.trigger_px if self.rises else px <= self.trigger_px

    def follow(self, px: Decimal) -> bool:
        """Move a trailing stop along with the price; True when it fires."""
        if self.extreme_px is None:
            if self.activation_px is not None and (px > self.activation_px if self.rises else px < self.activation_px):
                return False
            self.extreme_px = px
        elif px < self.extreme_px if self.rises else px > self.extreme_px:
            self.extreme_px = px
        distance = self.callback_px
        if distance is None:
            assert self.callback_ratio is not None, "a trailing stop has a distance"
            distance = self.extreme_px * self.callback_ratio
        self.trigger_px = self.extreme_px + (distance if self.rises else -distance)
        return self.reached(px)


class ConditionalResult(NamedTuple):
    """Answer to placing, amending or canceling; exactly one of `conditional` and `reject` is set."""

    conditional: Conditional | None
    reject: Reject | None
    events: list[Event]


class Watch:
    """What watches one price of one symbol, sorted so that a look costs nothing while nothing fires."""

    __slots__ = ("falls", "rises", "trailing")

    def __init__(self) -> None:
        self.rises: list[tuple[Decimal, int]] = []
        self.falls: list[tuple[Decimal, int]] = []
        self.trailing: dict[int, Conditional] = {}

    def add(self, one: Conditional) -> None:
        if one.kind == TRAILING:
            self.trailing[one.conditional_id] = one
        elif one.rises:
            insort(self.rises, (one.trigger_px, one.conditional_id))
        else:
            insort(self.falls, (-one.trigger_px, one.conditional_id))

    def remove(self, one: Conditional) -> None:
        if one.kind == TRAILING:
            self.trailing.pop(one.conditional_id, None)
            return
        queue = self.rises if one.rises else self.falls
        entry = (one.trigger_px if one.rises else -one.trigger_px, one.conditional_id)
        at = bisect_left(queue, entry)
        if at < len(queue) and queue[at] == entry:
            del queue[at]

    def due(self, px: Decimal) -> list[int]:
        """Return the ids that fire at this price, oldest first."""
        ids: list[int] = []
        for queue, reach in ((self.rises, px), (self.falls, -px)):
            if queue and queue[0][0] <= reach:
                ids += [conditional_id for trigger, conditional_id in queue if trigger <= reach]
        if self.trailing:
            ids += [key for key, one in self.trailing.items() if one.follow(px)]
        return sorted(ids)

    def __bool__(self) -> bool:
        return bool(self.rises or self.falls or self.trailing)


class ConditionalBook:
    """All conditional orders of one engine: open ones by price watched, finished ones up to a limit per account."""

    def __init__(self) -> None:
        self.table: dict[int, Conditional] = {}
        self.open: dict[str, dict[int, Conditional]] = {}
        self.finished: dict[str, deque[Conditional]] = {}
        self.by_client_id: dict[tuple[str, str, str], Conditional] = {}
        self.watches: dict[tuple[str, str], Watch] = {}
        self.waiting: dict[int, list[int]] = {}

    def add(self, one: Conditional) -> None:
        """Take one in, open or finished."""
        self.table[one.conditional_id] = one
        if one.client_id:
            self.by_client_id[one.account, one.symbol, one.client_id] = one
        if not one.is_open:
            self._keep(one)
            return
        self.open.setdefault(one.account, {})[one.conditional_id] = one
        if one.active:
            self.watch(one)
        else:
            assert one.parent_order_id is not None, "only attached ones wait"
            self.waiting.setdefault(one.parent_order_id, []).append(one.conditional_id)

    def reindex(self) -> None:
        """Let client ids find the newest of that name, after ones were added out of order."""
        for _, one in sorted(self.table.items()):
            if one.client_id:
                self.by_client_id[one.account, one.symbol, one.client_id] = one

    def forget(self, conditional_id: int) -> None:
        """Drop one without a trace, to take it in again as something else."""
        one = self.table.pop(conditional_id)
        if one.is_open:
            self.finish(one, one.status, one.updated_ms)
        self.finished[one.account].remove(one)

    def watch(self, one: Conditional) -> None:
        key = one.symbol, one.watch
        watch = self.watches.get(key)
        if watch is None:
            watch = self.watches[key] = Watch()
        watch.add(one)

    def unwatch(self, one: Conditional) -> None:
        key = one.symbol, one.watch
        watch = self.watches.get(key)
        if watch is not None:
            watch.remove(one)
            if not watch:
                del self.watches[key]

    def activate(self, one: Conditional) -> None:
        """Start watching for one whose parent is done."""
        one.active = True
        self.watch(one)

    def finish(self, one: Conditional, status: str, now_ms: int) -> None:
        """End one. Nothing else changes it afterwards."""
        one.status, one.updated_ms = status, now_ms
        self.unwatch(one)
        del self.open[one.account][one.conditional_id]
        if not one.active and one.parent_order_id in self.waiting:
            ids = self.waiting[one.parent_order_id]
            ids.remove(one.conditional_id)
            if not ids:
                del self.waiting[one.parent_order_id]
        self._keep(one)

    def _keep(self, one: Conditional) -> None:
        finished = self.finished.setdefault(one.account, deque())
        finished.append(one)
        if len(finished) > HISTORY_MAX:
            oldest = finished.popleft()
            del self.table[oldest.conditional_id]
            key = oldest.account, oldest.symbol, oldest.client_id
            if self.by_client_id.get(key) is oldest:
                del self.by_client_id[key]

    def due(self, symbol: str, watch: str, px: Decimal) -> list[Conditional]:
        """Return what fires at this price, oldest first."""
        watched = self.watches.get((symbol, watch))
        if watched is None or px == ZERO:
            return []
        return [self.table[key] for key in watched.due(px)]

    def of(self, account: str) -> list[Conditional]:
        """Return the account's open conditionals, oldest first."""
        return list(self.open.get(account, {}).values())

    def find(
        self, account: str, symbol: str | None, conditional_id: int | None, client_id: str | None
    ) -> Conditional | None:
        """Find one of the account by either id, open or finished; both given must agree."""
        if conditional_id is None:
            return self.by_client_id.get((account, symbol or "", client_id or ""))
        one = self.table.get(conditional_id)
        if one is None or one.account != account or symbol not in (None, one.symbol):
            return None
        return one if client_id in (None, one.client_id) else None
