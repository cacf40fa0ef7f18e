"""Control calls on scripted faults, and what puts each kind in force and lifts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, Protocol, runtime_checkable

from copydesk.kernel import InvalidInput
from copydesk.venues.lab.control.body import Body, Call, Lab, count
from copydesk.venues.lab.control.market import require_pair
from copydesk.venues.lab.delisting import delist, relist
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FEED, FIELDS, KINDS, ORDER, SCOPE_FIELDS, STREAM, Fault, Harm

REPLAY_MAX = 1_000_000
ID_MAX = 10**9
HOUR_MS = 3_600_000.0


@runtime_checkable
class ListenKeys(Protocol):
    """A dialect whose private streams live by listen keys. `mode` is silently, event or close; no account means all."""

    def expire_listen_keys(self, mode: str, account: str = "") -> int: ...


@runtime_checkable
class MortalStreams(Protocol):
    """A dialect whose stream connections end by their age, or with a server that says so before."""

    def age_streams(self, by_ms: float) -> int: ...

    def shut_down(self, delay_ms: float) -> int: ...


class Effect(NamedTuple):
    """What a fault does when it is added, and when it is lifted."""

    begin: Callable[[Lab, Fault], dict[str, Any]]
    end: Callable[[Lab, Fault], None] = lambda _lab, _fault: None


def list_kinds(_lab: Lab, _body: Body) -> Any:
    """Show every fault by name with its fields."""
    rows = [
        {
            "harm": kind.harm,
            "scope": kind.scope,
            "lasts": kind.lasts,
            "needs": kind.needs,
            "fields": {name: FIELDS[name].help for name in dict.fromkeys(SCOPE_FIELDS[kind.scope] + kind.fields)},
            "help": kind.help,
        }
        for kind in KINDS.values()
    ]
    return {"kinds": rows}


def list_faults(lab: Lab, _body: Body) -> Any:
    """Show the faults in force and how often each has hit."""
    return {"faults": [fault_view(fault) for fault in lab.world.faults]}


def fault_view(fault: Fault) -> dict[str, Any]:
    """Describe one fault by the fields that its kind has."""
    names = dict.fromkeys((*SCOPE_FIELDS[fault.kind.scope], *fault.kind.fields))
    fields = {name: getattr(fault, name) for name in names}
    return {"id": fault.id, "harm": fault.harm, **fields, "seen": fault.seen, "hits": fault.hits}


def add_fault(lab: Lab, body: Body) -> Any:
    """Put a fault in force, or carry it out if it acts once."""
    venue, account = body.get("venue"), body.get("account")
    if venue:
        lab.exchange(body)
    if account:
        lab.account(body)
    fault = lab.world.faults.add(body)
    try:
        told = _effect(fault).begin(lab, fault)
    except InvalidInput:
        if fault.kind.lasts:
            lab.world.faults.remove(fault.id)
        raise
    return {"id": fault.id, **told}


def lift_faults(lab: Lab, body: Body) -> Any:
    """Lift one fault by number, or all."""
    faults = lab.world.faults
    wanted = [count(body, "id", 0, ID_MAX)] if "id" in body else [fault.id for fault in faults]
    for number in wanted:
        fault = faults.remove(number)
        _effect(fault).end(lab, fault)
    return {"cleared": len(wanted)}


def replay(lab: Lab, body: Body) -> Any:
    """Send an account's last events once more, oldest first."""
    exchange, account = lab.account(body)
    value = body.get("count")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= REPLAY_MAX:
        raise InvalidInput(f"count: expected a number from 0 to {REPLAY_MAX}, found {value!r}")
    return {"replayed": exchange.streams.replay(account, int(value))}


def _effect(fault: Fault) -> Effect:
    return _EFFECTS.get(fault.harm) or _BY_SCOPE.get(fault.kind.scope, _NOTHING)


def _concerned(lab: Lab, fault: Fault) -> list[Exchange]:
    """Return the exchanges that a fault is about."""
    exchanges = lab.world.exchanges.values()
    home = lab.world.exchange_of(fault.account) if fault.account else None
    return [e for e in exchanges if fault.venue in ("", e.venue) and home in (None, e)]


def _same_house(lab: Lab, fault: Fault) -> list[Exchange]:
    """Return the named exchange in all its kinds of account: what is off for one is off for all."""
    family = fault.venue.partition("-")[0]
    return [e for e in lab.world.exchanges.values() if e.venue.partition("-")[0] == family]


def _harm_streams(lab: Lab, fault: Fault) -> dict[str, Any]:
    for exchange in _concerned(lab, fault):
        exchange.streams.harms.append(fault)
    return {}


def _heal_streams(lab: Lab, fault: Fault) -> None:
    for exchange in lab.world.exchanges.values():
        exchange.streams.lift(fault)


def _harm_feed(lab: Lab, fault: Fault) -> dict[str, Any]:
    exchange = lab.world.exchanges[fault.venue]
    listed = sorted(exchange.engine(fault.market).instruments)
    if fault.symbol and fault.symbol not in listed:
        raise InvalidInput(f"symbol: expected one of {listed}, found {fault.symbol!r}")
    exchange.public.harms.append(fault)
    return {}


def _heal_feed(lab: Lab, fault: Fault) -> None:
    lab.world.exchanges[fault.venue].public.lift(fault)


def _script_fills(lab: Lab, fault: Fault) -> dict[str, Any]:
    for exchange in _concerned(lab, fault):
        exchange.fills.patterns.append(fault)
    return {}


def _unscript_fills(lab: Lab, fault: Fault) -> None:
    for exchange in lab.world.exchanges.values():
        exchange.fills.patterns = [one for one in exchange.fills.patterns if one is not fault]


