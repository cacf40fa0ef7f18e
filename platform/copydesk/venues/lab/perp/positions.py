"""Positions: what an account holds of a contract, at what entry cost, and which of its orders work on it.

A position keeps its signed entry cost (the sum of price times signed quantity). Closing a part moves a share of that
cost, rounded to 8 places, out of it; what the fill brought beyond the share is the realized profit. So no rounding
ever makes or loses money: all purses less all entry costs are what was deposited.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_UP, Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import OrderBook
from copydesk.venues.lab.model import BUY, ISOLATED, LONG, NET, SHORT, LabInstrument, Order
from copydesk.venues.lab.orders import OrderRegistry
from copydesk.venues.lab.perp.model import PLACES, PerpRules


class PerpMarket:
    """One contract: its book, its mark and index price, and the positions open on it, in the order they were opened.

    `reducers` counts the reduce-only orders that rest in the book.
    """

    __slots__ = ("book", "index_px", "instrument", "legs", "mark_px", "reducers")

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self.instrument: LabInstrument = book.instrument
        self.mark_px = ZERO
        self.index_px = ZERO
        self.legs: dict[tuple[str, str], Leg] = {}
        self.reducers = 0

    def px(self) -> Decimal:
        """Return the mark price; before the first one, the last trade or the best price."""
        return self.mark_px or self.book.reference_px()


class Config:
    """An account's settings for one symbol. Leverage is kept per position side; they differ only in isolated mode."""

    __slots__ = ("hedge", "leverage", "margin_mode")

    def __init__(self, rules: PerpRules, leverage_max: int) -> None:
        most = min(rules.leverage_default, leverage_max)
        self.leverage = {NET: most, LONG: most, SHORT: most}
        self.margin_mode = rules.margin_mode_default
        self.hedge = False


class Leg:
    """One position of an account, flat or not, with the orders that work on it.

    `qty` is signed base units. `buys` and `sells` are the notionals (at order prices) of resting orders that may open;
    `reducers` are the resting ones that may not. `margin` is the isolated margin, 0 in cross mode.
    While the mark price stays strictly between `lo` and `hi` nothing needs to be looked at (see liquidation.py);
    `warned` tells that a margin call for an isolated position is out.
    """

    __slots__ = (
        "buys",
        "config",
        "cost",
        "created_ms",
        "hi",
        "lo",
        "margin",
        "market",
        "owner",
        "position_side",
        "qty",
        "realized",
        "reducers",
        "sells",
        "symbol",
        "updated_ms",
        "warned",
    )

    def __init__(self, owner: PerpAccount, market: PerpMarket, config: Config, position_side: str) -> None:
        self.owner = owner
        self.market = market
        self.config = config
        self.symbol = market.instrument.venue_symbol
        self.position_side = position_side
        self.qty = ZERO
        self.cost = ZERO
        self.margin = ZERO
        self.realized = ZERO
        self.buys = ZERO
        self.sells = ZERO
        self.reducers: dict[int, Order] = {}
        self.lo = self.hi = ZERO
        self.warned = False
        self.created_ms = self.updated_ms = 0

    @property
    def leverage(self) -> int:
        return self.config.leverage[self.position_side]

    @property
    def isolated(self) -> bool:
        return self.config.margin_mode == ISOLATED

    @property
    def idle(self) -> bool:
        """Tell whether neither a position nor an order is there."""
        return not (self.qty or self.buys or self.sells or self.reducers)

    def room(self, side: str) -> Decimal:
        """Return how much an order of this side can close."""
        if side == BUY:
            return -self.qty if self.qty < ZERO else ZERO
        return self.qty if self.qty > ZERO else ZERO

    def unrealized(self) -> Decimal:
        return self.qty * self.market.px() - self.cost if self.qty else ZERO

    def trade(self, qty: Decimal, px: Decimal, now_ms: int) -> Decimal:
        """Count a fill of a signed quantity and return the profit that it realizes, before fees."""
        before = self.qty
        after = before + qty
        self.qty, self.updated_ms = after, now_ms
        if not before:
            self._open(qty, px, now_ms)
            return ZERO
        if (before > ZERO) == (qty > ZERO):
            self._add(qty * px)
            return ZERO
        if not after:
            realized = -(qty * px) - self.cost
            self._close()
        elif (after > ZERO) == (before > ZERO):
            share = (self.cost * -qty / before).quantize(PLACES, ROUND_HALF_EVEN)
            realized = -(qty * px) - share
            self.cost -= share
            if self.margin:
                self.margin -= (self.margin * -qty / before).quantize(PLACES, ROUND_HALF_EVEN)
        else:
            realized = before * px - self.cost
            self._close()
            self._open(after, px, now_ms)
            return realized
        self.realized += realized
        return realized

    def _open(self, qty: Decimal, px: Decimal, now_ms: int) -> None:
        self.realized = ZERO
        self.created_ms = now_ms
        self.market.legs[self.owner.name, self.position_side] = self
        self._add(qty * px)

    def _add(self, flow: Decimal) -> None:
        self.cost += flow
        if self.config.margin_mode == ISOLATED and not self.owner.house:
            self.margin += (abs(flow) / self.leverage).quantize(PLACES, ROUND_UP)

    def _close(self) -> None:
        self.cost = self.margin = ZERO
        del self.market.legs[self.owner.name, self.position_side]

    def hold(self, order: Order) -> None:
        """Count a resting order in."""
        assert order.px is not None, "only limit orders rest"
        if order.reduce_only:
            self.reducers[order.order_id] = order
            self.market.reducers += 1
        elif order.side == BUY:
            self.buys += order.px * order.leaves
        else:
            self.sells += order.px * order.leaves

    def release(self, order: Order) -> None:
        """Count a resting order out, as large as it is now."""
        assert order.px is not None, "only limit orders rest"
        if order.reduce_only:
            del self.reducers[order.order_id]
            self.market.reducers -= 1
        else:
            self.consume(order, order.px * order.leaves)

    def consume(self, order: Order, notional: Decimal) -> None:
        """Count a part of a resting order out; a reduce-only one leaves when it is done."""
        if order.reduce_only:
            if not order.leaves:
                del self.reducers[order.order_id]
                self.market.reducers -= 1
        elif order.side == BUY:
            self.buys -= notional
        else:
            self.sells -= notional


class PerpAccount(OrderRegistry):
    """One account on the perpetuals market: its purse, settings, positions and orders.

    `checked_free` is the purse's free money when its positions' bounds were set; None asks for a fresh look.
    `warned` tells that a margin call for its cross positions is out.
    """

    __slots__ = ("checked_free", "configs", "hedge", "house", "legs", "money", "name", "purse", "warned")

    def __init__(self, purse: Account, settle: str) -> None:
        super().__init__()
        self.name = purse.name
        self.house = purse.house
        self.purse = purse
        self.money = purse.balances[settle]
        self.hedge = False
        self.configs: dict[str, Config] = {}
        self.legs: dict[tuple[str, str], Leg] = {}
        self.checked_free: Decimal | None = None
        self.warned = False

    def positions(self) -> list[Leg]:
        """Return the positions that are not flat, by symbol and side."""
        return [leg for _, leg in sorted(self.legs.items()) if leg.qty]
