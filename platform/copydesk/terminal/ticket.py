"""What somebody typed into an order ticket: the orders that it means, or what is wrong with which field. Pure.

Quantities are rounded down to the exchange's step, which is said; prices are never moved: one that the exchange does
not count in is named with its neighbors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from copydesk.kernel import ZERO, decimal_text, floor_to_step, round_to_step
from copydesk.terminal.exits import exit_of
from copydesk.terminal.model import Found, Part, Planned, Problem, Problems
from copydesk.terminal.numbers import on_tick, read_number
from copydesk.trading import Instrument, MarginMode, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues.traits import Feature, VenueTraits

TYPES: Mapping[str, OrderType] = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop_limit": OrderType.STOP_LIMIT,
}
FORCES: Mapping[str, TimeInForce] = {str(one): one for one in TimeInForce}
BASE, QUOTE = "base", "quote"
# How far above the price a purchase may be filled where an exchange takes no market order for it.
MARKET_BUY_SLACK = Decimal("0.01")


@dataclass(frozen=True)
class Rules:
    """What a ticket is judged by: the instrument, the exchange, its price, and what the account has there.

    `held` is the signed quantity of the position, or of the coin on spot; None where it is not known. `free` is what
    may be spent, None where that is not known. `hedge` tells an account with a long and a short position apart.
    """

    instrument: Instrument
    traits: VenueTraits
    px: Decimal | None = None
    held: Decimal | None = None
    free: Decimal | None = None
    hedge: bool = False
    margin_mode: MarginMode | None = None


@dataclass(frozen=True)
class Ticket:
    """What a form means: the order with its exits, or problems; `rounded_from` where the step made it smaller.

    `exits` are orders of their own, sent once the order that they follow was filled.
    """

    order: Planned | None = None
    exits: tuple[Planned, ...] = ()
    problems: Problems = field(default_factory=dict)
    rounded_from: Decimal | None = None


class _Form:
    """A form that is being read: values as they are understood, problems as they are found."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self.problems: dict[str, Found] = {}

    def wrong(self, name: str, problem: Problem, **facts: str) -> None:
        self.problems.setdefault(name, Found(problem, facts))

    def text(self, name: str) -> str:
        return self._form.get(name, "").strip()

    def number(self, name: str, *, required: bool) -> Decimal | None:
        """Read a number above zero; what is missing and needed is a problem."""
        read = read_number(self.text(name))
        if isinstance(read, Found):
            self.problems.setdefault(name, read)
            return None
        if read is None and required:
            self.wrong(name, Problem.MISSING)
        return read

    def px(self, name: str, instrument: Instrument, *, required: bool) -> Decimal | None:
        """Read a price that the exchange counts in."""
        px = self.number(name, required=required)
        off = None if px is None else on_tick(px, instrument.px_tick)
        if off is not None:
            self.problems.setdefault(name, off)
            return None
        return px


def read_ticket(form: Mapping[str, str], rules: Rules) -> Ticket:
    """Read a ticket. Fields: side, type, qty, unit, px, stop_px, take_profit_px, stop_loss_px, reduce_only, force."""
    read, instrument = _Form(form), rules.instrument
    kind, side = TYPES.get(read.text("type")), _side(read.text("side"))
    if kind is None:
        read.wrong("type", Problem.UNKNOWN_CHOICE)
    if side is None:
        read.wrong("side", Problem.UNKNOWN_CHOICE)
    if kind is None or side is None:
        return Ticket(problems=read.problems)
    _judge_place(read, kind, rules)
    px = read.px("px", instrument, required=True) if kind is not OrderType.MARKET else None
    stop_px = read.px("stop_px", instrument, required=True) if kind is OrderType.STOP_LIMIT else None
    _judge_stop(read, side, stop_px, rules)
    reduces = read.text("reduce_only") == "yes"
    if not instrument.perpetual:
        reduces = side is Side.SELL
    wanted = _wanted_qty(read, px or rules.px)
    qty = _judged_qty(read, wanted, side, kind, px or rules.px, rules, reduces=reduces)
    exits = _exit_prices(read, side, stop_px or px or rules.px, rules, reduces=reduces)
    if read.text("force") not in {"", *FORCES}:
        read.wrong("force", Problem.UNKNOWN_CHOICE)
    if read.problems or qty is None:
        return Ticket(problems=read.problems)
    force = FORCES.get(read.text("force"), TimeInForce.GTC) if kind is not OrderType.MARKET else None
    if kind is OrderType.MARKET and buys_by_limit(instrument, rules.traits) and side is Side.BUY:
        assert rules.px is not None, "a purchase on spot was judged by a price"
        px = round_to_step(rules.px * (1 + MARKET_BUY_SLACK), instrument.px_tick, ROUND_CEILING)
        kind, force = OrderType.LIMIT, TimeInForce.IOC
    order = Planned(
        instrument.symbol,
        side,
        kind,
        qty,
        px,
        stop_px,
        reduce_only=reduces,
        time_in_force=force,
        position_side=_position_side(side, rules, reduces=reduces),
        margin_mode=rules.margin_mode if instrument.perpetual and not reduces else None,
    )
    rounded = wanted if wanted is not None and wanted != qty else None
    return _with_exits(order, exits, rules, rounded)