def _disconnect(lab: Lab, fault: Fault) -> dict[str, Any]:
    return {"disconnected": sum(dialect.disconnect(fault.account) for dialect in lab.dialects)}


def _switch(name: str, concerned: Callable[[Lab, Fault], list[Exchange]]) -> Effect:
    """Make the effect that sets a flag of an exchange; it stays set while another fault wants it."""

    def begin(lab: Lab, fault: Fault) -> dict[str, Any]:
        for exchange in concerned(lab, fault):
            setattr(exchange, name, True)
        return {}

    def end(lab: Lab, fault: Fault) -> None:
        still = {e.venue for other in lab.world.faults if other.harm == fault.harm for e in concerned(lab, other)}
        for exchange in concerned(lab, fault):
            setattr(exchange, name, exchange.venue in still)

    return Effect(begin, end)


def _shift_clock(lab: Lab, fault: Fault) -> dict[str, Any]:
    for exchange in _same_house(lab, fault):
        exchange.clock_offset_ms += fault.offset_ms
    return {}


def _unshift_clock(lab: Lab, fault: Fault) -> None:
    for exchange in _same_house(lab, fault):
        exchange.clock_offset_ms -= fault.offset_ms


def _expire_listen_keys(lab: Lab, fault: Fault) -> dict[str, Any]:
    dialect = lab.dialect(lab.world.exchanges[fault.venue])
    if not isinstance(dialect, ListenKeys):
        raise InvalidInput(f"venue: expected an exchange with listen keys, found {fault.venue!r}")
    return {"expired": dialect.expire_listen_keys(fault.mode, fault.account)}


def _mortal(lab: Lab, fault: Fault) -> MortalStreams:
    dialect = lab.dialect(lab.world.exchanges[fault.venue])
    if not isinstance(dialect, MortalStreams):
        raise InvalidInput(f"venue: expected an exchange whose streams end by age, found {fault.venue!r}")
    return dialect


def _age_streams(lab: Lab, fault: Fault) -> dict[str, Any]:
    return {"aged": _mortal(lab, fault).age_streams(fault.hours * HOUR_MS)}


def _shut_down(lab: Lab, fault: Fault) -> dict[str, Any]:
    return {"told": _mortal(lab, fault).shut_down(fault.delay_ms)}


def _forget(lab: Lab, fault: Fault) -> dict[str, Any]:
    exchange = lab.world.exchanges[fault.venue]
    registries = [
        registry
        for engine in (exchange.spot, exchange.perp)
        for account, registry in engine.registries.items()
        if fault.account in ("", account)
    ]
    return {"forgotten": sum(registry.forget_finished() for registry in registries)}


def _delist(lab: Lab, fault: Fault) -> dict[str, Any]:
    exchange = lab.world.exchanges[fault.venue]
    if fault.symbol not in exchange.engine(fault.market).instruments:
        listed = sorted(exchange.engine(fault.market).instruments)
        raise InvalidInput(f"symbol: expected one of {listed}, found {fault.symbol!r}")
    lab.delisted[fault.id] = delist(exchange, fault.market, fault.symbol)
    return {}


def _relist(lab: Lab, fault: Fault) -> None:
    relist(lab.world.exchanges[fault.venue], fault.market, lab.delisted.pop(fault.id))


def _jump(lab: Lab, fault: Fault) -> dict[str, Any]:
    world, ratio = lab.world, 1 + Decimal(str(fault.percent)) / 100
    require_pair(lab, fault.symbol)
    world.market.jump(fault.symbol, ratio, world.market_ms())
    if fault.symbol in world.pins:
        world.pins[fault.symbol] *= ratio
    world.tick(marked=True)
    return {}


def _jump_back(lab: Lab, fault: Fault) -> None:
    ratio = 1 / (1 + Decimal(str(fault.percent)) / 100)
    lab.world.market.jump(fault.symbol, ratio, lab.world.market_ms())
    if fault.symbol in lab.world.pins:
        lab.world.pins[fault.symbol] *= ratio
    lab.world.tick(marked=True)


_NOTHING = Effect(lambda _lab, _fault: {})
_BY_SCOPE: Mapping[str, Effect] = {
    STREAM: Effect(_harm_streams, _heal_streams),
    FEED: Effect(_harm_feed, _heal_feed),
    ORDER: Effect(_script_fills, _unscript_fills),
}
_EFFECTS: Mapping[Harm, Effect] = {
    Harm.DISCONNECT: Effect(_disconnect),
    Harm.MAINTENANCE: _switch("maintenance", _same_house),
    Harm.CANCEL_ONLY: _switch("cancel_only", _same_house),
    Harm.CLOCK_OFFSET: Effect(_shift_clock, _unshift_clock),
    Harm.EXPIRE_LISTEN_KEYS: Effect(_expire_listen_keys),
    Harm.FORGET: Effect(_forget),
    Harm.AGE_STREAMS: Effect(_age_streams),
    Harm.SERVER_SHUTDOWN: Effect(_shut_down),
    Harm.DELIST: Effect(_delist, _relist),
    Harm.GAP: Effect(_jump, _jump_back),
}

CALLS = (
    Call("GET", "faults", list_faults, "", "faults in force and their hits"),
    Call("GET", "faults/kinds", list_kinds, "", "every fault by name, with its fields"),
    Call("POST", "faults", add_fault, "harm and the fields of that fault", "puts a fault in force"),
    Call("DELETE", "faults", lift_faults, "id", "lifts one fault, or all"),
    Call("POST", "replay", replay, "account, count", "sends an account's last events once more"),
)
