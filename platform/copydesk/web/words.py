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
from copydesk.web.format import figure, money, px, qty
from copydesk.web.risk_words import RISK_SENTENCES, with_limit
from copydesk.web.signer_words import SIGNER_SENTENCES

_D = Denial
_SENTENCES: dict[str, tuple[LazyString, ...]] = {
    _D.BELOW_QTY_MIN: (
        lazy_gettext(
            "Skipped: %(notional)s is below the smallest order of %(minimum)s at %(exchange)s. "
            "An allocation of %(allocation_needed)s copies orders like this one."
        ),
        lazy_gettext("Skipped: %(notional)s is below the smallest order of %(minimum)s at %(exchange)s."),
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
    _D.NO_LIQUIDITY: (lazy_gettext("Not all was closed: too few offers at that moment. The rest is tried again."),),
    _D.NOTHING_TO_REDUCE: (
        lazy_gettext("Nothing to do: the trader closed a position of which this follower holds nothing."),
    ),
    _D.CARRIED: (
        lazy_gettext(
            "Not yet: %(notional)s is below the exchange's smallest order of %(minimum)s. "
            "It is added to the trader's next orders."
        ),
        lazy_gettext("Not yet: too small for the exchange. It is set off against the trader's next orders."),
    ),
    _D.PRICE_ABSURD: (
        lazy_gettext("Skipped: the reported price of %(px)s is too far from the market's %(mark_px)s to be true."),
        lazy_gettext("Skipped: the reported price is too far from the market's to be true."),
    ),
    _D.QTY_ABSURD: (
        lazy_gettext("Skipped: the reported position is worth %(times)s times the trader's equity, which cannot be."),
        lazy_gettext("Skipped: the reported position is worth more than the trader can hold."),
    ),
    _D.ORDER_ALREADY_COPIED: (
        lazy_gettext("Nothing to do: the fixed amount for this order was placed with its first fill."),
    ),
    _D.ORDER_RESTS: (lazy_gettext("Nothing to send: the follower's own order for this rests at the exchange."),),
    _D.ORDER_CANCELED_BY_OWNER: (lazy_gettext("Ended: the owner of the account canceled this order."),),
    _D.ORDER_WOULD_TURN: (
        lazy_gettext("Not placed: this order would turn the position round. It is copied when it is filled."),
    ),
    _D.ORDERS_RECALLED: (lazy_gettext("Recalled: this subscription copies fills now, not orders."),),
    _D.BELOW_ONE_STEP: (lazy_gettext("Nothing to do: the change is smaller than one quantity step of the exchange."),),
    _D.INSTRUMENT_UNMAPPED: (lazy_gettext("Skipped: this market does not exist on the follower's exchange."),),
    _D.INSTRUMENT_HALTED: (lazy_gettext("Skipped: the exchange has halted trading in this market."),),
    _D.MARKET_NOT_ALLOWED: (lazy_gettext("Skipped: this market is not offered here."),),
    _D.STRATEGY_PAUSED: (
        lazy_gettext("Skipped: the trader had paused this strategy. Closing orders still go through."),
    ),
    _D.STRATEGY_SUSPENDED: (
        lazy_gettext(
            "Skipped: this strategy was suspended because it had lost too much. Closing orders still go through."
        ),
    ),
    _D.STOPPED_BY_SWITCH: (
        lazy_gettext("Skipped: opening was stopped for now: %(reason)s. Closing orders still go through."),
        lazy_gettext("Skipped: opening was stopped for now. Closing orders still go through."),
    ),
    _D.SUBSCRIPTION_PAUSED: (lazy_gettext("Skipped: copying was paused. Closing orders still go through."),),
    _D.SUBSCRIPTION_DISARMED: (
        lazy_gettext("Skipped: copying was stopped because the positions no longer match the trader's."),
    ),
    _D.SUBSCRIPTION_LIQUIDATED: (
        lazy_gettext(
            "Skipped: the exchange liquidated a copied position. Nothing is opened until copying is resumed by hand."
        ),
    ),
    _D.SUBSCRIPTION_ENDING: (lazy_gettext("Skipped: copying was ended. Closing orders still go through."),),
    _D.INSTRUMENT_DETACHED: (
        lazy_gettext(
            "Skipped: the follower closed this position by hand. It is copied again once the trader has closed "
            "it, or when it is attached again."
        ),
    ),
    _D.WAITING_UNTIL_FLAT: (
        lazy_gettext(
            "Skipped: the follower waits until the trader has closed the position that was open when copying began."
        ),
    ),
    _D.POSITION_IGNORED: (
        lazy_gettext(
            "Not copied: the trader held this before copying began. Only what is added from now on is copied."
        ),
    ),
    _D.JOIN_PRICE_NOT_BETTER: (
        lazy_gettext(
            "Not taken over: the price is not better than the one at which the trader entered, or that one is "
            "not known."
        ),
    ),
    _D.LEADER_IS_FLAT: (lazy_gettext("Not taken over: the trader had closed the position before it could be joined."),),
    _D.SELF_COPY: (lazy_gettext("Refused: this is the trader's own account. An account cannot copy itself."),),
    _D.COPY_LOOP: (
        lazy_gettext(
            "Refused: the trader's account copies this account already, directly or over others. The two would "
            "copy each other without end."
        ),
    ),
    _D.HEDGE_MODE_MISSING: (
        lazy_gettext(
            "Refused: the trader holds long and short positions side by side, and %(exchange)s has no hedge "
            "mode for %(symbol)s."
        ),
        lazy_gettext(
            "Refused: the trader holds long and short positions side by side, and the follower's exchange has "
            "no hedge mode for this market."
        ),
    ),
    _D.POSITION_MODE_SHARED: (
        lazy_gettext(
            "Refused: this account copies another strategy that needs the other position mode. Use another "
            "account for one of the two."
        ),
    ),
    _D.PERPETUALS_NOT_ALLOWED: (
        lazy_gettext(
            "Refused: the trader trades perpetuals, and this key may not. Turn on futures trading for this key "
            "at %(exchange)s."
        ),
        lazy_gettext(
            "Refused: the trader trades perpetuals, and this key may not. Turn on futures trading for it at the "
            "exchange."
        ),
    ),
    _D.ACCOUNT_UNUSABLE: (lazy_gettext("Skipped: the exchange account cannot be used. Connect it again."),),
    _D.KEY_REJECTED: (
        lazy_gettext(
            "Refused: %(exchange)s does not accept this key. It may be deleted, bound to other addresses, or lack a "
            "right: check it there, or create a new one."
        ),
        lazy_gettext("Refused: the exchange does not accept the account's key. Check it there, or create a new one."),
    ),
    _D.KEY_CAN_WITHDRAW: (
        lazy_gettext("Refused: this key may withdraw money. Turn off withdrawals for this key at %(exchange)s."),
        lazy_gettext("Refused: this key may withdraw money. Turn off withdrawals for it at the exchange."),
    ),
    _D.KEY_CAN_TRANSFER: (
        lazy_gettext("Refused: this key may move money elsewhere. Turn off transfers for this key at %(exchange)s."),
        lazy_gettext("Refused: this key may move money elsewhere. Turn off transfers for it at the exchange."),
    ),
    _D.KEY_RIGHTS_UNKNOWN: (
        lazy_gettext(
            "Refused: this key has rights that we do not know. Create one at %(exchange)s that may only read and trade."
        ),
        lazy_gettext("Refused: this key has rights that we do not know. Create one that may only read and trade."),
    ),
    _D.KEY_READ_ONLY: (
        lazy_gettext("Refused: this key may not trade. Turn on trading for this key at %(exchange)s."),
        lazy_gettext("Refused: this key may not trade. Turn on trading for it at the exchange."),
    ),
    _D.KEY_EXPIRED: (
        lazy_gettext("Refused: this key has expired. Create a new one at %(exchange)s and connect it here."),
        lazy_gettext("Refused: this key has expired. Create a new one at the exchange and connect it here."),
    ),
    _D.KEY_SECRET_WRONG: (
        lazy_gettext(
            "Refused: the secret does not belong to this key. Create a new key at %(exchange)s and copy both."
        ),
        lazy_gettext("Refused: the secret does not belong to this key. Create a new key and copy both."),
    ),
    _D.KEY_PASSPHRASE_WRONG: (
        lazy_gettext("Refused: the passphrase is wrong. Enter the one that you chose for this key at %(exchange)s."),
        lazy_gettext("Refused: the passphrase is wrong. Enter the one that you chose for this key."),
    ),
    _D.KEY_ADDRESS_REFUSED: (
        lazy_gettext(
            "Refused: this key is bound to other addresses. Add this site's addresses to the key at %(exchange)s."
        ),
        lazy_gettext("Refused: this key is bound to other addresses. Add this site's addresses to it at the exchange."),
    ),
    _D.KEY_ACCOUNT_TYPE_WRONG: (
        lazy_gettext(
            "Refused: this kind of account cannot be traded through its key. Change the account's "
            "mode at %(exchange)s, "
            "or connect a key of another account."
        ),
        lazy_gettext(
            "Refused: this kind of account cannot be traded through its key. Change the account's "
            "mode at the exchange, "
            "or connect a key of another account."
        ),
    ),
    _D.KEY_UNBOUND: (
        lazy_gettext(
            "Refused: this key works from any address. Bind it to this site's addresses at %(exchange)s, and have it "
            "checked again."
        ),
        lazy_gettext(
            "Refused: this key works from any address. Bind it to this site's addresses at the exchange, and have it "
            "checked again."
        ),
    ),
    _D.KEY_REMOVED: (
        lazy_gettext("Refused: this account's key was removed here. Create a new one at %(exchange)s and connect it."),
        lazy_gettext("Refused: this account's key was removed here. Create a new one at the exchange and connect it."),
    ),
    _D.CLOCK_SKEWED: (
        lazy_gettext(
            "Refused: %(exchange)s finds our clock wrong. The operator of this site must set it; you "
            "need change nothing."
        ),
        lazy_gettext(
            "Refused: the exchange finds our clock wrong. The operator of this site must set it; you "
            "need change nothing."
        ),
    ),
    _D.POSITION_MODE_WRONG: (
        lazy_gettext(
            "Skipped: the account's position mode differs from the trader's and cannot be changed while anything is "
            "open. Close its positions and orders at %(exchange)s; the next trade then changes the mode."
        ),
        lazy_gettext(
            "Skipped: the account's position mode differs from the trader's and cannot be changed while anything is "
            "open. Close its positions and orders at the exchange; the next trade then changes the mode."
        ),
    ),
    _D.MARGIN_MODE_WRONG: (
        lazy_gettext(
            "Skipped: this market could not be set to the margin mode in use here. Close its positions and orders at "
            "%(exchange)s, or set it there."
        ),
        lazy_gettext(
            "Skipped: this market could not be set to the margin mode in use here. Close its positions and orders at "
            "the exchange, or set it there."
        ),
    ),
    _D.LEVERAGE_REFUSED: (
        lazy_gettext(
            "Skipped: %(exchange)s refused a leverage of %(leverage)s×. Allow it for this market there, or add margin."
        ),
        lazy_gettext(
            "Skipped: the exchange refused the leverage for this market. Allow it for this market there, or add margin."
        ),
    ),
    _D.RATE_LIMITED: (lazy_gettext("Refused: the exchange allows no more orders at this moment."),),
    _D.VENUE_UNAVAILABLE: (lazy_gettext("Not placed: the exchange could not be reached in time."),),
    _D.VENUE_BREAKER_OPEN: (
        lazy_gettext("Skipped: the exchange was refusing nearly all orders. Openings pause; closing orders still go."),
    ),
    _D.VENUE_REFUSED: (
        lazy_gettext("Refused by the exchange: %(message)s"),
        lazy_gettext("Refused by the exchange."),
    ),
    _D.NEVER_ARRIVED: (
        lazy_gettext("Not placed: the order never reached the exchange, and it was too late to retry."),
    ),
    _D.ORDER_FORGOTTEN: (
        lazy_gettext(
            "Ended: the exchange no longer keeps this order. Its list of trades shows how much of it was filled."
        ),
    ),
    _D.CLOSE_UNCONFIRMED: (
        lazy_gettext(
            "Not placed: the earlier position was not known to be closed in time, so none was opened on the other side."
        ),
    ),
    **RISK_SENTENCES,
    **SIGNER_SENTENCES,
}

_STATES: dict[str, LazyString] = {
    SubscriptionState.SYNCED: lazy_gettext("Synced"),
    SubscriptionState.CATCHING_UP: lazy_gettext("Catching up"),
    SubscriptionState.OUT_OF_SYNC: lazy_gettext("Out of sync"),
    SubscriptionState.PAUSED: lazy_gettext("Paused"),
    SubscriptionState.DISARMED: lazy_gettext("Stopped"),
    SubscriptionState.LIQUIDATED: lazy_gettext("Liquidated"),
    SubscriptionState.ENDING: lazy_gettext("Ending"),
    SubscriptionState.ENDED: lazy_gettext("Ended"),
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
    "probation": lazy_gettext("On probation"),
    "pending": lazy_gettext("In review"),
    "declined": lazy_gettext("Not approved"),
    "suspended": lazy_gettext("Suspended"),
    "closed": lazy_gettext("Closed"),
}

_SIZINGS: dict[str, LazyString] = {
    SizingMode.EQUITY_RATIO: lazy_gettext("In proportion to the trader's equity"),
    SizingMode.MULTIPLIER: lazy_gettext("%(value)s the share of the equity that the trader puts in"),
    SizingMode.FIXED_RATIO: lazy_gettext("%(value)s of the trader's quantity"),
    SizingMode.FIXED_NOTIONAL: lazy_gettext("%(value)s per order"),
    SizingMode.FIXED_QTY: lazy_gettext("%(value)s units per order"),
}

_EXCHANGES = {"binance": "Binance", "okx": "OKX", "bybit": "Bybit", "bitget": "Bitget"}

_PX_FACTS = ("px", "mark_px")
_MONEY_FACTS = ("notional", "minimum", "allocation", "allocation_needed", "spent")


def words(reason: str | None, facts: Mapping[str, Any] | None = None) -> str:
    """Say in one sentence why a copy was skipped or refused; an unknown reason is still an honest sentence."""
    if not reason:
        return ""
    known = _readable(facts or {})
    for sentence in _SENTENCES.get(reason, ()):
        try:
            return with_limit(str(sentence) % known, reason, known)
        except KeyError:
            continue
    return str(gettext("Not copied (%(reason)s).", reason=reason))


def state_words(state: str) -> str:
    """Name a subscription's, an order's or a strategy's state."""
    return str(_STATES.get(state, state))


def sizing_words(mode: str, value: Decimal | None = None, currency: str = "") -> str:
    """Say how a follower's quantity follows from the trader's."""
    return str(_SIZINGS[mode]) % {"value": _sizing_value(mode, value, currency)} if mode in _SIZINGS else mode


def _sizing_value(mode: str, value: Decimal | None, currency: str) -> str:
    if mode == SizingMode.FIXED_NOTIONAL:
        return money(value, currency)
    return qty(value) if mode == SizingMode.FIXED_QTY else f"{figure(value, '#,##0.####')}×"


def reason_label(reason: str) -> str:
    """Return the sentence of a reason without numbers, for lists that count reasons."""
    return words(reason, {})


def _readable(facts: Mapping[str, Any]) -> dict[str, str]:
    currency = str(facts.get("currency", ""))
    known = {name: _money(value, currency) if name in _MONEY_FACTS else str(value) for name, value in facts.items()}
    known |= {name: px(Decimal(known[name])) for name in _PX_FACTS if name in known}
    return known | ({"exchange": exchange_name(known["exchange"])} if "exchange" in known else {})


def exchange_name(venue: str) -> str:
    """Write an exchange's name as it does itself; names are not translated."""
    return _EXCHANGES.get(venue, venue)


def _money(value: object, currency: str) -> str:
    try:
        return money(Decimal(str(value)), currency)
    except InvalidOperation:
        return str(value)
