"""Plain words for the limits of risk: why an opening copy was denied, and where the limit lies."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.risk.futures import LeverageBound
from copydesk.risk.model import Scope
from copydesk.trading import Denial
from copydesk.web.format import figure, isolated, money

_D = Denial
RISK_SENTENCES: Mapping[str, tuple[LazyString, ...]] = {
    _D.RISK_LOSS_MAX: (
        lazy_gettext("Skipped: the loss limit was reached. Nothing is opened until copying is resumed by hand."),
    ),
    _D.RISK_PROFIT_REACHED: (
        lazy_gettext("Skipped: the profit target was reached. Nothing is opened until copying is resumed by hand."),
    ),
    _D.RISK_DRAWDOWN_MAX: (
        lazy_gettext(
            "Skipped: equity fell too far from its highest value. Nothing is opened until copying is resumed by hand."
        ),
    ),
    _D.RISK_ALLOCATION_MAX: (
        lazy_gettext("Skipped: this subscription may use a larger part of the account than is allowed."),
    ),
    _D.RISK_ALLOCATION_TOTAL_MAX: (
        lazy_gettext(
            "Skipped: the account's subscriptions together may use a larger part of the account than is allowed."
        ),
    ),
    _D.RISK_ORDER_MAX: (lazy_gettext("Skipped: the order is worth more than a single order may be."),),
    _D.RISK_POSITION_MAX: (lazy_gettext("Skipped: the position in this market is as large as it may be."),),
    _D.RISK_INSTRUMENT_MAX: (
        lazy_gettext("Skipped: all copied positions of the account in this market are as large as they may be."),
    ),
    _D.RISK_EXPOSURE_MAX: (lazy_gettext("Skipped: all positions together are as large as they may be."),),
    _D.RISK_POSITIONS_MAX: (lazy_gettext("Skipped: as many positions are open as may be open at once."),),
    _D.RISK_LEVERAGE_MAX: (lazy_gettext("Skipped: the trader's leverage is higher than is allowed here."),),
    _D.RISK_ORDERS_MAX: (lazy_gettext("Skipped: more orders were opened within a minute than are allowed."),),
    _D.RISK_DEPTH_SHARE_MAX: (
        lazy_gettext("Skipped: the order is too large for what is offered in this market near the price."),
    ),
    _D.RISK_VOLUME_MIN: (lazy_gettext("Skipped: too little was traded in this market in the last 24 hours."),),
    _D.RISK_LIQUIDITY_UNKNOWN: (
        lazy_gettext("Skipped: at that moment it was not known how much is offered and traded in this market."),
    ),
    _D.RISK_PURSE_UNKNOWN: (
        lazy_gettext("Skipped: it is not known yet how much the account holds, and a limit is a share of that."),
    ),
    _D.RISK_OVERLAP_MAX: (
        lazy_gettext("Skipped: another strategy on this account already holds too much of the same market."),
    ),
    _D.RISK_CORRELATION_MAX: (lazy_gettext("Skipped: another strategy on this account moves too much like this one."),),
    _D.RISK_MARGIN_DISTANCE_MIN: (
        lazy_gettext(
            "Skipped: a position of the account is too close to the price at which the exchange closes it by force."
        ),
    ),
    _D.RISK_INSTRUMENT_NOT_ALLOWED: (
        lazy_gettext("Skipped: this market is not on the list of those that may be copied."),
    ),
    _D.RISK_VOLATILE: (
        lazy_gettext(
            "Skipped: prices of this market lay %(moved)s%% apart within a short time. Closing orders still go through."
        ),
        lazy_gettext("Skipped: the price of this market moves too fast for now. Closing orders still go through."),
    ),
}


_WHOSE: Mapping[str, LazyString] = {
    Scope.PLATFORM: lazy_gettext("the platform's"),
    Scope.TENANT: lazy_gettext("the brand's"),
    Scope.STRATEGY: lazy_gettext("the trader's"),
    Scope.ACCOUNT: lazy_gettext("the account's"),
    Scope.SUBSCRIPTION: lazy_gettext("the subscription's"),
}


def limit_words(facts: Mapping[str, str] | None) -> list[str]:
    """Name the limits that an order met, each with whose it is: one that bit, one that only warned, one on leverage."""
    told, said = facts or {}, []
    if "limit_line" in told:
        limit, whose = isolated(told["limit_line"]), _WHOSE[told["limit_scope"]]
        said.append(str(gettext("Limit: %(limit)s (%(whose)s).", limit=limit, whose=whose)))
    if "warned_line" in told:
        limit, whose = isolated(told["warned_line"]), _WHOSE[told["warned_scope"]]
        said.append(str(gettext("Beyond a limit that only warns: %(limit)s (%(whose)s).", limit=limit, whose=whose)))
    if "leverage_bound" in told:
        said.append(_leverage_words(told))
    return said


_LESS_LEVERAGE: Mapping[str, LazyString] = {
    LeverageBound.FOLLOWER: lazy_gettext(
        "Leverage %(leverage)s instead of the trader's %(wanted)s: this subscription wants no more."
    ),
    LeverageBound.BRAND: lazy_gettext(
        "Leverage %(leverage)s instead of the trader's %(wanted)s: no more is allowed here."
    ),
    LeverageBound.BRACKET: lazy_gettext(
        "Leverage %(leverage)s instead of the trader's %(wanted)s: "
        "the exchange allows no more for a position of %(notional)s."
    ),
}


def _leverage_words(told: Mapping[str, str]) -> str:
    """Say why a copy has less leverage than the leader."""
    notional = told.get("leverage_notional")
    return str(_LESS_LEVERAGE[told["leverage_bound"]]) % {
        "leverage": isolated(f"{told['leverage']}×"),
        "wanted": isolated(f"{told['leverage_wanted']}×"),
        "notional": "" if notional is None else money(Decimal(notional), told["leverage_currency"]),
    }


def with_limit(sentence: str, reason: str, facts: Mapping[str, str]) -> str:
    """Add where the limit lies to the sentence of a denial, where its facts tell (`copydesk.risk.limit_facts`)."""
    if reason not in RISK_SENTENCES or "limit" not in facts or facts.get("limit_unit") == "names":
        return sentence
    return str(gettext("%(sentence)s The limit is %(limit)s.", sentence=sentence, limit=_limit(facts)))


def _limit(facts: Mapping[str, str]) -> str:
    value, unit = Decimal(facts["limit"]), facts.get("limit_unit")
    if unit == "money":
        return money(value, facts.get("currency", ""))
    behind = figure(value, "#,##0.##", unit="%" if unit == "percent" else "")
    return f"{behind}×" if unit == "times" else behind
