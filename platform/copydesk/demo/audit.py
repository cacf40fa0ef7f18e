"""Hold the lab's journal against what should have happened. Knows the followers' terms, asks none of our tables.

The auditor replays every leader execution (`events`), works out what each follower owes (`expect`), and looks in the
followers' orders for it (`ledger`, `asks`). Instruments are told by ccxt symbol, each follower is held to the steps
and minima of his own exchange.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import ceil, inf
from types import MappingProxyType
from typing import Any

from copydesk.demo.asks import Ask, Fault, Leg
from copydesk.demo.events import LeaderEvent, leader_events
from copydesk.demo.expect import Expectation, Seat
from copydesk.demo.ledger import Holdings
from copydesk.demo.listed import Listed, market_of
from copydesk.demo.stopped import ON_THE_WAY_MS
from copydesk.trading import Denial

Record = Mapping[str, Any]
KINDS = frozenset({"account", "execution", "funding", "mark", "order", "request"})
_OF_ORDERS = frozenset({"execution", "order"})
# How the exchanges say that a rate limit was exceeded, by HTTP status or by code.
_OVER_LIMIT = frozenset({"403", "418", "429", "50011", "50061", "10006", "10018"})


@dataclass
class Tally:
    """Figures of one market of one exchange, or of all; `latencies_ms` from a leader's execution to a copy's order."""

    done: int = 0
    missing: int = 0
    denied: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    drift_steps: Decimal = Decimal(0)
    latencies_ms: list[float] = field(default_factory=list)

    def count(self, ask: Ask) -> None:
        """Count what became of one leader event at one follower."""
        self.done += ask.answers > 0
        self.missing += ask.surely and not ask.answers
        if not ask.answers and not ask.surely:
            self.denied[str(ask.denial)] += 1

    def add(self, other: Tally) -> None:
        """Take in another market's figures."""
        self.done += other.done
        self.missing += other.missing
        self.denied += other.denied
        self.faults += other.faults
        self.rejected += other.rejected
        self.drift_steps = max(self.drift_steps, other.drift_steps)
        self.latencies_ms += other.latencies_ms

    def figures(self) -> dict[str, Any]:
        """Return the figures as they are shown."""
        ordered = sorted(self.latencies_ms)
        return {
            "copies_expected": self.done + self.missing,
            "copies_done": self.done,
            "denied_rightly": dict(sorted(self.denied.items())),
            "rejected": dict(sorted(self.rejected.items())),
            **{str(fault): self.faults[fault] for fault in Fault},
            "missing": self.missing,
            "drift_steps_max": ceil(self.drift_steps),
            "p50_ms": round(_quantile(ordered, 0.50), 1),
            "p99_ms": round(_quantile(ordered, 0.99), 1),
        }


def audit(
    records: Iterable[Record],
    seats: Sequence[Seat],
    listed: Listed | None = None,
    stopped: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Any]:
    """Replay the journal and return the figures of `demo --check` that the exchanges' side can prove.

    Followers who were `stopped` at a time, in milliseconds, owe nothing from then on, and what was on its way then may
    come or not; what else became of them is for `demo.stopped` to say.

    Besides those: `placed`, all orders of followers, `filled`, those of them that bought or sold anything,
    `over_limit`, requests of anybody that an exchange refused for their number, and `markets`, the figures of each
    market by exchange, such as "okx spot".
    """
    crowd: dict[str, list[Seat]] = defaultdict(list)
    for seat in seats:
        crowd[seat.leader].append(seat)
    book = Holdings(set(crowd), {seat.account for seat in seats}, listed or Listed())
    expectation = Expectation(book)
    records = [record for record in records if record["kind"] in KINDS and not _is_after_stop(record, stopped)]
    asked = [
        (seat, event.symbol, _asked(expectation, seat, event, stopped.get(seat.account, inf)))
        for event in leader_events(records, book)
        for seat in crowd[event.account]
    ]
    tallies = {_row(seat.terms.venue, seat.market): Tally() for seat in sorted(seats, key=_place)}
    for seat, symbol, ask in asked:
        _tally(tallies, seat.terms.venue, symbol).count(ask)
    _judge(tallies, book, expectation, stopped)
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    return {
        "leader_fills": book.leader_fills,
        **total.figures(),
        "placed": len(book.placed),
        "filled": len(book.filled),
        "over_limit": sum(over_limit(record) for record in records if record["kind"] == "request"),
        "markets": {name: tally.figures() for name, tally in tallies.items()},
    }


def _is_after_stop(record: Record, stopped: Mapping[str, float]) -> bool:
    """Tell whether a record is of an order of a stopped follower from then on."""
    return record["kind"] in _OF_ORDERS and record["at_ms"] >= stopped.get(record["account"], inf)


def _asked(expectation: Expectation, seat: Seat, event: LeaderEvent, stopped_ms: float) -> Ask:
    """Return what is asked of a follower; of one who is stopped nothing, and just before that nothing for sure."""
    if event.at_ms >= stopped_ms:
        return Ask(event.at_ms, event.px, surely=False, denial=Denial.SUBSCRIPTION_DISARMED, answers_max=0)
    ask = expectation.follow(seat, event)
    if ask.surely and event.at_ms >= stopped_ms - ON_THE_WAY_MS:
        ask.surely, ask.denial = False, Denial.SUBSCRIPTION_DISARMED
    return ask


def _judge(tallies: dict[str, Tally], book: Holdings, expectation: Expectation, stopped: Mapping[str, float]) -> None:
    """Count latencies, faults and refusals of orders, and what holdings are off by in the end."""
    first: dict[int, tuple[Leg, float]] = {}
    for order in book.placed.values():
        if order.ask is not None:
            first.setdefault(id(order.ask), (order.leg, order.at_ms - order.ask.at_ms))
    for leg, latency_ms in first.values():
        _tally(tallies, book.venue(leg.account), leg.symbol).latencies_ms.append(latency_ms)
    for (account, symbol), faults in book.asks.faults.items():
        _tally(tallies, book.venue(account), symbol).faults.update(faults)
    for venue, market, reason in book.rejected:
        tallies.setdefault(_row(venue, market), Tally()).rejected[reason] += 1
    for account, symbol, off in expectation.settle():
        if account in stopped:
            continue
        tally = _tally(tallies, book.venue(account), symbol)
        tally.drift_steps = max(tally.drift_steps, off)


def _tally(tallies: dict[str, Tally], venue: str, symbol: str) -> Tally:
    return tallies.setdefault(_row(venue, market_of(symbol)), Tally())


def _row(venue: str, market: str) -> str:
    return f"{venue} {market}"


def _place(seat: Seat) -> tuple[str, str]:
    return seat.terms.venue, seat.market


def over_limit(request: Record) -> bool:
    """Tell whether an exchange refused a request because there were too many."""
    return not _OVER_LIMIT.isdisjoint({str(request["status"]), str(request["code"])})


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
