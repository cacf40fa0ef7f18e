"""What an exchange's journal proves about one gap: when the price fell, who was closed when, and who once too often.

Pure: records of the journal go in, and numbers come out. The desk's own rows are not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from typing import Any, NamedTuple

from copydesk.kernel import ZERO

Record = Mapping[str, Any]
# What is broken meanwhile; `gap.SCENARIOS` says how.
GAP_SCENARIOS = ("undisturbed", "redis", "workers", "replicator", "postgres", "web", "everything")
_PERP = "perp"


class Closes(NamedTuple):
    """One gap. Times in epoch milliseconds of the exchange; `acked_ms` by account, in the order of the answers.

    `twice` counts closes beyond one for each who held something, those that the exchange refused as well, `over`
    accounts that were closed beyond flat, and `left` those that still hold something.
    """

    fell_ms: float
    acked_ms: Mapping[str, float]
    twice: int
    over: int
    left: int


class Holdings:
    """What accounts hold of the perpetual, by executions alone. Feed it the journal from its beginning."""

    def __init__(self, accounts: Collection[str]) -> None:
        self.accounts = accounts
        self.held: dict[str, Decimal] = dict.fromkeys(accounts, ZERO)

    @property
    def invested(self) -> frozenset[str]:
        """Name who holds something."""
        return frozenset(account for account, qty in self.held.items() if qty)

    def book(self, record: Record) -> None:
        """Book a record if it is an execution of one of the accounts."""
        if record["kind"] == "execution" and record["market"] == _PERP and record["account"] in self.held:
            qty = Decimal(record["qty"])
            self.held[record["account"]] += qty if record["side"] == "buy" else -qty


@dataclass
class Gap:
    """One gap through the stops of longs, as its records come in; it begins with everybody invested.

    A close counts as acknowledged a round trip after the exchange got it: by then its answer has come.
    """

    holdings: Holdings
    fallen: int
    rtt_ms: float
    fell_ms: float = 0.0
    _invested: frozenset[str] = frozenset()
    _placed: Counter[str] = field(default_factory=Counter)
    _acked_ms: dict[str, float] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    # Whose stop that rested at the exchange has fired: it needs no answer, and leaves a close nothing to reduce.
    _rested: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._invested = self.holdings.invested

    def take(self, records: Iterable[Record]) -> None:
        """Take in what the journal has come to hold."""
        for record in records:
            if not self.fell_ms and _tells(record, self.fallen):
                self.fell_ms = record["at_ms"]
            self.holdings.book(record)
            if record.get("account") in self.holdings.held:
                self._concern(record["account"], record)

    def _concern(self, account: str, record: Record) -> None:
        kind, held = record["kind"], self.holdings.held[account]
        if kind == "order" and record["change"] == "NEW":
            self._placed[account] += 1
            self._rested |= {account} if record["conditional_id"] else set()
        elif kind == "order" and record["change"] == "REJECTED" and account not in self._rested:
            self._placed[account] += 1
        elif kind == "request" and _accepted(record):
            self._acked_ms.setdefault(account, record["at_ms"] + self.rtt_ms)
        elif kind == "execution" and account in self._rested and not held:
            self._acked_ms.setdefault(account, record["at_ms"])
        if held < ZERO:
            self._over.add(account)

    @property
    def flat(self) -> bool:
        """Tell whether the price has fallen and nobody holds anything any more."""
        return bool(self.fell_ms) and not self.holdings.invested

    def closes(self) -> Closes:
        """Return what is known by now."""
        twice = sum(max(times - (account in self._invested), 0) for account, times in self._placed.items())
        return Closes(self.fell_ms, self._acked_ms, twice, len(self._over), len(self.holdings.invested))


def gap_figures(name: str, followers: int, found: Closes, seen_ms: float) -> dict[str, Any]:
    """Return a scenario's figures; times are those of the slowest close, and of the median. Pure."""
    acked = sorted(found.acked_ms.values())
    figures: dict[str, Any] = {
        "scenario": name,
        "followers": followers,
        "acknowledged": len(acked),
        "missing": max(followers - len(acked), found.left),
        "duplicates": found.twice,
        "over_closed": found.over,
    }
    for words, since_ms in (("price", found.fell_ms), ("breach", seen_ms)):
        figures[f"{words}_to_ack_p50_ms"] = round(median(acked) - since_ms) if acked else None
        figures[f"{words}_to_ack_ms"] = round(acked[-1] - since_ms) if acked else None
    return figures


def flawless(figures: Mapping[str, Any]) -> bool:
    """Tell whether everybody was closed, each once. Pure."""
    return not (figures["missing"] or figures["duplicates"] or figures["over_closed"])


def _tells(record: Record, px: int) -> bool:
    return bool(record["kind"] == "mark" and record["market"] == _PERP and Decimal(record["px"]) == px)


def _accepted(record: Record) -> bool:
    return bool(record["method"] == "POST" and record["status"] == 200 and record["path"].endswith("/order"))
