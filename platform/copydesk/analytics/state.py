"""What a fold over raw rows has come to, small enough to be stored beside a strategy, whole enough to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from copydesk.analytics.curve import Curve
from copydesk.analytics.days import Days
from copydesk.analytics.exposure import Exposure
from copydesk.analytics.record import DAY_S
from copydesk.analytics.stats import Moments
from copydesk.analytics.totals import Totals

VERSION = 1


class Book(NamedTuple):
    """One open position: newest known price, what the account was worth when it was opened, and as in `OpenTrips`."""

    px: float
    equity_open: float
    qty: float
    opened_ms: int
    net: float
    turnover: float
    qty_max: float
    entry_qty: float
    entry_worth: float
    first_qty: float
    adds: int = 0
    adds_losing: int = 0
    size_up: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """A record up to the second `at_s`. Make one with `empty`, take it on with `fold`, never by hand.

    `opening` is what the account was worth at `began_s`, `paid` what was paid in less what was taken out since, and
    `paid_moment` the same times the seconds since it began. `costs` are fees and funding, `touched_s` the second of the
    newest fill. `books` and `turnover` are by symbol.
    """

    began_s: int
    at_s: int
    opening: float
    cash: float
    curve: Curve
    days: Days
    exposure: Exposure
    totals: Totals = field(default_factory=Totals)
    books: Mapping[str, Book] = field(default_factory=dict)
    turnover: Mapping[str, float] = field(default_factory=dict)
    costs: float = 0.0
    paid: float = 0.0
    paid_moment: float = 0.0
    touched_s: int = 0

    @classmethod
    def empty(
        cls, opening_s: int, opening_equity: float, held: Mapping[str, tuple[float, float]] | None = None
    ) -> Summary:
        """Begin a record with what the account was worth, and what it held already (symbol → quantity, price).

        This is the record's first point, which no series tells again. An account without money begins its record with
        the first that is paid in.
        """
        books = {
            symbol: Book(px, opening_equity, qty, opening_s * 1000, -qty * px, 0.0, *_entered(abs(qty), px))
            for symbol, (qty, px) in (held or {}).items()
            if qty
        }
        return cls(
            began_s=opening_s,
            at_s=opening_s,
            opening=opening_equity,
            cash=opening_equity - sum(book.qty * book.px for book in books.values()),
            curve=Curve.start(opening_s, opening_equity),
            days=Days(opening_s // DAY_S),
            exposure=Exposure(opening_s),
            books=books,
        )

    @property
    def equity_now(self) -> float:
        """Return the account's worth as of `at_s`: cash, and what is open at its newest known price."""
        return self.cash + sum(book.qty * book.px for book in self.books.values())

    @property
    def index_now(self) -> float:
        """Return the index as of `at_s`; 1 at the beginning, and 0 once all was lost."""
        return self.curve.at(self.equity_now)

    @property
    def held(self) -> dict[str, tuple[float, float]]:
        """Return what is open: symbol → quantity (a short below zero) and newest known price."""
        return {symbol: (book.qty, book.px) for symbol, book in self.books.items()}

    def to_json(self) -> dict[str, Any]:
        """Return the state in plain values, at most 64 KiB of JSON. Floats must be stored with all their digits."""
        days = _plain(self.days)
        return {
            "version": VERSION,
            **{name: getattr(self, name) for name in _PLAIN},
            "curve": _plain(self.curve),
            "days": days | {"moments": _plain(self.days.moments)},
            "exposure": _plain(self.exposure),
            "totals": _plain(self.totals),
            "books": {symbol: list(book) for symbol, book in self.books.items()},
            "turnover": dict(self.turnover),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Summary:
        """Read what `to_json` wrote; raises ValueError where another version wrote it (fold anew then)."""
        if stored.get("version") != VERSION:
            raise ValueError(f"A summary of version {VERSION} is expected, found {stored.get('version')!r}.")
        days, exposure, totals = stored["days"], stored["exposure"], stored["totals"]
        return cls(
            **{name: stored[name] for name in _PLAIN},
            curve=Curve(**stored["curve"]),
            days=Days(days["day"], tuple(days["closes"]), Moments(**days["moments"])),
            exposure=Exposure(**exposure | {"week": tuple((day, top) for day, top in exposure["week"])}),
            totals=Totals(**totals | {"sizes": tuple(totals["sizes"])}),
            books={symbol: Book(*book) for symbol, book in stored["books"].items()},
            turnover=dict(stored["turnover"]),
        )


_PLAIN = ("began_s", "at_s", "opening", "cash", "costs", "paid", "paid_moment", "touched_s")


class _Slotted(Protocol):
    __slots__: tuple[str, ...]


def _plain(part: _Slotted) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}


def _entered(qty: float, px: float) -> tuple[float, float, float, float]:
    """Return the greatest quantity, that of all entries, their worth, and the first quantity of a single entry."""
    return qty, qty, qty * px, qty
