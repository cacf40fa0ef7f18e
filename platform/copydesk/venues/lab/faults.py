"""Scripted faults: what can go wrong, whom it hits and how often, repeatable by seed.

`KINDS` is the one table of them. Rules on requests are struck at the gate; the others are put in force and lifted by
what they touch: an account's streams, an exchange, a market.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from copydesk.kernel import InvalidInput, NotFound


class Harm(StrEnum):
    """The names of all faults."""

    DELAY = "delay"
    DROP = "drop"
    EXECUTE_THEN_DROP = "execute_then_drop"
    STATUS = "status"
    GARBAGE = "garbage"
    PARTIAL_FILL = "partial_fill"
    MUTE = "mute"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    SWALLOW = "swallow"
    DISCONNECT = "disconnect"
    MAINTENANCE = "maintenance"
    CANCEL_ONLY = "cancel_only"
    CLOCK_OFFSET = "clock_offset"
    EXPIRE_LISTEN_KEYS = "expire_listen_keys"
    DELIST = "delist"
    GAP = "gap"
    FORGET = "forget"
    AGE_STREAMS = "age_streams"
    SERVER_SHUTDOWN = "server_shutdown"
    MISPRINT = "misprint"
    FREEZE = "freeze"


REQUEST, ORDER, STREAM, FEED, EXCHANGE, MARKET = "request", "order", "stream", "feed", "exchange", "market"


class Kind(NamedTuple):
    """One fault: what it concerns, the fields it takes beyond those of its scope, those it needs, and what it does.

    A fault that does not last acts once when it is added.
    """

    harm: Harm
    scope: str
    fields: tuple[str, ...]
    needs: tuple[str, ...]
    help: str
    lasts: bool = True


SCOPE_FIELDS: Mapping[str, tuple[str, ...]] = {
    REQUEST: ("venue", "method", "path", "account", "every", "times", "probability"),
    ORDER: ("venue", "account", "every", "times", "probability"),
    STREAM: ("venue", "account", "every", "times", "probability"),
    FEED: ("venue", "market", "symbol"),
    EXCHANGE: ("venue",),
    MARKET: (),
}

KINDS: Mapping[Harm, Kind] = {
    kind.harm: kind
    for kind in (
        Kind(Harm.DELAY, REQUEST, ("delay_ms",), ("delay_ms",), "carried out, answered delay_ms later"),
        Kind(Harm.DROP, REQUEST, (), (), "not carried out, the connection is closed"),
        Kind(Harm.EXECUTE_THEN_DROP, REQUEST, (), (), "carried out, the connection is closed without an answer"),
        Kind(
            Harm.STATUS,
            REQUEST,
            ("status", "body", "executes"),
            (),
            "answered with that status, in the exchange's words or with body",
        ),
        Kind(Harm.GARBAGE, REQUEST, ("body", "executes"), (), "answered 200 with an HTML page, or with body"),
        Kind(
            Harm.PARTIAL_FILL,
            ORDER,
            ("parts", "ratio"),
            (),
            "a taking order gets its quantity in so many parts, or a part of it",
        ),
        Kind(Harm.MUTE, STREAM, (), (), "private streams stay connected and silent"),
        Kind(Harm.DUPLICATE, STREAM, (), (), "events are sent twice"),
        Kind(Harm.REORDER, STREAM, (), (), "an event is sent after the one that follows it"),
        Kind(Harm.SWALLOW, STREAM, (), (), "events are lost"),
        Kind(Harm.DISCONNECT, STREAM, (), ("account",), "private streams of the account are cut", lasts=False),
        Kind(
            Harm.MISPRINT,
            FEED,
            ("percent", "times"),
            ("venue", "market", "percent"),
            "public streams tell prices that far off, each channel so many times",
        ),
        Kind(
            Harm.FREEZE,
            FEED,
            ("how",),
            ("venue", "market"),
            "public streams tell the last prices at new times, the last message again, or nothing",
        ),
        Kind(Harm.MAINTENANCE, EXCHANGE, (), ("venue",), "every request is answered 503 in the exchange's words"),
        Kind(Harm.CANCEL_ONLY, EXCHANGE, (), ("venue",), "orders are refused unless they only reduce; cancels work"),
        Kind(Harm.CLOCK_OFFSET, EXCHANGE, ("offset_ms",), ("venue", "offset_ms"), "the exchange's clock is off"),
        Kind(
            Harm.EXPIRE_LISTEN_KEYS,
            EXCHANGE,
            ("mode", "account"),
            ("venue",),
            "listen keys end",
            lasts=False,
        ),
        Kind(
            Harm.AGE_STREAMS,
            EXCHANGE,
            ("hours",),
            ("venue", "hours"),
            "open stream connections are that much older; Binance cuts them at 24 hours",
            lasts=False,
        ),
        Kind(
            Harm.SERVER_SHUTDOWN,
            EXCHANGE,
            ("delay_ms",),
            ("venue",),
            "Binance's spot streams say serverShutdown and are cut delay_ms later",
            lasts=False,
        ),
        Kind(
            Harm.FORGET,
            EXCHANGE,
            ("account",),
            ("venue",),
            "finished orders are found no more, as after years; their executions are",
            lasts=False,
        ),
        Kind(
            Harm.DELIST,
            MARKET,
            ("venue", "market", "symbol"),
            ("venue", "symbol"),
            "orders and positions are ended, and it is off the lists",
        ),
        Kind(Harm.GAP, MARKET, ("symbol", "percent"), ("symbol", "percent"), "the price jumps by that much"),
    )
}


class Field(NamedTuple):
    """What a field of a fault may hold: a type, bounds for numbers, a choice for texts."""

    type: type | tuple[type, ...]
    help: str
    least: float | None = None
    most: float | None = None
    choice: tuple[str, ...] = ()


FIELDS: Mapping[str, Field] = {
    "venue": Field(str, "exchange; empty: all"),
    "method": Field(str, "HTTP method, WS for a WebSocket API; empty: all"),
    "path": Field(str, "beginning of the path, or the WebSocket API's method; empty: all"),
    "account": Field(str, "account; empty: all"),
    "every": Field(int, "of what matches, every so manieth is hit", least=1),
    "times": Field((int, type(None)), "at most so many are hit; null: without end", least=0),
    "probability": Field((int, float), "chance of a hit, by the lab's seed", least=0, most=1),
    "delay_ms": Field((int, float), "milliseconds", least=0, most=600_000),
    "status": Field(int, "HTTP status", least=100, most=599),
    "body": Field(str, "body of the answer"),
    "executes": Field(bool, "whether the request is carried out first"),
    "parts": Field(int, "number of executions", least=1, most=50),
    "ratio": Field((int, float), "part of the quantity that the book gives at once", least=0, most=1),
    "offset_ms": Field((int, float), "milliseconds, positive is ahead", least=-86_400_000, most=86_400_000),
    "mode": Field(
        str, "listen keys end silently, with their event, or with a close", choice=("silently", "event", "close")
    ),
    "how": Field(str, "how a feed is frozen", choice=("still", "repeat", "silent")),
    "hours": Field((int, float), "hours of market time", least=0, most=24),
    "market": Field(str, "spot or perp", choice=("spot", "perp")),
    "symbol": Field(str, "the exchange's name of the instrument; for a gap the pair, as BTCUSDT"),
    "percent": Field((int, float), "percent, negative is down", least=-90, most=900),
}

_GARBAGE = "<html><head><title>502 Bad Gateway</title></head></html>"


@dataclass(slots=True)
class Fault:
    """One rule in force. Empty `venue`, `method`, `path`, `account` match all; `path` matches as a prefix.

    Of what matches every `every`-th is hit, at most `times` times (None: without end), each with `probability`.
    `executes` decides whether a request hit by a status or garbage fault is carried out first.
    """

    id: int
    harm: Harm
    chance: random.Random = field(repr=False, compare=False)
    venue: str = ""
    method: str = ""
    path: str = ""
    account: str = ""
    every: int = 1
    times: int | None = None
    probability: float = 1.0
    delay_ms: float = 0.0
    status: int = 503
    body: str = ""
    executes: bool = False
    parts: int = 1
    ratio: float = 1.0
    offset_ms: float = 0.0
    mode: str = "silently"
    how: str = "still"
    hours: float = 0.0
    market: str = "spot"
    symbol: str = ""
    percent: float = 0.0
    seen: int = 0
    hits: int = 0

    @property
    def kind(self) -> Kind:
        return KINDS[self.harm]

    def content(self) -> str:
        """Return the body of a garbage answer."""
        return self.body or _GARBAGE

    def matches(self, venue: str, method: str, path: str, account: str) -> bool:
        return (
            (not self.venue or self.venue == venue)
            and (not self.method or self.method == method)
            and path.startswith(self.path)
            and (not self.account or self.account == account)
        )

    def strikes(self) -> bool:
        """Count something that matches; tell whether it is hit."""
        if self.times is not None and self.hits >= self.times:
            return False
        self.seen += 1
        if self.seen % self.every or (self.probability < 1.0 and self.chance.random() >= self.probability):
            return False
        self.hits += 1
        return True


class FaultPlan:
    """Hold the rules in force and pick the one that hits a request. Truth is whether any rule is on requests."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable chance, not a secret
        self._faults: dict[int, Fault] = {}
        self._on_requests: list[Fault] = []
        self._ids = 0

    def __bool__(self) -> bool:
        return bool(self._on_requests)

    def __iter__(self) -> Iterator[Fault]:
        return iter(list(self._faults.values()))

    def add(self, wanted: Mapping[str, Any]) -> Fault:
        """Put a rule in force; raise `InvalidInput` for a field that is unknown, missing or out of bounds."""
        kind = _kind_of(wanted)
        fields = {name: _value_of(kind, name, value) for name, value in wanted.items() if name != "harm"}
        for name in kind.needs:
            if name not in fields:
                raise InvalidInput(f"{name}: expected a value, which {kind.harm} needs, found none")
        self._ids += 1
        fault = Fault(id=self._ids, harm=kind.harm, chance=self._random, **fields)
        if fault.harm in (Harm.DELAY, Harm.EXECUTE_THEN_DROP):
            fault.executes = True
        if kind.lasts:
            self._faults[fault.id] = fault
        if kind.scope == REQUEST:
            self._on_requests.append(fault)
        return fault

    def remove(self, fault_id: int) -> Fault:
        """Drop one rule; `NotFound` for a number that no rule has."""
        fault = self._faults.pop(fault_id, None)
        if fault is None:
            raise NotFound(f"id: expected a fault in force, found {fault_id}")
        self._on_requests = [one for one in self._on_requests if one is not fault]
        return fault

    def strike(self, venue: str, method: str, path: str, account: str) -> Fault | None:
        """Return the first rule that hits this request, counting it."""
        return first_hit(self._on_requests, venue, method, path, account)


