"""Set accounts up for a perpetual: position mode, margin mode and leverage, once for each.

What an account was set to is stored, so that an order costs no call. It is done ahead of the signal (`ahead`); what
is still missing at an open is done then, that of many accounts side by side.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from copydesk.db import Database
from copydesk.kernel import CopydeskError, Failpoint, VenueRefused, reached
from copydesk.replication.brackets import Brackets
from copydesk.replication.geared import is_bracketed
from copydesk.replication.margin_modes import PLAIN, held_otherwise
from copydesk.replication.model import Follower, No, Planned, SignalFact
from copydesk.replication.port import Exchange, Surroundings, Terms
from copydesk.replication.setups import (
    Bounds,
    Change,
    Choices,
    Setup,
    Stored,
    bounds_of,
    choices,
    store_setups,
    stored_setups,
    traded_on,
)
from copydesk.replication.sizing import capped
from copydesk.trading import Bracket, Credentials, Denial, Instrument, MarginMode, PositionSide
from copydesk.venues import Draw, ModeScope, Patience, Venue, VenueTraits, drawing_on

_NAMED = frozenset(Denial) - {Denial.VENUE_REFUSED}

# Modes that count for more than one perpetual.
_WIDE = frozenset({ModeScope.ACCOUNT, ModeScope.PRODUCT})

# How long an open waits for the rate budget that setting its account up needs: most windows there are a second.
_OPEN_WAITS_S_MAX = 1.5

Answers = dict[int, No | None]


class Task(NamedTuple):
    """What one account is to be changed to, and which steps that takes besides the leverage."""

    change: Change
    sets_position_mode: bool
    sets_margin_mode: bool


def wanted_setup(
    signal: SignalFact,
    instrument: Instrument,
    leverage_max: int,
    follower_max: int | None = None,
    margin_mode: MarginMode = PLAIN,
) -> Setup:
    """Follow the leader's position mode, and the leader's leverage as far as all allow whom it concerns. Pure."""
    leverage = capped(
        signal.leverage,
        brand_max=leverage_max,
        instrument_max=instrument.leverage_max,
        follower_max=follower_max,
    )
    return Setup(signal.position_side is not PositionSide.NET, leverage, margin_mode)


def task_of(symbol: str, setup: Setup, stored: Mapping[str, Setup], traits: VenueTraits) -> Task:
    """Say which steps an account needs whose perpetuals were set up as `stored`. Pure.

    A mode that counts for more than one perpetual is set already where another one was set up so. A margin mode that
    orders name is set all the same: some exchanges set the leverage of the mode that the contract is in.
    """
    same = {symbol: stored[symbol]} if symbol in stored else {}
    position = stored if traits.position_mode_scope in _WIDE else same
    margin = stored if traits.margin_mode_scope in _WIDE else same
    return Task(
        Change(stored.get(symbol), setup),
        all(known.hedge != setup.hedge for known in position.values()),
        all(known.margin_mode is not setup.margin_mode for known in margin.values()),
    )


def target_of(wanted: Mapping[str, set[Setup]], symbol: str, traits: VenueTraits) -> Setup | None:
    """Choose among what an account's strategies want: the lowest leverage; None where modes differ. Pure."""
    concerned = wanted.values() if traits.position_mode_scope in _WIDE else [wanted[symbol]]
    if len({setup.hedge for setups in concerned for setup in setups}) > 1:
        return None
    return min(wanted[symbol], key=lambda setup: setup.leverage)


def with_refusals(followers: Iterable[Follower], refusals: Mapping[int, No]) -> list[Follower]:
    """Return the followers, those whose account was refused with the reason; an earlier refusal stays."""
    return [follower._replace(refusal=follower.refusal or refusals.get(follower.account_id)) for follower in followers]


