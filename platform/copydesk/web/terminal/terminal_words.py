"""The terminal in words: what is wrong with a ticket, what an order is and became, and why."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.terminal import ActKind, ActState, Ended, OrderState, Part, Problem, Problems
from copydesk.terminal.model import Act, Found, HandOrder
from copydesk.trading import Denial, MarginMode, OrderType, Side
from copydesk.venues import Interval
from copydesk.web.signer_words import SIGNER_SENTENCES
from copydesk.web.words import words

_PROBLEMS: Mapping[Problem, LazyString] = {
    Problem.MISSING: lazy_gettext("Enter a number here; the field is empty."),
    Problem.NOT_A_NUMBER: lazy_gettext("Enter a number, such as 0.25; this is none."),
    Problem.NOT_ABOVE_ZERO: lazy_gettext("Enter a number above zero."),
    Problem.TOO_MANY_DIGITS: lazy_gettext("Enter at most %(most)s decimals."),
    Problem.BELOW_STEP: lazy_gettext("The exchange counts in steps of %(step)s %(unit)s; this is less than one."),
    Problem.OFF_TICK: lazy_gettext("The exchange counts prices in steps of %(tick)s: enter %(low)s or %(high)s."),
    Problem.BELOW_QTY_MIN: lazy_gettext("The exchange takes %(least)s %(unit)s or more; this is less."),
    Problem.ABOVE_QTY_MAX: lazy_gettext("The exchange takes at most %(most)s %(unit)s in one order."),
    Problem.BELOW_NOTIONAL_MIN: lazy_gettext(
        "The exchange takes orders worth %(least)s %(unit)s or more; this is worth %(worth)s."
    ),
    Problem.ABOVE_BALANCE: lazy_gettext("This account has %(most)s %(unit)s for it; enter no more than that."),
    Problem.NO_PRICE: lazy_gettext(
        "No price of this market is known now: give a limit price, or try again in a moment."
    ),
    Problem.UNKNOWN_CHOICE: lazy_gettext("Choose one of what is offered."),
    Problem.NOT_HERE: lazy_gettext("This exchange does not offer that on this market."),
    Problem.NOT_TRADING: lazy_gettext("The exchange does not trade this market at the moment."),
    Problem.EXITS_ON_REDUCING: lazy_gettext("An order that only reduces needs no take profit and no stop loss."),
    Problem.ONE_EXIT_ONLY: lazy_gettext(
        "On this exchange a spot order takes one of the two: take profit or stop loss. Leave one empty."
    ),
    Problem.NOTHING_HELD: lazy_gettext("There is no position that this order could reduce."),
    Problem.ABOVE_LEVERAGE_MAX: lazy_gettext("The exchange allows at most %(most)s× on this market."),
    Problem.BELOW_FILLED: lazy_gettext("%(filled)s of it are filled already; enter more than that."),
    Problem.UNCHANGED: lazy_gettext("Nothing would change: enter another quantity or another price."),
}
_ABOVE = lazy_gettext("Enter a price above %(px)s: this side of it would be reached at once.")
_BELOW = lazy_gettext("Enter a price below %(px)s: this side of it would be reached at once.")
_STATES: Mapping[OrderState, LazyString] = {
    OrderState.PLANNED: lazy_gettext("Waiting to be sent"),
    OrderState.SENDING: lazy_gettext("On its way"),
    OrderState.IN_FLIGHT: lazy_gettext("Outcome not known yet"),
    OrderState.OPEN: lazy_gettext("Open"),
    OrderState.FILLED: lazy_gettext("Filled"),
    OrderState.CANCELED: lazy_gettext("Canceled"),
    OrderState.REJECTED: lazy_gettext("Rejected"),
}
_TONES: Mapping[OrderState, str] = {
    OrderState.IN_FLIGHT: "warn",
    OrderState.OPEN: "busy",
    OrderState.FILLED: "ok",
    OrderState.REJECTED: "bad",
}
_REASONS: Mapping[str, LazyString] = {
    Ended.WAITED_TOO_LONG: lazy_gettext("It could not be sent within 15 seconds, so it was not sent at all."),
    Ended.ENTRY_NOT_FILLED: lazy_gettext("The order that it was to follow was not filled."),
    Ended.OTHER_EXIT_FILLED: lazy_gettext("The other exit of the same position was filled."),
    Ended.BY_OWNER: lazy_gettext("You canceled it."),
    Ended.NO_POSITION: lazy_gettext("There was nothing left to close."),
    Ended.NOT_SENT: lazy_gettext("The exchange could not be reached; nothing was sent."),
    Ended.OVER_BEFORE: lazy_gettext("The order was over before it could be changed."),
    Ended.REPLACED: lazy_gettext("You changed it: another order took its place."),
    Ended.NOTHING_LEFT: lazy_gettext("Too little of the order was left to send another one."),
    Ended.EXITS_WAIT: lazy_gettext("A take profit or stop loss waits for this order: cancel it and give another one."),
    Ended.NEW_NOT_TAKEN: lazy_gettext("The exchange did not take the new one, so this one stays."),
    Denial.NEVER_ARRIVED: lazy_gettext("It never arrived at the exchange."),
    Denial.STOPPED_BY_SWITCH: lazy_gettext("Orders that open are stopped here at the moment; closing works."),
    Denial.INSUFFICIENT_BALANCE: lazy_gettext("The account has not enough money for it."),
    Denial.MARKET_NOT_ALLOWED: lazy_gettext("This site does not open positions in this market."),
    Denial.RATE_LIMITED: lazy_gettext("The exchange limits how often it is asked; try again in a moment."),
    Denial.VENUE_UNAVAILABLE: lazy_gettext("The exchange does not answer at the moment."),
    Denial.VENUE_REFUSED: lazy_gettext("The exchange refused it."),
    Denial.NO_LIQUIDITY: lazy_gettext("Nothing was offered at that price."),
    Denial.POSITION_MODE_WRONG: lazy_gettext("The account is in the other position mode (one-way or hedge)."),
    Denial.LEVERAGE_REFUSED: lazy_gettext("The exchange does not allow this leverage for the position."),
    Denial.MARGIN_MODE_WRONG: lazy_gettext("The margin mode cannot be changed while a position or an order is open."),
    Denial.ACCOUNT_UNUSABLE: lazy_gettext("The account's key cannot be used; look at it under exchange keys."),
    Denial.BELOW_QTY_MIN: lazy_gettext("It is smaller than the exchange takes."),
    Denial.BELOW_NOTIONAL_MIN: lazy_gettext("It is worth less than the exchange takes."),
}
_TYPES: Mapping[OrderType, LazyString] = {
    OrderType.MARKET: lazy_gettext("Market"),
    OrderType.LIMIT: lazy_gettext("Limit"),
    OrderType.STOP_LIMIT: lazy_gettext("Stop limit"),
    OrderType.STOP_MARKET: lazy_gettext("Stop market"),
    OrderType.TAKE_PROFIT_MARKET: lazy_gettext("Take profit"),
    OrderType.TAKE_PROFIT_LIMIT: lazy_gettext("Take-profit limit"),
}
_PARTS: Mapping[Part, LazyString] = {
    Part.TAKE_PROFIT: lazy_gettext("Take profit"),
    Part.STOP_LOSS: lazy_gettext("Stop loss"),
    Part.CLOSE: lazy_gettext("Close"),
}
_ACTS: Mapping[ActKind, LazyString] = {
    ActKind.CANCEL: lazy_gettext("Cancel an order"),
    ActKind.CANCEL_ALL: lazy_gettext("Cancel all orders"),
    ActKind.AMEND: lazy_gettext("Change an order"),
    ActKind.LEVERAGE: lazy_gettext("Set leverage and margin mode"),
    ActKind.CLOSE_POSITION: lazy_gettext("Close a position"),
    ActKind.CLOSE_ALL: lazy_gettext("Close all positions"),
}
_ACT_STATES: Mapping[ActState, LazyString] = {
    ActState.PLANNED: lazy_gettext("Waiting"),
    ActState.DOING: lazy_gettext("Under way"),
    ActState.DONE: lazy_gettext("Done"),
    ActState.REFUSED: lazy_gettext("Refused"),
    ActState.DOUBTFUL: lazy_gettext("Outcome not known: look at the account"),
}
_INTERVALS: Mapping[Interval, LazyString] = {
    Interval.M1: lazy_gettext("1 min"),
    Interval.M5: lazy_gettext("5 min"),
    Interval.M15: lazy_gettext("15 min"),
    Interval.H1: lazy_gettext("1 h"),
    Interval.D1: lazy_gettext("1 d"),
}
_MODES: Mapping[MarginMode, LazyString] = {
    MarginMode.CROSS: lazy_gettext("Cross: the whole purse stands behind it"),
    MarginMode.ISOLATED: lazy_gettext("Isolated: its own margin alone"),
}


def problem_sentences(problems: Problems) -> dict[str, str]:
    """Say what is wrong with each field."""
    return {name: _sentence(found) for name, found in problems.items()}


def _sentence(found: Found) -> str:
    if found.problem is Problem.EXIT_WRONG_SIDE:
        told = _ABOVE if found.facts["way"] == "above" else _BELOW
    elif found.problem is Problem.STOP_WRONG_SIDE:
        told = _ABOVE if found.facts["side"] == Side.BUY else _BELOW
    else:
        told = _PROBLEMS[found.problem]
    return str(told) % dict(found.facts) if found.facts else str(told)


def order_state(order: HandOrder) -> tuple[str, str]:
    """Name an order's state, with the tone of its badge."""
    if order.waits:
        return str(gettext("Waits for its entry")), "plain"
    if order.state is OrderState.OPEN and order.cum_qty:
        return str(gettext("Partly filled")), "busy"
    return str(_STATES[order.state]), _TONES.get(order.state, "plain")


