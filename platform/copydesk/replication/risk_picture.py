"""How a brand stands under its limits: who is closest to one, what is held where, whose books do not match. Read-only.

Equity is counted exactly, as the risk role counts it, at the marks that are given; what has no mark is not guessed at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.exposure import Exposure, read_exposures
from copydesk.replication.limit_standing import equity_state
from copydesk.replication.roster import strategy_lines
from copydesk.replication.shards import whereabouts_of
from copydesk.risk.acts import ActState, Owner, newest_acts, read_waters
from copydesk.risk.equity import exact_equity
from copydesk.risk.equity_rules import EquityBounds, EquityState, Level, equity_bounds, level_of
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scoped
from copydesk.risk.order_rules import Sums
from copydesk.risk.status import LateAct, WatchNow, acts_lately, read_watch, stop_state
from copydesk.risk.stops import still_ahead
from copydesk.risk.store import Holder, StoredLimits, read_limits
from copydesk.risk.waters import Waters
from copydesk.trading import SubscriptionState

_RUNNING = frozenset({SubscriptionState.SYNCED, SubscriptionState.CATCHING_UP})
_STOPPED = frozenset({SubscriptionState.PAUSED, SubscriptionState.DISARMED, SubscriptionState.OUT_OF_SYNC})

# From an exchange's environment and its ccxt symbols to the prices of now; what is not known is left out.
MarksOf = Callable[[str, Collection[str]], Mapping[str, Decimal]]
_Marks = Mapping[tuple[str, str], Decimal]

_HOLDS = text(
    "SELECT EXISTS(SELECT 1 FROM book b JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id "
    "WHERE b.qty <> 0 AND s.state <> 'ended')"
)
# The risk role gives up after a minute; a stop that is older and still holds something has nobody who goes on with it.
_FLAGGED = text(
    """
    SELECT DISTINCT newest.scope, newest.subject_id FROM (
        SELECT DISTINCT ON (scope, subject_id) scope, subject_id, state, at
        FROM risk_act WHERE scope IN ('subscription', 'account') ORDER BY scope, subject_id, id DESC) AS newest
    JOIN subscription s ON newest.subject_id = CASE newest.scope WHEN 'account' THEN s.account_id ELSE s.id END
    WHERE s.state IN ('paused', 'disarmed', 'out_of_sync')
      AND (newest.state = 'flagged'
           OR (newest.state IN ('firing', 'closing') AND newest.at < clock_timestamp() - interval '2 minutes'
               AND EXISTS (SELECT 1 FROM book b WHERE b.tenant_id = s.tenant_id AND b.subscription_id = s.id
                           AND b.qty <> 0)))
    ORDER BY 1, 2
    """
)


class RiskOversight(NamedTuple):
    """Whether a brand is watched, whether anybody of it holds anything, and whose stop did not get to its end."""

    watch: WatchNow | None
    holds: bool
    flagged: tuple[Owner, ...]


class Near(NamedTuple):
    """How far one subscription, or all of an account (`scope` "account"), is from its nearest limit at prices.

    Money in quote currency. `level` says what is measured and where the limit lies; `ratio` is what is left as a share
    of the equity, below zero where the limit is broken and nothing was done yet.
    """

    scope: str
    number: int
    strategy: str
    scoped: Scoped
    equity: Decimal
    balance: Decimal
    level: Level
    ratio: Decimal


class Held(NamedTuple):
    """What is held of one thing at marks, in quote currency; `unpriced` are books that have no mark."""

    name: str
    long: Decimal
    short: Decimal
    books: int
    unpriced: int

    @property
    def gross(self) -> Decimal:
        return self.long + self.short


class Adrift(NamedTuple):
    """A subscription whose books do not match what they were to hold, and why."""

    subscription_id: int
    strategy: str
    reason: str | None


@dataclass(frozen=True)
class RiskPicture:
    """A brand as the risk desk sees it. `near` has the closest first, `unpriced` are holders without a full price."""

    watch: WatchNow | None
    near: tuple[Near, ...]
    unpriced: int
    acts: tuple[LateAct, ...]
    flagged: tuple[Owner, ...]
    by_strategy: tuple[Held, ...]
    by_instrument: tuple[Held, ...]
    by_exchange: tuple[Held, ...]
    adrift: tuple[Adrift, ...]

    @property
    def alive(self) -> bool:
        return self.watch is not None and self.watch.alive


class _Circle(NamedTuple):
    """One holder of equity with what is known of it."""

    owner: Owner
    exposures: Sequence[Exposure]
    bounds: EquityBounds


@dataclass(frozen=True)
class Desk:
    """Everything that a picture is made of, read at once."""

    exposures: Sequence[Exposure]
    limits: StoredLimits
    waters: Mapping[Owner, Waters]
    newest: Mapping[Owner, tuple[ActState, int]]
    strategies: Mapping[int, str]


def read_picture(
    session: TenantSession, files: Sequence[Scoped], marks_of: MarksOf, *, currency: str, most: int = 10
) -> RiskPicture:
    """Return how a brand stands now; `files` are the limits of the platform and of the brand's file."""
    exposures = read_exposures(session)
    desk = Desk(
        exposures,
        read_limits(session, [_holder(one) for one in exposures]),
        read_waters(session),
        newest_acts(session),
        {line.id: line.slug for line in strategy_lines(session)},
    )
    marks = _marks(exposures, marks_of)
    near, unpriced = nearest(desk, files, marks, currency=currency)
    return RiskPicture(
        read_watch(session),
        near[:most],
        unpriced,
        tuple(acts_lately(session)),
        flagged_stops(session),
        _held(exposures, marks, lambda one, _: _name(desk, one)),
        _held(exposures, marks, lambda _, symbol: symbol),
        _held(exposures, marks, lambda one, _: whereabouts_of(one.shard).exchange),
        tuple(_adrift(desk)),
    )