def buys_by_limit(instrument: Instrument, traits: VenueTraits) -> bool:
    """Tell whether a market purchase is sent as a limit order: some exchanges take but an amount to spend on spot."""
    return not (instrument.perpetual or traits.supports(Feature.SPOT_MARKET_BUY))


def read_exits(form: Mapping[str, str], rules: Rules) -> Ticket:
    """Read take profit and stop loss of a position that is held: one or both, as orders of their own.

    `rules.held` is the position's signed quantity.
    """
    read, held = _Form(form), rules.held or ZERO
    side = Side.BUY if held > 0 else Side.SELL
    if held == ZERO:
        read.wrong("", Problem.NOTHING_HELD)
    if not rules.instrument.perpetual:
        read.wrong("", Problem.NOT_HERE)
    if read.problems:
        return Ticket(problems=read.problems)
    found = _exit_prices(read, side, rules.px, rules, reduces=False)
    if not found and not read.problems:
        read.wrong("take_profit_px", Problem.MISSING)
    if read.problems:
        return Ticket(problems=read.problems)
    market = Planned(rules.instrument.symbol, side, OrderType.MARKET, abs(held))
    market = market._replace(position_side=_position_side(side, rules, reduces=False))
    return Ticket(exits=tuple(exit_of(market, part, px) for part, px in found.items()))


def read_leverage(form: Mapping[str, str], instrument: Instrument) -> tuple[int | None, MarginMode | None, Problems]:
    """Read leverage and margin mode of a perpetual."""
    read = _Form(form)
    number = read.number("leverage", required=True)
    if number is not None and number != number.to_integral_value():
        read.wrong("leverage", Problem.NOT_A_NUMBER)
    elif number is not None and number > instrument.leverage_max:
        read.wrong("leverage", Problem.ABOVE_LEVERAGE_MAX, most=str(instrument.leverage_max))
    mode = {str(one): one for one in MarginMode}.get(read.text("margin_mode"))
    if mode is None:
        read.wrong("margin_mode", Problem.UNKNOWN_CHOICE)
    if not instrument.perpetual:
        read.wrong("", Problem.NOT_HERE)
    return (None if number is None or read.problems else int(number)), mode, read.problems


def _side(text: str) -> Side | None:
    return Side(text) if text in set(Side) else None


def _judge_place(read: _Form, kind: OrderType, rules: Rules) -> None:
    """Name what the exchange, or the instrument at this moment, does not take at all."""
    if not rules.instrument.trading:
        read.wrong("", Problem.NOT_TRADING)
    lacks = Feature.PERPETUAL_CONDITIONAL if rules.instrument.perpetual else Feature.SPOT_CONDITIONAL
    if kind.conditional and not (rules.traits.supports(lacks) and kind in rules.traits.conditional_types):
        read.wrong("type", Problem.NOT_HERE)


def _judge_stop(read: _Form, side: Side, stop_px: Decimal | None, rules: Rules) -> None:
    """A stop waits for the price to come: a buy above the market, a sale below it."""
    if stop_px is None or rules.px is None:
        return
    if stop_px <= rules.px if side is Side.BUY else stop_px >= rules.px:
        read.wrong("stop_px", Problem.STOP_WRONG_SIDE, px=decimal_text(rules.px), side=str(side))


def _wanted_qty(read: _Form, px: Decimal | None) -> Decimal | None:
    """Return what was asked for in base units, before the step; an amount of quote currency needs a price."""
    typed = read.number("qty", required=True)
    if typed is None or read.text("unit") != QUOTE:
        return typed
    if px is None:
        if "px" not in read.problems:
            read.wrong("qty", Problem.NO_PRICE)
        return None
    return typed / px


