"""Values of the perpetuals engine: rules of an exchange, settings of an account, margin at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from copydesk.venues.lab.model import CROSS, Event, Reject
from copydesk.venues.lab.rules import OrderRules

# Fees, funding, shares of an entry cost and margins are counted to this place, as the exchanges do.
PLACES = Decimal("1E-8")


@dataclass(frozen=True, slots=True)
class PerpRules(OrderRules):
    """What differs between exchanges for perpetuals.

    With `position_mode_per_symbol` hedge mode is set per symbol (Bybit), else for the whole account.
    """

    position_mode_per_symbol: bool = False
    leverage_default: int = 20
    margin_mode_default: str = CROSS


class SymbolSettings(NamedTuple):
    """An account's settings for one symbol; `margin_mode` is CROSS or ISOLATED."""

    leverage: int
    margin_mode: str


class Change(NamedTuple):
    """Answer to changing settings or moving money; nothing has changed when `reject` is set."""

    reject: Reject | None
    events: list[Event]


class MarginView(NamedTuple):
    """An account's margin in the settle currency.

    `wallet` is the purse's free money, isolated margins included; `equity` adds unrealized profit. `available` is
    what new positions may use (unrealized profit of cross positions counts), `withdrawable` what may leave (it does
    not). `initial_margin` is that of positions, `order_margin` what open orders need beyond it.
    """

    wallet: Decimal
    unrealized: Decimal
    equity: Decimal
    initial_margin: Decimal
    order_margin: Decimal
    maint_margin: Decimal
    available: Decimal
    withdrawable: Decimal
