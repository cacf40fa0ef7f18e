"""Plain words for every named state and every "no", with the numbers that make them useful.

Each reason has sentences from the most to the least specific; the first whose facts are all there is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.trading import Denial, OrderStatus, SizingMode, SubscriptionState
from copydesk.web.format import figure, money

_D = Denial
_SENTENCES: dict[str, tuple[LazyString, ...]] = {
    _D.BELOW_QTY_MIN: (
        lazy_gettext(
            "Skipped: %(notional)s is below the exchange's smallest order of %(minimum)s. "
            "An allocation of %(allocation_needed)s copies orders like this one."
        ),
        lazy_gettext("Skipped: %(notional)s is below the exchange's smallest order of %(minimum)s."),
        lazy_gettext("Skipped: the order would be smaller than the exchange accepts."),
    ),
    _D.BELOW_NOTIONAL_MIN: (
        lazy_gettext(
            "Skipped: %(notional)s is below the exchange's minimum of %(minimum)s. "
            "An allocation of %(allocation_needed)s copies orders like this one."
        ),
        lazy_gettext("Skipped: %(notional)s is below the exchange's minimum of %(minimum)s."),
        lazy_gettext("Skipped: the order would be worth less than the exchange's minimum."),
    ),
    _D.ABOVE_QTY_MAX: (lazy_gettext("Skipped: the order would be larger than the exchange accepts."),),
    _D.ALLOCATION_SPENT: (
        lazy_gettext("Skipped: %(spent)s of the %(allocation)s allocation is already invested."),
        lazy_gettext("Skipped: the allocation is already invested."),
    ),
    _D.INSUFFICIENT_BALANCE: (
        lazy_gettext("Skipped: the exchange account does not hold enough free balance for this order."),
    ),
    _D.SIGNAL_TOO_OLD: (
        lazy_gettext("Skipped: the trade was already too old when it could have been copied, and its price stale."),
    ),
    _D.PRICE_MOVED: (
        lazy_gettext("Stopped at the price limit: the market had moved further from the trader's price than allowed."),
    ),
    _D.NO_LIQUIDITY: (lazy_gettext("Not all was sold: too few buyers at that moment. The rest is tried again."),),
    _D.NOTHING_TO_REDUCE: (lazy_gettext("Nothing to do: the trader sold, and this follower holds nothing of it."),),
    _D.ORDER_ALREADY_COPIED: (
        lazy_gettext("Nothing to do: the fixed amount for this order was placed with its first fill."),
    ),
    _D.BELOW_ONE_STEP: (lazy_gettext("Nothing to do: the change is smaller than one quantity step of the exchange."),),
    _D.INSTRUMENT_UNMAPPED: (lazy_gettext("Skipped: this market does not exist on the follower's exchange."),),
    _D.INSTRUMENT_HALTED: (lazy_gettext("Skipped: the exchange has halted trading in this market."),),
    _D.MARKET_NOT_ALLOWED: (lazy_gettext("Skipped: this market is not offered here."),),
    _D.STRATEGY_PAUSED: (
        lazy_gettext("Skipped: the trader had paused this strategy. Closing orders still go through."),
    ),
    _D.SUBSCRIPTION_PAUSED: (lazy_gettext("Skipped: copying was paused. Closing orders still go through."),),
    _D.SUBSCRIPTION_DISARMED: (
        lazy_gettext("Skipped: copying was stopped because the positions no longer match the trader's."),
    ),
    _D.ACCOUNT_UNUSABLE: (lazy_gettext("Skipped: the exchange account cannot be used. Connect it again."),),
    _D.KEY_REJECTED: (lazy_gettext("Refused: the exchange does not accept the account's key. Create a new one."),),
    _D.RATE_LIMITED: (lazy_gettext("Refused: the exchange allows no more orders at this moment."),),
    _D.VENUE_UNAVAILABLE: (lazy_gettext("Not placed: the exchange could not be reached in time."),),
    _D.VENUE_REFUSED: (
        lazy_gettext("Refused by the exchange: %(message)s"),
        lazy_gettext("Refused by the exchange."),
    ),
    _D.NEVER_ARRIVED: (
        lazy_gettext("Not placed: the order never reached the exchange, and it was too late to retry."),
    ),
}

_STATES: dict[str, LazyString] = {
    SubscriptionState.SYNCED: lazy_gettext("Synced"),
    SubscriptionState.CATCHING_UP: lazy_gettext("Catching up"),
    SubscriptionState.OUT_OF_SYNC: lazy_gettext("Out of sync"),
    SubscriptionState.PAUSED: lazy_gettext("Paused"),
    SubscriptionState.DISARMED: lazy_gettext("Stopped"),
    OrderStatus.PLANNED: lazy_gettext("Planned"),
    OrderStatus.DENIED: lazy_gettext("Skipped"),
    OrderStatus.IN_FLIGHT: lazy_gettext("In flight"),
    OrderStatus.ACCEPTED: lazy_gettext("Placed"),
    OrderStatus.PARTIALLY_FILLED: lazy_gettext("Partly filled"),
    OrderStatus.FILLED: lazy_gettext("Copied"),
    OrderStatus.CANCELED: lazy_gettext("Canceled"),
    OrderStatus.REJECTED: lazy_gettext("Refused by the exchange"),
    OrderStatus.EXPIRED: lazy_gettext("Expired"),
    "live": lazy_gettext("Live"),
    "closed": lazy_gettext("Closed"),
}

_SIZINGS: dict[str, LazyString] = {
    SizingMode.EQUITY_RATIO: lazy_gettext("In proportion to the trader's equity"),
    SizingMode.FIXED_RATIO: lazy_gettext("%(value)s of the trader's quantity"),
    SizingMode.FIXED_NOTIONAL: lazy_gettext("%(value)s per order"),
}

_MONEY_FACTS = ("notional", "minimum", "allocation", "allocation_needed", "spent")


def words(reason: str | None, facts: Mapping[str, Any] | None = None) -> str:
    """Say in one sentence why a copy was skipped or refused; an unknown reason is still an honest sentence."""
    if not reason:
        return ""
    known = _readable(facts or {})
    for sentence in _SENTENCES.get(reason, ()):
        try:
            return str(sentence) % known
        except KeyError:
            continue
    return str(gettext("Not copied (%(reason)s).", reason=reason))


def state_words(state: str) -> str:
    """Name a subscription's, an order's or a strategy's state."""
    return str(_STATES.get(state, state))


def sizing_words(mode: str, value: Decimal | None = None, currency: str = "") -> str:
    """Say how a follower's quantity follows from the trader's."""
    shown = money(value, currency) if mode == SizingMode.FIXED_NOTIONAL else f"{figure(value, '#,##0.####')}×"
    return str(_SIZINGS[mode]) % {"value": shown} if mode in _SIZINGS else mode


def reason_label(reason: str) -> str:
    """Return the sentence of a reason without numbers, for lists that count reasons."""
    return words(reason, {})


def _readable(facts: Mapping[str, Any]) -> dict[str, str]:
    currency = str(facts.get("currency", ""))
    return {name: _money(value, currency) if name in _MONEY_FACTS else str(value) for name, value in facts.items()}


def _money(value: object, currency: str) -> str:
    try:
        return money(Decimal(str(value)), currency)
    except InvalidOperation:
        return str(value)
