"""Admission of orders on perpetuals: position side, reduce-only, filters, margin and position limits."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.venues.lab.book import NO_PLAN, Plan, Room
from copydesk.venues.lab.filters import filter_refusal
from copydesk.venues.lab.model import (
    BUY,
    LIMIT_MAKER,
    LONG,
    NET,
    PERP,
    SELL,
    NewOrder,
    Order,
    Reject,
)
from copydesk.venues.lab.perp.margin import exposure, notional_max, valuation
from copydesk.venues.lab.perp.positions import Leg, PerpAccount

SIDES = frozenset({BUY, SELL})


def fit(new: NewOrder, leg: Leg) -> NewOrder | Reject:
    """Cut an order that may only close down to the position; refuse it when there is nothing to close.

    In hedge mode, selling on the long side and buying on the short side can only close.
    """
    if new.market != PERP:
        new = new._replace(market=PERP)
    if new.side not in SIDES:
        return Reject.INVALID_PARAMETERS
    if not (new.reduce_only or new.close_position or (new.position_side != NET and not opens(new))):
        return new
    room = leg.room(new.side)
    if not room:
        return Reject.NO_POSITION if new.close_position else Reject.REDUCE_ONLY
    asked = new.qty
    qty = room if new.close_position or (asked is not None and asked > room) else asked
    return new._replace(qty=qty, reduce_only=True)


def opens(new: NewOrder) -> bool:
    """Tell whether the order's side opens on its position side; meaningful in hedge mode only."""
    return (new.side == BUY) == (new.position_side == LONG)


def mode_refusal(new: NewOrder, account: PerpAccount, leg: Leg) -> Reject | None:
    """Refuse an order that names another margin mode while the account's one is in use on this symbol."""
    if new.margin_mode in ("", leg.config.margin_mode) or not in_use(account, leg.symbol):
        return None
    return Reject.MARGIN_MODE_IN_USE


def in_use(account: PerpAccount, symbol: str | None) -> bool:
    """Tell whether the account has a position or an open order on the symbol (None: on any)."""
    return any(not leg.idle for leg in account.legs.values() if symbol in (None, leg.symbol))


def admit(new: NewOrder, leg: Leg, taker_fee: Decimal, room: Room | None, *, filtered: bool) -> Plan | Reject:
    """Return what the order would get from the book now, or the reason to refuse it."""
    book = leg.market.book
    if book.halted:
        return Reject.MARKET_HALTED
    if not filtered:
        reject = Reject.INVALID_PARAMETERS if new.quote_qty is not None else None
        reject = reject or filter_refusal(new, book.instrument, book.last_px or leg.market.px())
        if reject is not None:
            return reject
        namesake = leg.owner.by_client_id.get((new.symbol, new.client_order_id))
        if namesake is not None and namesake.is_open:
            return Reject.DUPLICATE_CLIENT_ORDER_ID
    elif new.reduce_only and new.qty is not None and new.qty > leg.room(new.side):
        return Reject.REDUCE_ONLY
    plan = _plan(new, leg, room)
    if new.type == LIMIT_MAKER and plan.takes:
        return Reject.WOULD_TAKE
    return _unaffordable(new, plan, leg, taker_fee) or plan


def _plan(new: NewOrder, leg: Leg, room: Room | None) -> Plan:
    assert new.qty is not None, "the filters let no order without quantity pass"
    levels = leg.market.book.opposite(new.side)
    limit = None if new.px is None else levels.key(new.px)
    if limit is not None and (not levels.keys or levels.keys[0] > limit):
        return NO_PLAN
    return levels.plan(new.qty, limit, room)


def _unaffordable(new: NewOrder, plan: Plan, leg: Leg, taker_fee: Decimal) -> Reject | None:
    """Refuse what would grow the exposure beyond its bracket or beyond the margin there is.

    Needed are the initial margin of what the exposure grows by, the loss at once against the mark price, and the fee.
    """
    if new.reduce_only:
        return None
    qty, amount = (plan.qty, plan.cost) if new.px is None else (new.qty or ZERO, new.px * (new.qty or ZERO))
    px = leg.market.px()
    position, buys, sells = leg.qty * px, leg.buys, leg.sells
    before = exposure(position, buys, sells)
    if new.side == BUY:
        loss, after = amount - px * qty, exposure(position, buys + amount, sells)
    else:
        loss, after = px * qty - amount, exposure(position, buys, sells + amount)
    if after <= before:
        return None
    leverage = leg.leverage
    if after > notional_max(leg, leverage):
        return Reject.POSITION_LIMIT
    need = (after - before) / leverage + amount * taker_fee
    if loss > ZERO:
        need += loss
    return Reject.INSUFFICIENT_MARGIN if valuation(leg.owner).available < need else None


class RoomLeft:
    """How much resting reduce-only orders may still give while one incoming order is planned.

    Every order of a position that the plan takes uses up the position, so later reduce-only ones can give less.
    """

    __slots__ = ("_accounts", "_left", "_taker")

    def __init__(self, accounts: Mapping[str, PerpAccount], taker: Leg | None) -> None:
        self._accounts = accounts
        self._taker = taker
        self._left: dict[Leg, Decimal] = {}

    def __call__(self, order: Order, qty: Decimal) -> Decimal:
        leg = self._accounts[order.account].legs[order.symbol, order.position_side]
        # Trading with oneself moves the position both ways: nothing is used up.
        if leg is self._taker:
            return qty
        left = self._left.get(leg)
        if left is None:
            left = leg.room(order.side)
        if order.reduce_only and qty > left:
            qty = left
        self._left[leg] = left - qty if left > qty else ZERO
        return qty
