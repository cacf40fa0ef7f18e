"""Admission: decide everything about an order that can be known before it is accepted, and plan its execution."""

from __future__ import annotations

from collections.abc import Mapping

from copydesk.venues.lab.accounts import Account
from copydesk.venues.lab.book import NO_PLAN, OrderBook, Plan
from copydesk.venues.lab.filters import filter_refusal
from copydesk.venues.lab.model import LIMIT_MAKER, SELL, LabInstrument, NewOrder, Reject


def admit(
    new: NewOrder, accounts: Mapping[str, Account], books: Mapping[str, OrderBook], *, filtered: bool = False
) -> Plan | Reject:
    """Return what the order would get from the book now, or the reason to refuse it.

    The rest of an amended order was `filtered` as a whole before.
    """
    account, book = accounts.get(new.account), books.get(new.symbol)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if book is None:
        return Reject.UNKNOWN_SYMBOL
    if book.halted:
        return Reject.MARKET_HALTED
    if not filtered:
        reject = filter_refusal(new, book.instrument, book.last_px or book.reference_px())
        if reject is not None:
            return reject
    namesake = account.by_client_id.get((new.symbol, new.client_order_id))
    if namesake is not None and namesake.is_open:
        return Reject.DUPLICATE_CLIENT_ORDER_ID
    plan = _plan(new, book)
    if new.type == LIMIT_MAKER and plan.takes:
        return Reject.WOULD_TAKE
    return _unaffordable(new, plan, account, book.instrument) or plan


def _plan(new: NewOrder, book: OrderBook) -> Plan:
    levels = book.opposite(new.side)
    if new.quote_qty is not None:
        return levels.plan_quote(new.quote_qty, book.instrument.qty_step)
    assert new.qty is not None, "the filters let no order without quantity pass"
    limit = None if new.px is None else levels.key(new.px)
    if limit is not None and (not levels.keys or levels.keys[0] > limit):
        return NO_PLAN
    return levels.plan(new.qty, limit)


def _unaffordable(new: NewOrder, plan: Plan, account: Account, instrument: LabInstrument) -> Reject | None:
    """Refuse what the free balance cannot pay; limit orders must be able to pay their own price for all of it."""
    qty = plan.qty if new.qty is None else new.qty
    if not qty and not plan.short:
        return Reject.LOT_SIZE
    if new.side == SELL:
        return Reject.INSUFFICIENT_BALANCE if account.available(instrument.base) < qty else None
    need = plan.cost if new.px is None else new.px * qty
    if new.quote_qty is not None:
        need = new.quote_qty
    return Reject.INSUFFICIENT_BALANCE if account.available(instrument.quote) < need else None
