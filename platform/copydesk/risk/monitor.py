"""Who is past a limit, now: holders and prices go in, verdicts come out. No I/O, and no clock but what is told.

Arrays suspect (`arrays`), prices are weighed (`trust`), and what is suspected is judged exactly (`equity_rules`). What
is to be done about a verdict is for whoever asks: they tell the monitor what became of it (`advance`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.arrays import RiskBook
from copydesk.risk.equity import EquityRange, equity_range
from copydesk.risk.equity_rules import Broken, EquityBounds, EquityState, Spans, broken_limits, level_of
from copydesk.risk.levels import Levels, nearest_levels, on_equity
from copydesk.risk.margins import Liquidation, MarginScreen, Trigger
from copydesk.risk.model import Measure
from copydesk.risk.stops import Stop, StopEvent, after, rearmed, still_ahead
from copydesk.risk.trust import Band, Doubt, PriceWitness, Tick, TrustTerms
from copydesk.risk.waters import Waters, rolled

# How many holders a sweep moves into a new day: at midnight all of them are due at once.
ROLLED_MAX = 500


class Key(NamedTuple):
    """Whose equity it is: a subscription's, or (`account`) that of all subscriptions of an account together."""

    tenant_id: int
    number: int
    account: bool = False

    @property
    def owner(self) -> tuple[str, int]:
        """Name the holder within its brand, as acts and high waters are stored (`acts.Owner`)."""
        return "account" if self.account else "subscription", self.number


class Listing(NamedTuple):
    """An instrument on one environment of an exchange ("binance-lab", "BTC/USDT:USDT")."""

    place: str
    symbol: str


@dataclass(frozen=True, slots=True)
class Holding:
    """What a holder has, in quote currency and base units.

    `base` is what equity is beside quantities times marks; `balance` leaves out what is not realised; `realised` is
    what was earned so far, fees and funding included. `liquidations` are where the exchange said that it would end what
    is held, when it was last seen; of one instrument there may be a long and a short.
    """

    allocation: Decimal
    base: Decimal
    realised: Decimal
    positions: Mapping[Listing, Decimal]
    bounds: EquityBounds
    zone: str = "UTC"
    liquidations: Mapping[Listing, tuple[Liquidation, ...]] = field(default_factory=dict)

    @property
    def balance(self) -> Decimal:
        return self.allocation + self.realised

    @property
    def cash(self) -> Decimal:
        return self.base - self.allocation


class Verdict(NamedTuple):
    """What a look at a holder found: broken limits, the severest first, or the listings whose prices are in doubt."""

    key: Key
    broken: tuple[Broken, ...] = ()
    doubts: Mapping[Listing, Doubt] = {}
    equity: EquityRange = EquityRange(ZERO, ZERO)


@dataclass(slots=True)
class _Holder:
    index: int
    holding: Holding
    waters: Waters
    stop: Stop
    changed_ms: int