class Preparer:
    """Set accounts up, ahead of a signal or at an open; in one process never both at once for one perpetual of a lane.

    Two processes may: then the one that is later notes nothing (`store_setups`).
    """

    def __init__(self, db: Database, around: Surroundings) -> None:
        self._db = db
        self._around = around
        self._turns: defaultdict[tuple[int, str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._brackets = Brackets(around)

    def brackets(self, tenant_id: int, shard: str, symbol: str, crowd: Iterable[Follower]) -> tuple[Bracket, ...]:
        """Return what leverage the exchange allows a perpetual by size; () while that is only being asked for."""
        if ":" not in symbol:
            return ()
        usable = (follower.account_id for follower in crowd if follower.usable)
        return self._brackets.of(tenant_id, shard, symbol, list(islice(usable, 1)))

    def bounds(self, shard: str, terms: Terms, instruments: Mapping[str, Instrument]) -> Bounds:
        """Return what accounts of a shard are prepared for, as far as is known of its exchange."""
        return bounds_of(shard, terms, instruments, partial(self._brackets.highest, shard))

    def learn_brackets(self, tenant_id: int, shard: str) -> None:
        """See to it that brackets are known of what the lane's leaders are known to trade."""
        with self._db.tenant(tenant_id) as session:
            traded = traded_on(session, shard)
        for symbol, account_id in traded.items():
            self._brackets.refresh(tenant_id, shard, symbol, [account_id])

    def refusals(
        self, tenant_id: int, shard: str, signal: SignalFact, instrument: Instrument, planned: Sequence[Planned]
    ) -> dict[int, No]:
        """Prepare the accounts of all planned opens, and say which of them cannot open, and why."""
        # An account is set to what its order was planned for: less than the brand's where a follower wants less.
        opens = [item for item in planned if not item.reduces and item.denial is None]
        planned_for = {item.account_id: item.leverage for item in opens}
        if not planned_for or not instrument.perpetual:
            return {}
        terms = self._around.terms(tenant_id, shard)
        leverage_max = terms.leverage_max_of(signal.symbol)
        by_leverage = {
            leverage: wanted_setup(signal, instrument, leverage_max, leverage, terms.margin_mode)
            for leverage in set(planned_for.values())
        }
        wanted = {account: by_leverage[leverage] for account, leverage in planned_for.items()}
        lacking = self._lacking(tenant_id, signal.symbol, wanted)
        if not lacking:
            return {}
        bracketed = frozenset(item.account_id for item in opens if is_bracketed(item))
        desk = _Desk(tenant_id, shard, signal.symbol, self._around.exchange(tenant_id, shard), bracketed)
        work = self._take_turn(desk, lacking, lambda _: lacking, Draw.OPENS)
        answers = self._around.start(work).result()
        return {account: no for account, no in answers.items() if no is not None}

    async def ahead(self, tenant_id: int, shard: str, symbol: str, accounts: Collection[int]) -> Answers:
        """Prepare accounts for what their leaders are set to now, and say what came of each.

        Draws only on what opens and closes leave of the rate budget. Accounts that lack nothing any more are left out.
        """
        exchange = self._around.exchange(tenant_id, shard)
        terms = await asyncio.to_thread(self._around.terms, tenant_id, shard)
        keys = await asyncio.to_thread(self._around.credentials, tenant_id, list(islice(accounts, 1)))
        await self._brackets.learn(shard, exchange.venue, symbol, keys.values())
        bounds = self.bounds(shard, terms, exchange.instruments)

        def targets(stored: Stored) -> dict[int, Setup | None]:
            with self._db.tenant(tenant_id) as session:
                wanted = choices(session, accounts, bounds)
            return _targets(symbol, wanted, stored, exchange.venue.traits)

        return await self._take_turn(_Desk(tenant_id, shard, symbol, exchange), accounts, targets, Draw.SPARE)

    def _lacking(self, tenant_id: int, symbol: str, wanted: Mapping[int, Setup]) -> dict[int, Setup]:
        with self._db.tenant(tenant_id) as session:
            stored = stored_setups(session, wanted)
        known = {account: stored.get(account, {}).get(symbol) for account in wanted}
        return {account: setup for account, setup in wanted.items() if known[account] != setup}

    async def _take_turn(self, desk: _Desk, accounts: Collection[int], targets: _Targets, draw: Draw) -> Answers:
        """Find out, set up and note with nobody else in between, so that what is noted is what was set last."""
        async with self._turns[desk.tenant_id, desk.shard, desk.symbol]:
            tasks, answers = await asyncio.to_thread(self._tasks, desk, accounts, targets)
            keys = await asyncio.to_thread(self._around.credentials, desk.tenant_id, tasks)
            wait_s_max = _OPEN_WAITS_S_MAX if draw is Draw.OPENS else 0.0
            with drawing_on(draw):
                works = [
                    _prepare(desk.venue, key, desk.symbol, tasks[account], wait_s_max) for account, key in keys.items()
                ]
                answers |= zip(keys, await asyncio.gather(*works), strict=True)
            ready = {account: tasks[account].change for account in keys if answers[account] is None}
            reached(Failpoint.ACCOUNT_PREPARED, ready)
            await asyncio.to_thread(self._store, desk, ready)
            return answers

    def _tasks(self, desk: _Desk, accounts: Collection[int], targets: _Targets) -> tuple[dict[int, Task], Answers]:
        with self._db.tenant(desk.tenant_id) as session:
            stored = stored_setups(session, accounts)
        tasks: dict[int, Task] = {}
        answers: Answers = {}
        for account, setup in targets(stored).items():
            known = stored.get(account, {})
            if setup is None:
                answers[account] = Denial.POSITION_MODE_WRONG, {}
            elif known.get(desk.symbol) != setup:
                tasks[account] = task_of(desk.symbol, setup, known, desk.venue.traits)
        for account in self._kept(desk, tasks):
            answers[account] = Denial.MARGIN_MODE_WRONG, {"exchange": desk.venue.traits.venue}
            del tasks[account]
        return tasks, answers

    def _kept(self, desk: _Desk, tasks: Mapping[int, Task]) -> set[int]:
        """Return the accounts whose margin mode stays as it is for now, because of what they hold in it.

        Not every exchange refuses that: some keep a position of each mode, and ours would be two.
        """
        account_wide = desk.venue.traits.margin_mode_scope in _WIDE
        with self._db.tenant(desk.tenant_id) as session:
            return {
                account
                for mode in {task.change.now.margin_mode for task in tasks.values()}
                for account in held_otherwise(session, desk.shard, desk.symbol, tasks, mode, account_wide=account_wide)
            }

    def _store(self, desk: _Desk, ready: Mapping[int, Change]) -> None:
        traits = desk.venue.traits
        with self._db.tenant(desk.tenant_id) as session:
            store_setups(
                session,
                desk.symbol,
                ready,
                bracketed=desk.bracketed,
                account_wide_mode=traits.position_mode_scope in _WIDE,
                account_wide_margin=traits.margin_mode_scope in _WIDE,
            )


class _Desk(NamedTuple):
    """One perpetual on one lane; of the `bracketed` accounts the exchange allows no more leverage by size."""

    tenant_id: int
    shard: str
    symbol: str
    exchange: Exchange
    bracketed: frozenset[int] = frozenset()

    @property
    def venue(self) -> Venue:
        return self.exchange.venue


# From what is stored to what accounts should be set to; None for one whose strategies do not agree.
_Targets = Callable[[Stored], Mapping[int, Setup | None]]


def _targets(symbol: str, wanted: Choices, stored: Stored, traits: VenueTraits) -> dict[int, Setup | None]:
    """Leave out accounts that are set up as one of their strategies wants it: the others set them up as they open."""
    return {
        account: target_of(of_account, symbol, traits)
        for account, of_account in wanted.items()
        if symbol in of_account and stored.get(account, {}).get(symbol) not in of_account[symbol]
    }


async def _prepare(venue: Venue, credentials: Credentials, symbol: str, task: Task, wait_s_max: float) -> No | None:
    """Change what differs, in the order in which exchanges demand it, and name the first step that was refused.

    A step that the rate budget holds back for a moment is waited for; ahead of a signal the next run goes on.
    """
    leverage, mode = task.change.now.leverage, task.change.now.margin_mode
    steps: tuple[tuple[bool, Denial, Callable[[], Awaitable[None]]], ...] = (
        (
            task.sets_position_mode,
            Denial.POSITION_MODE_WRONG,
            partial(venue.set_position_mode, credentials, symbol, hedge=task.change.now.hedge),
        ),
        (
            task.sets_margin_mode,
            Denial.MARGIN_MODE_WRONG,
            partial(venue.set_margin_mode, credentials, symbol, mode, leverage),
        ),
        (True, Denial.LEVERAGE_REFUSED, partial(venue.set_leverage, credentials, symbol, leverage, mode)),
    )
    patience = Patience(wait_s_max)
    for denial, step in ((denial, step) for needed, denial, step in steps if needed):
        try:
            await patience.with_(step)
        except VenueRefused as refusal:
            return _named(refusal, denial, venue, leverage)
        except CopydeskError as trouble:
            # It is all repeated the next time; what was set already does no harm then.
            return Denial.VENUE_UNAVAILABLE, {"message": str(trouble)}
    return None


def _named(refusal: VenueRefused, denial: Denial, venue: Venue, leverage: int) -> No:
    """Keep the exchange's reason where it has a name, else name the step."""
    named = refusal.code in _NAMED
    facts = {"message": str(refusal), "exchange": venue.traits.venue, "leverage": str(leverage)}
    return (Denial(refusal.code) if named else denial), facts
