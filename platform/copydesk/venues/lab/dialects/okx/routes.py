"""What an OKX endpoint declares: its handler, the right that it needs and its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copydesk.venues.lab.dialects.okx.params import Call
from copydesk.venues.lab.keys import READ

if TYPE_CHECKING:
    from copydesk.venues.lab.dialects.okx.desk import Desk

Handler = Callable[["Desk", Call], Any]
PREFIX = "/api/v5"
TWO_SECONDS_MS = 2000
# Rights of a key in the exchange's words; "" is for everyone.
TRADE = "trade"
PUBLIC = ""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `needs` is a right, "" for public ones.

    It may be called `most` times in `every_ms`, per address if public, else per user; per value of the parameter
    `per` where one is named. `most` 0 means that the handler counts (orders in a batch, for instance).
    """

    handler: Handler
    needs: str
    most: int
    every_ms: int
    per: str
    batch: bool
    timed: bool


Routes = dict[tuple[str, str], Route]


def public(handler: Handler, most: int, *, per: str = "", every_ms: int = TWO_SECONDS_MS) -> Route:
    """Declare an endpoint that is open to everyone."""
    return Route(handler, PUBLIC, most, every_ms, per, batch=False, timed=False)


def private(handler: Handler, most: int, *, needs: str = READ, per: str = "", every_ms: int = TWO_SECONDS_MS) -> Route:
    """Declare an endpoint about the caller's own account."""
    return Route(handler, needs, most, every_ms, per, batch=False, timed=False)


def order_route(handler: Handler, *, batch: bool = False) -> Route:
    """Declare an endpoint that acts on orders: the handler counts, and answers with its whole envelope."""
    return Route(handler, TRADE, 0, TWO_SECONDS_MS, "", batch=batch, timed=True)
