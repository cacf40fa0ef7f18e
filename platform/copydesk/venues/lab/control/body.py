"""What control calls reach, and how they read their bodies: a wrong field is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

from copydesk.kernel import InvalidInput, NotFound
from copydesk.venues.lab.control.reader import JournalReader
from copydesk.venues.lab.dialect import Dialect
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument
from copydesk.venues.lab.server import Request
from copydesk.venues.lab.world import World

Body = Mapping[str, Any]
LIST_MAX = 10_000


@dataclass
class Lab:
    """The simulated world, the dialects that speak for it, and where it listens once it does."""

    world: World
    dialects: Sequence[Dialect]
    places: dict[str, Any] = field(default_factory=dict)
    delisted: dict[int, LabInstrument] = field(default_factory=dict)
    journal: JournalReader = field(init=False)

    def __post_init__(self) -> None:
        self.journal = JournalReader(self.world.journal.path)

    def exchange(self, body: Body, default: str = "binance") -> Exchange:
        """Return the exchange that `venue` names."""
        venue = body.get("venue", default)
        exchange = self.world.exchanges.get(venue) if isinstance(venue, str) else None
        if exchange is None:
            raise InvalidInput(f"venue: expected one of {sorted(self.world.exchanges)}, found {venue!r}")
        return exchange

    def chosen(self, body: Body) -> list[Exchange]:
        """Return the exchange that `venue` names, or all."""
        return [self.exchange(body)] if body.get("venue") else list(self.world.exchanges.values())

    def account(self, body: Body) -> tuple[Exchange, str]:
        """Return an existing account and its exchange."""
        account = word(body, "account")
        exchange = self.world.exchange_of(account)
        if exchange is None:
            raise NotFound(f"account: expected one of the lab's accounts, found {account!r}")
        return exchange, account

    def dialect(self, exchange: Exchange) -> Dialect:
        """Return who speaks for an exchange; accounts of two kinds may share one."""
        return next(d for d in self.dialects if exchange.venue.partition("-")[0] == d.venue)


class Call(NamedTuple):
    """One control call: `fields` is what its body (or query) may hold, `help` what it does."""

    method: str
    path: str
    act: Callable[[Lab, Body], Any]
    fields: str
    help: str


def body_of(request: Request) -> Body:
    """Read a body; a GET may bring its fields in the query, as text."""
    if not request.body:
        return dict(parse_qsl(request.query))
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"body: expected JSON, found {error}") from error
    if not isinstance(body, dict):
        raise InvalidInput(f"body: expected a JSON object, found {type(body).__name__}")
    return body


def word(body: Body, name: str) -> str:
    """Read a text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name}: expected a text, found {value!r}")
    return value


def words(body: Body, name: str, default: list[str]) -> list[str]:
    """Read a list of texts."""
    value = body.get(name, default)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InvalidInput(f"{name}: expected a list of texts, found {value!r}")
    return value


def number(body: Body, name: str, most: float) -> float:
    """Read a number from 0 to `most`."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidInput(f"{name}: expected a number from 0 to {most}, found {value!r}")
    return float(value)


def count(body: Body, name: str, default: int, most: int = LIST_MAX) -> int:
    """Read a whole number from 0 to `most`, also as the digits of a query."""
    value = body.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise InvalidInput(f"{name}: expected a whole number from 0 to {most}, found {value!r}")
    return value


def decimal(body: Body, name: str) -> Decimal:
    """Read a decimal number, given as text or as a JSON number."""
    value = body.get(name)
    try:
        found = Decimal(value if isinstance(value, str) else str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise InvalidInput(f"{name}: expected a decimal number, found {value!r}")
    return found


def flag(body: Body, name: str, default: bool) -> bool:
    """Read true or false."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise InvalidInput(f"{name}: expected true or false, found {value!r}")
    return value


def market_of(body: Body) -> str:
    """Read which market of an exchange is meant; spot if nothing is said."""
    market = body.get("market", SPOT)
    if market not in (SPOT, PERP):
        raise InvalidInput(f"market: expected spot or perp, found {market!r}")
    return str(market)
