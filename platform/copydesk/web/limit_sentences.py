"""Says in the visitor's language what a limit does, whose it is, and which stricter one took its place.

The parts of a sentence have the ids of `copydesk.risk.sentences`, whose English these texts are; a test keeps the two
alike, and proves that no limit that can be written lacks words.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.kernel import InvalidInput
from copydesk.risk.configured import limit_of
from copydesk.risk.model import Limit, Scope
from copydesk.risk.profiles import Profile
from copydesk.risk.sentences import Sentence, describe
from copydesk.web.format import figure, isolated

_FIGURE = "#,##0.########"

CONDITIONS: Mapping[str, LazyString] = {
    "loss.day": lazy_gettext("You lose more than %(limit)s in a day"),
    "loss.week": lazy_gettext("You lose more than %(limit)s in a week"),
    "loss.month": lazy_gettext("You lose more than %(limit)s in a month"),
    "loss.start": lazy_gettext("You lose more than %(limit)s since copying began"),
    "loss.realised.day": lazy_gettext("Closed trades lose more than %(limit)s in a day"),
    "loss.realised.week": lazy_gettext("Closed trades lose more than %(limit)s in a week"),
    "loss.realised.month": lazy_gettext("Closed trades lose more than %(limit)s in a month"),
    "loss.realised.start": lazy_gettext("Closed trades lose more than %(limit)s since copying began"),
    "profit.day": lazy_gettext("You gain more than %(limit)s in a day"),
    "profit.week": lazy_gettext("You gain more than %(limit)s in a week"),
    "profit.month": lazy_gettext("You gain more than %(limit)s in a month"),
    "profit.start": lazy_gettext("You gain more than %(limit)s since copying began"),
    "profit.realised.day": lazy_gettext("Closed trades gain more than %(limit)s in a day"),
    "profit.realised.week": lazy_gettext("Closed trades gain more than %(limit)s in a week"),
    "profit.realised.month": lazy_gettext("Closed trades gain more than %(limit)s in a month"),
    "profit.realised.start": lazy_gettext("Closed trades gain more than %(limit)s since copying began"),
    "drawdown": lazy_gettext("Your equity falls more than %(limit)s from its highest value"),
    "allocation": lazy_gettext("This subscription may use more than %(limit)s of the account"),
    "allocation_total": lazy_gettext("All subscriptions of the account may use more than %(limit)s together"),
    "order": lazy_gettext("An order is worth more than %(limit)s"),
    "position": lazy_gettext("An order would make the position in its market larger than %(limit)s"),
    "instrument": lazy_gettext(
        "An order would make all copied positions of the account in its market larger than %(limit)s"
    ),
    "exposure": lazy_gettext("An order would make all positions together larger than %(limit)s"),
    "positions": lazy_gettext("An order would open a position while %(limit)s are open"),
    "leverage": lazy_gettext("An order comes with a leverage above %(limit)s"),
    "orders": lazy_gettext("An order comes after %(limit)s others in the same minute"),
    "depth_share": lazy_gettext("An order would take more than %(limit)s of the offers near the price"),
    "volume": lazy_gettext("An order is for a market with less than %(limit)s traded in a day"),
    "overlap": lazy_gettext("An order would make two strategies hold more than %(limit)s of the same market"),
    "correlation": lazy_gettext("Two copied strategies move alike by more than %(limit)s"),
    "margin_distance": lazy_gettext("The price is less than %(limit)s from a forced closing by the exchange"),
    "instruments": lazy_gettext("An order is for a market other than %(limit)s"),
}
CONSEQUENCES: Mapping[str, LazyString] = {
    "order.warn": lazy_gettext("it is copied, and you are told"),
    "order.block_opens": lazy_gettext("it is not copied"),
    "order.shrink": lazy_gettext("it is made smaller"),
    "leverage.shrink": lazy_gettext("it is copied with less leverage"),
    "subscription.warn": lazy_gettext("you are told"),
    "subscription.block_opens": lazy_gettext(
        "nothing new is opened; what is open is still closed when the trader closes it"
    ),
    "subscription.close": lazy_gettext("everything that was copied is closed"),
    "subscription.close_and_disarm": lazy_gettext(
        "everything that was copied is closed, and copying stops until you start it again"
    ),
}
# A strategy is judged by its trader's equity: nobody who reads this has lost it.
GUARDS: Mapping[str, LazyString] = {
    "loss.day": lazy_gettext("The strategy lost more than %(limit)s in a day."),
    "loss.week": lazy_gettext("The strategy lost more than %(limit)s in a week."),
    "loss.month": lazy_gettext("The strategy lost more than %(limit)s in a month."),
    "loss.start": lazy_gettext("The strategy lost more than %(limit)s since it began."),
    "drawdown": lazy_gettext("The strategy fell more than %(limit)s from its highest equity."),
}
# Units of which a figure says all; of the others the figure stands in these words.
_UNITS: Mapping[str, str] = {"percent": "%", "percent.equity": "%", "percent.balance": "%"}
_AMOUNTS: Mapping[str, LazyString] = {
    "percent.equity": lazy_gettext("%(value)s of equity"),
    "percent.balance": lazy_gettext("%(value)s of the balance"),
}
SCOPES: Mapping[Scope, LazyString] = {
    Scope.PLATFORM: lazy_gettext("Platform"),
    Scope.TENANT: lazy_gettext("Brand"),
    Scope.STRATEGY: lazy_gettext("Strategy"),
    Scope.ACCOUNT: lazy_gettext("Account"),
    Scope.SUBSCRIPTION: lazy_gettext("Own"),
}

PROFILES: Mapping[Profile, LazyString] = {
    Profile.CONSERVATIVE: lazy_gettext("Conservative"),
    Profile.BALANCED: lazy_gettext("Balanced"),
    Profile.AGGRESSIVE: lazy_gettext("Aggressive"),
}


def limit_sentence(limit: Limit) -> str:
    """Say in one sentence when a limit acts, and what then happens."""
    told = describe(limit)
    condition = str(CONDITIONS[told.condition]) % {"limit": _amount(told)}
    consequence = CONSEQUENCES[told.consequence]
    return str(gettext("%(condition)s: %(consequence)s.", condition=condition, consequence=consequence))


def limit_amount(limit: Limit) -> str:
    """Say where a limit lies: "20 % of equity"."""
    return _amount(describe(limit))


def line_sentence(line: str) -> str:
    """Say what a stored line does; one that says no limit is its own words."""
    try:
        return limit_sentence(limit_of(line))
    except InvalidInput:
        return line


def guard_sentence(line: str) -> str:
    """Say what a strategy did by which it broke a stored line; what is no limit of one is told as any other."""
    try:
        told = describe(limit_of(line))
    except InvalidInput:
        return line
    return str(GUARDS[told.condition]) % {"limit": _amount(told)} if told.condition in GUARDS else line_sentence(line)


def scope_words(scope: Scope) -> str:
    """Name whose limit it is, in a word."""
    return str(SCOPES[scope])


def profile_words(profile: Profile) -> str:
    """Name a risk profile."""
    return str(PROFILES[profile])


def _amount(told: Sentence) -> str:
    if told.amount == "names":
        return isolated(told.value)
    value = Decimal(told.value)
    if told.amount == "times":
        return isolated(f"{figure(value, _FIGURE)}×")
    shown = figure(value, _FIGURE, unit=_UNITS.get(told.amount, told.currency))
    return str(_AMOUNTS[told.amount]) % {"value": shown} if told.amount in _AMOUNTS else shown