def first_hit(faults: list[Fault], venue: str, method: str, path: str, account: str) -> Fault | None:
    """Return the first of these rules that matches and hits, counting it."""
    for fault in faults:
        if fault.matches(venue, method, path, account) and fault.strikes():
            return fault
    return None


def _kind_of(wanted: Mapping[str, Any]) -> Kind:
    harm = wanted.get("harm")
    if not isinstance(harm, str) or harm not in set(Harm):
        raise InvalidInput(f"harm: expected one of {[str(h) for h in Harm]}, found {harm!r}")
    return KINDS[Harm(harm)]


def _value_of(kind: Kind, name: str, value: Any) -> Any:
    known = {*SCOPE_FIELDS[kind.scope], *kind.fields}
    if name not in known:
        raise InvalidInput(f"{name}: expected one of {sorted(known)}, found an unknown field")
    wanted = FIELDS[name]
    whole = isinstance(value, wanted.type) and (not isinstance(value, bool) or wanted.type is bool)
    if not whole or (wanted.choice and value not in wanted.choice):
        raise InvalidInput(f"{name}: expected {wanted.help}, found {value!r}")
    if value is not None and not isinstance(value, str):
        _within(name, wanted, value)
    return value


def _within(name: str, wanted: Field, value: float) -> None:
    if wanted.least is not None and not value >= wanted.least:
        raise InvalidInput(f"{name}: expected at least {wanted.least:g}, found {value}")
    if wanted.most is not None and not value <= wanted.most:
        raise InvalidInput(f"{name}: expected at most {wanted.most:g}, found {value}")
