"""Whether prices may fire a stop. Pure: ticks and the time go in, a band of prices or a doubt comes out.

A stop fires only if its limit is broken at every price of the band (`equity.equity_range`), so that one absurd tick is
never enough: the band then reaches to the sane prices beside it. There are two ways to a band:

1. most of the fresh sources, two at least, agree within a tolerance: it spans their newest ticks;
2. each fresh source has told enough newer ticks over long enough: it spans all of these. A source that is alone must
   not have jumped from the last price that was trusted.

A source that tells the same exchange time again tells nothing, so that a frozen feed only grows old, and an old price
fires nothing. Channels of one connection are one source.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Tick(NamedTuple):
    """A price as a source told it; `exchange_ms` is the exchange's clock, `receipt_ms` ours. Both in epoch ms."""

    source: str
    px: Decimal
    exchange_ms: int
    receipt_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustTerms:
    """When a price is to be believed. `tolerance` and `jump` are shares (0.01 is one percent).

    A source is fresh while its newest tick is at most `age_ms_max` old by both clocks. Alone it must tell
    `confirm_ticks` further ticks over `confirm_ms`, none more than `jump` from the last trusted price. A tick from more
    than `ahead_ms_max` in the future is not taken: it would make a source deaf to all that follow.
    """

    age_ms_max: int
    tolerance: Decimal
    confirm_ms: int
    confirm_ticks: int
    jump: Decimal
    ahead_ms_max: int = 1000


class Doubt(StrEnum):
    """Why a price fires nothing yet.

    `frozen`: it is told again and again with the same exchange time; `behind`: it is from before a position changed.
    """

    MISSING = "missing"
    STALE = "stale"
    FROZEN = "frozen"
    BEHIND = "behind"
    UNCONFIRMED = "unconfirmed"
    JUMPED = "jumped"


class Band(NamedTuple):
    """Between which prices the truth lies, by which sources."""

    low: Decimal
    high: Decimal
    sources: tuple[str, ...]

    def holds(self, px: Decimal) -> bool:
        """Tell whether a price lies in the band."""
        return self.low <= px <= self.high


class PriceWitness:
    """What the sources have told of one instrument. `anchor` is its last trusted price, None where none is known."""

    def __init__(self, terms: TrustTerms, anchor: Decimal | None = None) -> None:
        self.anchor = anchor
        self._terms = terms
        self._trails: dict[str, _Trail] = {}

    def note(self, tick: Tick) -> bool:
        """Take a tick in and tell whether it is news: a possible price with an exchange time not told before."""
        return self._trails.setdefault(tick.source, _Trail(self._terms)).note(tick)

    def settle(self, now_ms: int, *, since_ms: int = 0) -> Band | Doubt:
        """Say between what prices the truth lies now, or why that is in doubt; a band moves the anchor.

        Only sources that have told a price from after `since_ms` count: a position must not be judged by prices from
        before it was what it is. To be asked at every sweep and not only on suspicion: the anchor must follow the
        market.
        """
        fresh = [trail for trail in self._trails.values() if trail.fresh(now_ms)]
        if not fresh:
            return self._silence(now_ms)
        fresh = [trail for trail in fresh if trail.newest_ms > since_ms]
        if not fresh:
            return Doubt.BEHIND
        found = _agreed([trail.news[-1] for trail in fresh], self._terms.tolerance)
        if found is not None:
            self.anchor = found.low if self.anchor is None else _nearest(self.anchor, found)
            return found
        if not all(trail.stood for trail in fresh):
            return Doubt.UNCONFIRMED
        found = _span([tick for trail in fresh for tick in trail.news])
        if len(fresh) == 1 and self._jumped(found):
            return Doubt.JUMPED
        if self.anchor is not None:
            self.anchor = _nearest(self.anchor, found)
        return found

    def _silence(self, now_ms: int) -> Doubt:
        if not any(trail.news for trail in self._trails.values()):
            return Doubt.MISSING
        newest_ms = max(trail.repeated_ms for trail in self._trails.values())
        return Doubt.FROZEN if now_ms - newest_ms <= self._terms.age_ms_max else Doubt.STALE

    def _jumped(self, band: Band) -> bool:
        if self.anchor is None:
            return True
        margin = self.anchor * self._terms.jump
        return band.low < self.anchor - margin or band.high > self.anchor + margin


class _Trail:
    """The newest ticks of one source: as few as show that a price stood, if it did."""

    def __init__(self, terms: TrustTerms) -> None:
        self.news: deque[Tick] = deque()
        self.repeated_ms = 0
        self._terms = terms

    def note(self, tick: Tick) -> bool:
        if not (tick.px.is_finite() and tick.px > 0) or tick.exchange_ms > tick.receipt_ms + self._terms.ahead_ms_max:
            return False
        if self.news and tick.exchange_ms <= self.news[-1].exchange_ms:
            self.repeated_ms = tick.receipt_ms
            return False
        self.news.append(tick)
        while self._stood_since(1):
            self.news.popleft()
        return True

    @property
    def stood(self) -> bool:
        return self._stood_since(0)

    @property
    def newest_ms(self) -> int:
        """Return from when the newest price is, by the earlier of both clocks."""
        newest = self.news[-1]
        return min(newest.exchange_ms, newest.receipt_ms)

    def fresh(self, now_ms: int) -> bool:
        return bool(self.news) and now_ms - self.newest_ms <= self._terms.age_ms_max

    def _stood_since(self, place: int) -> bool:
        """Tell whether enough ticks follow the one at this place; a backlog told at once stands for no time."""
        if len(self.news) - place <= self._terms.confirm_ticks:
            return False
        first, newest = self.news[place], self.news[-1]
        passed_ms = min(newest.receipt_ms - first.receipt_ms, newest.exchange_ms - first.exchange_ms)
        return passed_ms >= self._terms.confirm_ms


def _agreed(newest: Sequence[Tick], tolerance: Decimal) -> Band | None:
    """Return the band of the most sources that agree, two at least and more than half of all, or None."""
    ticks = sorted(newest, key=lambda tick: tick.px)
    best: Sequence[Tick] = ()
    for start, lowest in enumerate(ticks):
        close = [tick for tick in ticks[start:] if tick.px - lowest.px <= lowest.px * tolerance]
        best = max(best, close, key=len)
    return _span(best) if len(best) > max(1, len(ticks) // 2) else None


def _span(ticks: Sequence[Tick]) -> Band:
    prices = [tick.px for tick in ticks]
    return Band(min(prices), max(prices), tuple(sorted({tick.source for tick in ticks})))


def _nearest(px: Decimal, band: Band) -> Decimal:
    return min(max(px, band.low), band.high)