class Monitor:
    """All holders of one process. Not for several threads at once."""

    def __init__(self, terms: TrustTerms) -> None:
        self._terms = terms
        self._book = RiskBook.empty()
        self._margins = MarginScreen()
        self._holders: dict[Key, _Holder] = {}
        self._keys: dict[int, Key] = {}
        self._listings: dict[Listing, int] = {}
        self._witnesses: list[PriceWitness] = []
        self._marks: list[float] = []
        self._unjudged: set[Key] = set()
        self._behind: set[Key] = set()
        self._rolling: Iterator[Key] = iter(())

    @property
    def listings(self) -> Collection[Listing]:
        """Return every instrument that anybody has held."""
        return self._listings.keys()

    def __contains__(self, key: Key) -> bool:
        return key in self._holders

    def __iter__(self) -> Iterator[Key]:
        return iter(self._holders)

    def places(self, key: Key) -> set[str]:
        """Return the environments of exchanges on which a holder has something."""
        return {listing.place for listing in self._holders[key].holding.positions}

    def doubts(self, now: datetime) -> int:
        """Count the instruments whose prices are in doubt, or whose sources stand too far apart."""
        found = [witness.settle(_ms(now)) for witness in self._witnesses]
        tolerance = self._terms.tolerance
        return sum(isinstance(one, Doubt) or one.high - one.low > one.low * tolerance for one in found)

    def stop_of(self, key: Key) -> Stop:
        return self._holders[key].stop

    def waters_of(self, key: Key) -> Waters:
        """Return a holder's high water and its windows, as they are to be stored."""
        holder = self._holders[key]
        peak = self._book.peak(holder.index)
        return replace(holder.waters, peak=max(peak, holder.waters.peak))

    def equity(self, key: Key) -> float:
        """Return an equity at the newest marks, for showing."""
        return self._book.equity(self._holders[key].index)

    def exposure(self, key: Key) -> float:
        return self._book.exposure(self._holders[key].index)

    def mark(self, listing: Listing) -> Decimal | None:
        """Return the newest mark of an instrument, trusted or not; None while nothing was told."""
        number = self._listings.get(listing)
        known = math.nan if number is None else self._marks[number]
        return Decimal(known) if math.isfinite(known) else None

    def left_until_closed(self, key: Key) -> Decimal | None:
        """Return how much a holder may still lose until a limit closes what it has; None where none would.

        At the newest marks; below zero where that is about to happen.
        """
        holder = self._holders[key]
        worth = self._book.equity(holder.index)
        if not math.isfinite(worth):
            return None
        state = self._state(holder, Decimal(worth))
        closing = [one for one in holder.holding.bounds if on_equity(one) and one.scoped.limit.action.closes]
        levels = [level for one in closing if (level := level_of(one, state)) is not None and level.floor]
        return min((level.left for level in levels), default=None)

    def see(
        self, key: Key, holding: Holding, *, now: datetime, waters: Waters | None = None, stop: Stop | None = None
    ) -> None:
        """Take a holder in, or what has changed of one; `waters` and `stop` are what is stored of a new one."""
        holder, now_ms = self._holders.get(key), _ms(now)
        if holder is None:
            begun = waters or Waters.begun(holding.allocation, now)
            holder = self._take_in(key, holding, begun, stop or Stop(), now_ms)
        else:
            self._change(holder, holding, now_ms)
        self._draw(holder)
        self._behind.add(key)
        self._unjudged.add(key)

    def forget(self, key: Key) -> None:
        """Leave a holder out from now on."""
        holder = self._holders.pop(key)
        del self._keys[holder.index]
        self._unjudged.discard(key)
        self._behind.discard(key)
        self._margins.draw(holder.index, ())
        self._book.remove_holder(holder.index)

    def note(self, listing: Listing, tick: Tick) -> list[Key]:
        """Take a price in, and return who is to be judged because of it."""
        number = self._listings.get(listing)
        if number is None or not self._witnesses[number].note(tick):
            return []
        mark = self._marks[number] = float(tick.px)
        suspects, near = self._book.tick(number, mark), self._margins.suspects(number, mark)
        return self._named(sorted({*suspects, *near}) if near else suspects)

    def sweep(self, now: datetime) -> list[Key]:
        """Value everybody anew, let peaks and windows go on, and return who is to be judged."""
        now_ms = _ms(now)
        trusted = [isinstance(witness.settle(now_ms), Band) for witness in self._witnesses]
        self._behind = {key for key in self._behind if self._lags(self._holders[key], now_ms)}
        behind = [self._holders[key].index for key in self._behind]
        suspects, near = self._book.sweep(self._marks, trusted, behind=behind), self._margins.sweep(self._marks)
        found = self._named(sorted({*suspects, *near}) if near else suspects)
        self._roll(now)
        return found

    def changed(self) -> set[Key]:
        """Return who has changed since the last time: not every limit is broken by prices."""
        unjudged, self._unjudged = self._unjudged, set()
        return unjudged

    def judge(self, key: Key, now: datetime) -> Verdict:
        """Say exactly which limits a holder has broken that would still change its stop."""
        holder = self._holders[key]
        ahead = self._ahead(holder)
        if not ahead:
            return Verdict(key)
        prices = self._prices(holder, _ms(now))
        doubts = {one: price for one, price in prices.items() if isinstance(price, Doubt)}
        if doubts:
            return Verdict(key, doubts=doubts)
        held = holder.holding.positions.items()
        known = {one: price for one, price in prices.items() if isinstance(price, Band)}
        found = equity_range(holder.holding.base, [(qty, known[one].low, known[one].high) for one, qty in held])
        # A doubt about a price is never to the holder's cost: losses are judged at the best price, gains at the worst.
        near = _margin_distance(holder.holding, known)
        high, low = (broken_limits(ahead, self._state(holder, equity, near)) for equity in (found.high, found.low))
        broken = [one for one in high if one.level.floor] + [one for one in low if not one.level.floor]
        return Verdict(key, tuple(broken), equity=found)

    def advance(self, key: Key, event: StopEvent) -> bool:
        """Note what became of a holder's stop; False where the event changes nothing."""
        holder = self._holders[key]
        following = after(holder.stop, event)
        if following is None:
            return False
        holder.stop = following
        self._draw(holder)
        return True

    def rearm(self, key: Key, *, by: str) -> bool:
        """Begin anew, as a person wanted: the high water is what the holder is worth now.

        False where the stop is not to be armed, or nothing is known yet of what the holder is worth.
        """
        holder = self._holders[key]
        following, worth = rearmed(holder.stop, by=by), Decimal(self._book.equity(holder.index))
        if following is None or not worth.is_finite():
            return False
        holder.stop, holder.waters = following, replace(holder.waters, peak=worth)
        self._book.set_levels(holder.index, Levels(), worth)
        self._draw(holder)
        return True

    def _prices(self, holder: _Holder, now_ms: int) -> dict[Listing, Band | Doubt]:
        """Return between what the prices lie of what a holder has, by what was told since it has it."""
        return {
            one: self._witnesses[self._listings[one]].settle(now_ms, since_ms=holder.changed_ms)
            for one in holder.holding.positions
        }

    def _lags(self, holder: _Holder, now_ms: int) -> bool:
        return any(isinstance(price, Doubt) for price in self._prices(holder, now_ms).values())

    def _take_in(self, key: Key, holding: Holding, waters: Waters, stop: Stop, now_ms: int) -> _Holder:
        positions = [(self._number(one), qty) for one, qty in holding.positions.items()]
        index = self._book.add_holder(holding.base, waters.peak, Levels(), positions)
        self._keys[index] = key
        holder = self._holders[key] = _Holder(index, holding, waters, stop, now_ms)
        return holder

    def _change(self, holder: _Holder, holding: Holding, now_ms: int) -> None:
        before, holder.holding = holder.holding, holding
        if (holding.base - holding.allocation, holding.positions) != (
            before.base - before.allocation,
            before.positions,
        ):
            holder.changed_ms = now_ms
        if holding.allocation != before.allocation:
            # Money that was added or taken away is neither gain nor loss.
            peak = max(self._book.peak(holder.index), holder.waters.peak)
            holder.waters = replace(holder.waters, peak=peak).moved(holding.allocation - before.allocation)
            self._book.set_levels(holder.index, Levels(), holder.waters.peak)
        if holding.base != before.base:
            self._book.set_base(holder.index, holding.base)
        for one in before.positions.keys() | holding.positions.keys():
            qty = holding.positions.get(one, ZERO)
            if qty != before.positions.get(one, ZERO):
                self._book.set_qty(holder.index, self._number(one), qty)

    def _number(self, listing: Listing) -> int:
        number = self._listings.get(listing)
        if number is None:
            number = self._listings[listing] = self._book.add_instrument()
            self._witnesses.append(PriceWitness(self._terms))
            self._marks.append(math.nan)
        return number

    def _named(self, indexes: Iterable[int]) -> list[Key]:
        return [self._keys[int(index)] for index in indexes]

    def _ahead(self, holder: _Holder) -> EquityBounds:
        state = holder.stop.state
        return tuple(bound for bound in holder.holding.bounds if still_ahead(state, bound.scoped.limit.action))

    def _draw(self, holder: _Holder) -> None:
        """Say from where on a holder is suspected: by what would still change its stop."""
        peak = max(self._book.peak(holder.index), holder.waters.peak)
        state = self._state(holder, Decimal(0))._replace(peak=peak)
        bounds = [bound for bound in self._ahead(holder) if on_equity(bound)]
        self._book.set_levels(holder.index, nearest_levels(bounds, state), peak)
        self._margins.draw(holder.index, self._triggers(holder))

    def _triggers(self, holder: _Holder) -> Iterator[Trigger]:
        """Say at which marks the widest limit on the distance from liquidation that is still ahead would be reached."""
        distances = [bound.value for bound in self._ahead(holder) if bound.measure is Measure.MARGIN_DISTANCE]
        if distances:
            for listing, liquidations in holder.holding.liquidations.items():
                for one in liquidations:
                    yield Trigger(self._number(listing), one.reached_at(max(distances)), one.short)

    def _state(self, holder: _Holder, equity: Decimal, margin_distance: Decimal | None = None) -> EquityState:
        holding, waters = holder.holding, holder.waters
        day, week, month = waters.windows
        earned = holding.realised
        return EquityState(
            equity,
            holding.balance,
            Spans(day.equity, week.equity, month.equity, holding.allocation),
            Spans(earned - day.realised, earned - week.realised, earned - month.realised, earned),
            max(self._book.peak(holder.index), waters.peak),
            margin_distance,
        )

    def _roll(self, now: datetime) -> None:
        """Begin new days, weeks and months, a few holders at a time."""
        due = list(islice(self._rolling, ROLLED_MAX))
        if not due:
            self._rolling = iter(list(self._holders))
        for key in due:
            holder = self._holders.get(key)
            worth = math.nan if holder is None else self._book.equity(holder.index)
            if holder is not None and math.isfinite(worth):
                self._roll_one(holder, Decimal(worth), now)

    def _roll_one(self, holder: _Holder, worth: Decimal, now: datetime) -> None:
        waters = rolled(holder.waters, holder.holding.zone, worth=worth, realised=holder.holding.realised, now=now)
        if waters is not holder.waters:
            holder.waters = waters
            self._draw(holder)


def _margin_distance(holding: Holding, prices: Mapping[Listing, Band]) -> Decimal | None:
    """Return how far the nearest position is from its liquidation, at the best of the prices that it may have."""
    distances = [
        one.distance(band.low if one.short else band.high)
        for listing, band in prices.items()
        for one in holding.liquidations.get(listing, ())
    ]
    return min(distances, default=None)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
