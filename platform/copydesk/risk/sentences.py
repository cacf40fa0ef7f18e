"""What a limit does, in plain words: message ids with values for the web to translate, and English for the terminal.

A sentence has three parts that each stand alone (when, where the limit lies, what then happens), so that a language
may word each as it likes. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.kernel import decimal_text
from copydesk.risk.grammar import threshold_text
from copydesk.risk.measures import MEASURES, Judged
from copydesk.risk.model import Basis, Limit, Measure, Scoped, Unit, Window

_SPANS = {
    Window.DAY: "in a day",
    Window.WEEK: "in a week",
    Window.MONTH: "in a month",
    Window.START: "since copying began",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One limit in words: ids of CONDITIONS, AMOUNTS and CONSEQUENCES, and the values that their texts name.

    `value` is a plain decimal, or the names of a list; `currency` belongs to an amount of money.
    """

    condition: str
    amount: str
    consequence: str
    value: str
    currency: str = ""


CONDITIONS: Mapping[str, str] = {
    **{f"loss.{window}": f"You lose more than %(limit)s {span}" for window, span in _SPANS.items()},
    **{f"loss.realised.{window}": f"Closed trades lose more than %(limit)s {span}" for window, span in _SPANS.items()},
    **{f"profit.{window}": f"You gain more than %(limit)s {span}" for window, span in _SPANS.items()},
    **{
        f"profit.realised.{window}": f"Closed trades gain more than %(limit)s {span}" for window, span in _SPANS.items()
    },
    "drawdown": "Your equity falls more than %(limit)s from its highest value",
    "allocation": "This subscription may use more than %(limit)s of the account",
    "allocation_total": "All subscriptions of the account may use more than %(limit)s together",
    "order": "An order is worth more than %(limit)s",
    "position": "An order would make the position in its market larger than %(limit)s",
    "instrument": "An order would make all copied positions of the account in its market larger than %(limit)s",
    "exposure": "An order would make all positions together larger than %(limit)s",
    "positions": "An order would open a position while %(limit)s are open",
    "leverage": "An order comes with a leverage above %(limit)s",
    "orders": "An order comes after %(limit)s others in the same minute",
    "depth_share": "An order would take more than %(limit)s of the offers near the price",
    "volume": "An order is for a market with less than %(limit)s traded in a day",
    "overlap": "An order would make two strategies hold more than %(limit)s of the same market",
    "correlation": "Two copied strategies move alike by more than %(limit)s",
    "margin_distance": "The price is less than %(limit)s from a forced closing by the exchange",
    "instruments": "An order is for a market other than %(limit)s",
}

AMOUNTS: Mapping[str, str] = {
    "percent": "%(value)s %%",
    "percent.equity": "%(value)s %% of equity",
    "percent.balance": "%(value)s %% of the balance",
    "money": "%(value)s %(currency)s",
    "count": "%(value)s",
    "times": "%(value)s×",
    "names": "%(value)s",
}

CONSEQUENCES: Mapping[str, str] = {
    "order.warn": "it is copied, and you are told",
    "order.block_opens": "it is not copied",
    "order.shrink": "it is made smaller",
    "leverage.shrink": "it is copied with less leverage",
    "subscription.warn": "you are told",
    "subscription.block_opens": "nothing new is opened; what is open is still closed when the trader closes it",
    "subscription.close": "everything that was copied is closed",
    "subscription.close_and_disarm": "everything that was copied is closed, and copying stops until you start it again",
}


def describe(limit: Limit) -> Sentence:
    """Say in message ids and values what a limit does."""
    names = limit.threshold.unit is Unit.NAMES
    value = threshold_text(limit.threshold) if names else decimal_text(limit.threshold.value)
    return Sentence(_condition(limit), _amount(limit), _consequence(limit), value, limit.threshold.currency)


def english(limit: Limit) -> str:
    """Say in one English sentence what a limit does, for the command line."""
    sentence = describe(limit)
    amount = AMOUNTS[sentence.amount] % {"value": sentence.value, "currency": sentence.currency}
    return f"{CONDITIONS[sentence.condition] % {'limit': amount}}: {CONSEQUENCES[sentence.consequence]}."


def limit_facts(scoped: Scoped) -> dict[str, str]:
    """Return the numbers that a denial's sentence may name: the limit, its unit and currency, and whose it is."""
    threshold = scoped.limit.threshold
    value = threshold_text(threshold) if threshold.unit is Unit.NAMES else decimal_text(threshold.value)
    facts = {"limit": value, "limit_unit": str(threshold.unit), "limit_scope": str(scoped.scope)}
    return facts | ({"currency": threshold.currency} if threshold.currency else {})


def _condition(limit: Limit) -> str:
    if limit.measure not in (Measure.LOSS, Measure.PROFIT):
        return str(limit.measure)
    realised = "realised." if limit.basis is Basis.REALISED else ""
    return f"{limit.measure}.{realised}{limit.window}"


def _amount(limit: Limit) -> str:
    unit = limit.threshold.unit
    if unit is not Unit.PERCENT or limit.basis is Basis.NOTIONAL:
        return str(unit)
    # A share of what was realised would say nothing: it is of the equity with which the window began.
    return "percent.balance" if limit.basis is Basis.BALANCE else "percent.equity"


def _consequence(limit: Limit) -> str:
    if limit.measure is Measure.LEVERAGE and limit.action == "shrink":
        return "leverage.shrink"
    judged = MEASURES[limit.measure].judged
    return f"{'subscription' if Judged.EQUITY in judged else 'order'}.{limit.action}"
