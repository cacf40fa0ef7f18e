"""The fault suite's judgment of one injection: leaders' executions against followers' orders, by the journal alone.

The auditor's own parts are those of the demo (`copydesk.demo`): what each execution asks of each follower, and which
order answers it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.demo.asks import Fault, Leg
from copydesk.demo.audit import over_limit
from copydesk.demo.events import leader_events
from copydesk.demo.expect import Expectation
from copydesk.demo.ledger import Holdings, Record
from copydesk.demo.listed import Listed
from copydesk.faults.cast import Cast

# What followers have by the journal, by account and instrument.
Holding = dict[str, dict[str, Decimal]]
# A client order id that begins so is an order that a follower placed by hand.
BY_HAND = "manual"
# Nothing older than the brand's maximum age is opened; exchange and desk may disagree by this much about the time.
_AGE_SLACK_MS = 1_500.0


@dataclass
class Findings:
    """What an injection did that no injection may do, as counts; `details` names the first of each kind.

    `held` is what followers had in the end: dust on spot, which is too little to sell, is carried on.
    """

    duplicates: int = 0
    missing: int = 0
    strangers: int = 0
    adrift: int = 0
    stale: int = 0
    over_limit: int = 0
    broken_off: int = 0
    details: list[str] = field(default_factory=list)
    held: Holding = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Count everything that is wrong."""
        return (
            self.duplicates
            + self.missing
            + self.strangers
            + self.adrift
            + self.stale
            + self.over_limit
            + self.broken_off
        )

    def named(self) -> dict[str, int]:
        """Return the counts that are not zero, by the invariant that is broken."""
        counts = {
            "I1 duplicates": self.duplicates,
            "I2 missing": self.missing,
            "I3 adrift": self.adrift,
            "I7 strangers": self.strangers,
            "I8 stale": self.stale,
            "I11 over limit": self.over_limit,
            "broken off": self.broken_off,
        }
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True)
class Claim:
    """What is judged: everybody on the desk, and how strictly.

    `opens_owed` is False where opens may rightly be left out: refused with proof, or overtaken by the leader's close,
    which then asks for less as well. They are still never doubled, nobody holds more than its part, and whose leader
    holds nothing holds nothing. The same is true of those who are `excused`.
    """

    casts: Sequence[Cast]
    age_ms_max: int
    carried: Holding = field(default_factory=dict)
    opens_owed: bool = True
    clocks_agree: bool = True
    excused: frozenset[str] = frozenset()

    def owes_open(self, account: str) -> bool:
        """Tell whether an account must open whatever its leader opens."""
        return self.opens_owed and account not in self.excused


def judge(accounts: Iterable[Record], records: Iterable[Record], claim: Claim) -> Findings:
    """Judge a stretch of the journal that began with every leader flat and every follower without a copy."""
    seats = {seat.account: seat for cast in claim.casts for seat in cast.seats()}
    leaders = {cast.leader: cast for cast in claim.casts}
    listed = Listed()
    book = Holdings(set(leaders), set(seats), listed)
    for record in accounts:
        book.note(record)
    for account, held in claim.carried.items():
        book.position[account].update(held)
    expectation = Expectation(book)
    findings = Findings()
    for event in leader_events(_concerning(records, leaders, listed, findings), book):
        for seat in leaders[event.account].seats():
            expectation.follow(seat, event)
    _judge_ages(book, claim, findings)
    flat = {account for cast in claim.casts if cast.flat for account in (one.account for one in cast.followers)}
    adrift: set[str] = set()
    for account, symbol, steps in expectation.settle():
        less_is_right = account not in flat and not claim.owes_open(account)
        # Where a leader's trades overtake their copies, which close takes how much of a fee in base is open.
        slack = book.fees_in_base[account, symbol] / listed.rules(book.venue(account), symbol).qty_step
        if steps > 1 + slack and not (less_is_right and _holds_less(expectation, account, symbol)):
            adrift.add(account)
            _tell(findings, f"{account} is {steps:.1f} steps off its part of {symbol}")
    findings.adrift = len(adrift)
    _judge_asks(book, claim, adrift, findings)
    findings.held = {account: dict(book.position[account]) for account in seats}
    return findings


def _concerning(
    records: Iterable[Record], leaders: dict[str, Cast], listed: Listed, findings: Findings
) -> Iterator[Record]:
    """Leave out what is done by hand and what leaders trade beside their market; count refused requests."""
    for record in records:
        kind = record["kind"]
        if kind == "request":
            findings.over_limit += over_limit(record)
        elif kind in ("order", "execution"):
            if str(record.get("client_order_id", "")).startswith(BY_HAND):
                continue
            cast = leaders.get(record["account"])
            if cast is None or listed.symbol(record) == cast.troupe.symbol:
                yield record
        elif kind != "fault":
            yield record


def _judge_asks(book: Holdings, claim: Claim, adrift: set[str], findings: Findings) -> None:
    for leg, ask in book.asks:
        # One order may answer several trades of a leader that waited together; then nobody is off its part.
        if leg.account in adrift and claim.owes_open(leg.account) and ask.surely and not ask.answers:
            findings.missing += 1
            _tell(findings, f"{leg.account} lacks {_leg(leg)}")
    for leg, fault, repeated in book.asks.astray:
        # Where opens come late or not at all, reconcile takes off what is too much, by orders of its own.
        if not (leg.opens or repeated or claim.owes_open(leg.account)):
            continue
        findings.strangers += fault is Fault.WRONG_MARKET
        findings.duplicates += fault is not Fault.WRONG_MARKET
        _tell(findings, f"{leg.account} has {_leg(leg)} that nothing asked for")


def _judge_ages(book: Holdings, claim: Claim, findings: Findings) -> None:
    for order in book.placed.values():
        if claim.clocks_agree and order.ask is not None and order.leg.opens:
            age_ms = order.at_ms - order.ask.at_ms
            if age_ms > claim.age_ms_max + _AGE_SLACK_MS:
                findings.stale += 1
                _tell(findings, f"{order.leg.account} opened {order.leg.symbol} {age_ms:.0f} ms after its leader")


def _leg(leg: Leg) -> str:
    return f"{'an open' if leg.opens else 'a close'} of {leg.symbol}"


def _holds_less(expectation: Expectation, account: str, symbol: str) -> bool:
    """Tell whether an account is nowhere beyond its part."""
    spans = ((place, span) for place, span in expectation.spans.items() if place[:2] == (account, symbol))
    return all(expectation.book.held(*place) <= span.high for place, span in spans)


def _tell(findings: Findings, sentence: str) -> None:
    if len(findings.details) < 5:
        findings.details.append(sentence)