def nearest(desk: Desk, files: Sequence[Scoped], marks: _Marks, *, currency: str) -> tuple[tuple[Near, ...], int]:
    """Return the nearest limit of every holder, the closest first, and how many holders have no full price.

    Limits that would change nothing any more, because the holder was stopped already, are passed over.
    """
    found: list[Near] = []
    unpriced = 0
    for circle in _circles(desk, files, currency):
        ahead = _ahead(desk, circle)
        if not ahead:
            continue
        state = _state(circle, desk.waters.get(circle.owner), marks)
        if state is None:
            unpriced += 1
            continue
        levels = [(bound.scoped, level) for bound in ahead if (level := level_of(bound, state)) is not None]
        if levels:
            scoped, level = min(levels, key=lambda pair: pair[1].left)
            scope, number = circle.owner
            name = _name(desk, circle.exposures[0]) if scope == "subscription" else ""
            ratio = level.left / state.equity if state.equity > 0 else ZERO
            found.append(Near(scope, number, name, scoped, state.equity, state.balance, level, ratio))
    return tuple(sorted(found, key=lambda near: (near.ratio, near.scope, near.number))), unpriced


def read_oversight(session: TenantSession) -> RiskOversight:
    """Return the little that an operator asks first."""
    holds = bool(session.execute(_HOLDS).scalar_one())
    return RiskOversight(read_watch(session), holds, flagged_stops(session))


def flagged_stops(session: TenantSession) -> tuple[Owner, ...]:
    """Name the holders whose last stop did not get to its end, and that nobody has let go on since."""
    return tuple((scope, number) for scope, number in session.execute(_FLAGGED))


def _owners(exposures: Iterable[Exposure]) -> dict[Owner, list[Exposure]]:
    owners: defaultdict[Owner, list[Exposure]] = defaultdict(list)
    for one in exposures:
        owners["subscription", one.subscription_id].append(one)
        owners["account", one.account_id].append(one)
    return owners