def order_name(order: HandOrder) -> str:
    """Name an order by what it is for, else by its type."""
    return str(_PARTS.get(order.planned.part) or _TYPES[order.planned.type])


def type_words(kind: OrderType) -> str:
    return str(_TYPES[kind])


def side_name(side: Side) -> str:
    return str(gettext("Buy") if side is Side.BUY else gettext("Sell"))


def reason_sentence(reason: str | None, message: str = "") -> str:
    """Say why an order or act ended as it did; what only the exchange knows is told in its own words."""
    if not reason:
        return ""
    if reason in _REASONS and reason != Denial.VENUE_REFUSED:
        return str(_REASONS[reason])
    if reason in SIGNER_SENTENCES:
        return str(SIGNER_SENTENCES[reason][0])
    if reason.startswith("key_"):
        return words(reason, {})
    return f"{_REASONS[Denial.VENUE_REFUSED]} {message}".strip()


def act_words(act: Act) -> tuple[str, str]:
    """Name an act, and how far it has come."""
    return str(_ACTS[act.kind]), str(_ACT_STATES[act.state])


def intervals() -> list[tuple[str, str]]:
    """List the lengths of candles, each in as few letters as people use for it."""
    return [(one.value, str(_INTERVALS[one])) for one in Interval]


def margin_modes() -> list[tuple[str, str]]:
    """List the margin modes for a form."""
    return [(str(mode), str(name)) for mode, name in _MODES.items()]


def margin_mode_name(mode: MarginMode | None) -> str:
    """Name a margin mode in one word."""
    if mode is None:
        return "–"
    return str(gettext("cross") if mode is MarginMode.CROSS else gettext("isolated"))
