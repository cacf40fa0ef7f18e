"""What somebody typed to change an order that rests: its new terms, or what is wrong with which field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import decimal_text
from copydesk.terminal.model import Found, HandOrder, Problem, Problems
from copydesk.terminal.ticket import BASE, Rules, read_ticket
from copydesk.venues.traits import Feature, VenueTraits


class Change(NamedTuple):
    """What an order is to be from now on: its whole quantity, what is filled of it included, and its price."""

    qty: Decimal
    px: Decimal


def read_change(form: Mapping[str, str], order: HandOrder, rules: Rules) -> tuple[Change | None, Problems]:
    """Read a change by the rules of a ticket; whether the account has the money for it, the exchange judges."""
    told = order.planned
    typed = {
        "side": str(told.side),
        "type": "limit",
        "unit": BASE,
        "qty": form.get("qty", ""),
        "px": form.get("px", ""),
    }
    if told.reduce_only:
        typed["reduce_only"] = "yes"
    ticket = read_ticket(typed, replace(rules, held=None, free=None))
    if ticket.order is None:
        return None, ticket.problems
    assert ticket.order.px is not None, "a limit order has a price"
    change = Change(ticket.order.qty, ticket.order.px)
    if change.qty <= order.cum_qty:
        return None, {"qty": Found(Problem.BELOW_FILLED, {"filled": decimal_text(order.cum_qty)})}
    if change == (told.qty, told.px):
        return None, {"": Found(Problem.UNCHANGED)}
    return change, {}


def changes_in_place(symbol: str, traits: VenueTraits) -> bool:
    """Tell whether an exchange changes an order that rests; elsewhere another one takes its place."""
    return traits.supports(Feature.PERPETUAL_AMEND if ":" in symbol else Feature.SPOT_AMEND)