def _circles(desk: Desk, files: Sequence[Scoped], currency: str) -> Iterator[_Circle]:
    """Pair every holder with its limits; most followers have the same, which are worked out once."""
    known: dict[object, EquityBounds] = {}
    for owner, ones in _owners(desk.exposures).items():
        subject = Subject.ACCOUNT if owner[0] == "account" else Subject.SUBSCRIPTION
        key = (subject, *(desk.limits.lines(_holder(one)) for one in ones))
        if key not in known:
            told = [scoped for one in ones for scoped in desk.limits.of(_holder(one))]
            known[key] = equity_bounds(effective((*files, *told)), subject, currency=currency)
        yield _Circle(owner, ones, known[key])


def _ahead(desk: Desk, circle: _Circle) -> EquityBounds:
    if all(one.state in _STOPPED for one in circle.exposures) and not any(_open(one) for one in circle.exposures):
        return ()
    newest = desk.newest.get(circle.owner)
    running = any(one.state in _RUNNING for one in circle.exposures)
    state = stop_state(newest[0] if newest else None, running=running)
    return tuple(bound for bound in circle.bounds if still_ahead(state, bound.scoped.limit.action))


def _open(exposure: Exposure) -> bool:
    return any(book.qty for book in exposure.books)


def _state(circle: _Circle, waters: Waters | None, marks: _Marks) -> EquityState | None:
    """Count what a holder is worth; None where something that it holds has no mark."""
    allocation = cash = cost = ZERO
    positions: list[tuple[Decimal, Decimal]] = []
    for one in circle.exposures:
        place = whereabouts_of(one.shard).exchange
        allocation += one.allocation
        for book in one.books:
            cash += book.cash
            cost += book.cost if book.qty > 0 else -book.cost
            if book.qty and (place, book.symbol) not in marks:
                return None
            if book.qty:
                positions.append((book.qty, marks[place, book.symbol]))
    equity = exact_equity(allocation, cash, positions)
    return equity_state(Sums(equity, allocation + cash + cost, ZERO, 0, 0), allocation, waters, None)


def _marks(exposures: Sequence[Exposure], marks_of: MarksOf) -> dict[tuple[str, str], Decimal]:
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for one in exposures:
        wanted[whereabouts_of(one.shard).exchange].update(book.symbol for book in one.books if book.qty)
    return {
        (place, symbol): px
        for place, symbols in sorted(wanted.items())
        for symbol, px in marks_of(place, sorted(symbols)).items()
    }


def _held(exposures: Iterable[Exposure], marks: _Marks, name_of: Callable[[Exposure, str], str]) -> tuple[Held, ...]:
    sums: dict[str, Held] = {}
    for one in exposures:
        place = whereabouts_of(one.shard).exchange
        for book in filter(lambda book: book.qty, one.books):
            name, px = name_of(one, book.symbol), marks.get((place, book.symbol))
            before = sums.get(name, Held(name, ZERO, ZERO, 0, 0))
            worth = ZERO if px is None else book.qty * px
            sums[name] = Held(
                name,
                before.long + max(worth, ZERO),
                before.short + max(-worth, ZERO),
                before.books + 1,
                before.unpriced + (px is None),
            )
    return tuple(sorted(sums.values(), key=lambda held: (-held.gross, held.name)))


def _adrift(desk: Desk) -> Iterator[Adrift]:
    for one in desk.exposures:
        if one.state is SubscriptionState.OUT_OF_SYNC:
            yield Adrift(one.subscription_id, _name(desk, one), one.state_reason)


def _name(desk: Desk, exposure: Exposure) -> str:
    return desk.strategies.get(exposure.strategy_id, str(exposure.strategy_id))


def _holder(exposure: Exposure) -> Holder:
    return Holder(exposure.subscription_id, exposure.strategy_id, exposure.account_id)