def _judged_qty(
    read: _Form,
    wanted: Decimal | None,
    side: Side,
    kind: OrderType,
    px: Decimal | None,
    rules: Rules,
    *,
    reduces: bool,
) -> Decimal | None:
    """Round down to the step, and hold the result to what the exchange takes and the account has."""
    if wanted is None:
        return None
    one = rules.instrument
    qty = floor_to_step(wanted, one.qty_step)
    if qty == ZERO:
        read.wrong("qty", Problem.BELOW_STEP, step=decimal_text(one.qty_step), unit=one.base)
    elif qty < one.qty_min:
        read.wrong("qty", Problem.BELOW_QTY_MIN, least=decimal_text(one.qty_min), unit=one.base)
    elif one.qty_max and qty > one.qty_max:
        read.wrong("qty", Problem.ABOVE_QTY_MAX, most=decimal_text(one.qty_max), unit=one.base)
    elif px is not None and qty * px < one.notional_min and not (reduces and one.perpetual):
        worth = decimal_text((qty * px).quantize(Decimal("0.01")))
        read.wrong("qty", Problem.BELOW_NOTIONAL_MIN, least=decimal_text(one.notional_min), worth=worth, unit=one.quote)
    elif px is None and kind is OrderType.MARKET and one.perpetual is False and side is Side.BUY:
        read.wrong("qty", Problem.NO_PRICE)
    else:
        _judge_money(read, qty, side, px, rules, reduces=reduces)
    return qty


def _judge_money(read: _Form, qty: Decimal, side: Side, px: Decimal | None, rules: Rules, *, reduces: bool) -> None:
    """Hold an order to what the account has, as far as that is known; a perpetual's margin the exchange judges."""
    one = rules.instrument
    if one.perpetual:
        if reduces and rules.held is not None and _reducible(side, rules.held) < qty:
            held = decimal_text(_reducible(side, rules.held))
            read.wrong("qty", Problem.NOTHING_HELD if held == "0" else Problem.ABOVE_BALANCE, most=held, unit=one.base)
    elif side is Side.SELL and rules.held is not None and qty > rules.held:
        read.wrong("qty", Problem.ABOVE_BALANCE, most=decimal_text(rules.held), unit=one.base)
    elif side is Side.BUY and px is not None and rules.free is not None and qty * px > rules.free:
        read.wrong("qty", Problem.ABOVE_BALANCE, most=decimal_text(rules.free), unit=one.quote)


def _reducible(side: Side, held: Decimal) -> Decimal:
    """Return how much an order of this side can bring a position down."""
    return max(held if side is Side.SELL else -held, ZERO)


def _exit_prices(read: _Form, side: Side, px: Decimal | None, rules: Rules, *, reduces: bool) -> dict[Part, Decimal]:
    """Read take profit and stop loss: on the far side and the near side of the price that the order is filled at."""
    found: dict[Part, Decimal] = {}
    for part, name in ((Part.TAKE_PROFIT, "take_profit_px"), (Part.STOP_LOSS, "stop_loss_px")):
        exit_px = read.px(name, rules.instrument, required=False)
        if exit_px is None:
            continue
        above = (part is Part.TAKE_PROFIT) is (side is Side.BUY)
        if reduces:
            read.wrong(name, Problem.EXITS_ON_REDUCING)
        elif px is not None and (exit_px <= px if above else exit_px >= px):
            read.wrong(name, Problem.EXIT_WRONG_SIDE, px=decimal_text(px), way="above" if above else "below")
        found[part] = exit_px
    if len(found) > 1 and not rules.instrument.perpetual and not rules.traits.supports(Feature.SPOT_ATTACHED_EXITS):
        read.wrong("stop_loss_px", Problem.ONE_EXIT_ONLY)
    return found


def _position_side(side: Side, rules: Rules, *, reduces: bool) -> PositionSide:
    """In hedge mode a purchase opens a long and closes a short position."""
    if not rules.hedge or not rules.instrument.perpetual:
        return PositionSide.NET
    return PositionSide.LONG if (side is Side.BUY) is not reduces else PositionSide.SHORT


def _with_exits(order: Planned, exits: Mapping[Part, Decimal], rules: Rules, rounded: Decimal | None) -> Ticket:
    """Attach exits where the exchange takes them with a plain order; elsewhere they follow it."""
    spot, swap = Feature.SPOT_ATTACHED_EXITS, Feature.PERPETUAL_ATTACHED_EXITS
    attaches = rules.traits.supports(swap if rules.instrument.perpetual else spot) and not order.type.conditional
    if attaches:
        gain, loss = exits.get(Part.TAKE_PROFIT), exits.get(Part.STOP_LOSS)
        return Ticket(order._replace(take_profit_px=gain, stop_loss_px=loss), rounded_from=rounded)
    following = tuple(exit_of(order, part, px) for part, px in exits.items())
    return Ticket(order, following, rounded_from=rounded)
