"""Find copies of a lane that ended short, read what their accounts have, and store their second tries."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text

from copydesk.db import Database, TenantSession
from copydesk.kernel import ZERO, Clock, CopydeskError
from copydesk.replication.crowd import Crowds, hold_crowd
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.lane import Hold
from copydesk.replication.lone_opens import LoneOpens, Spot
from copydesk.replication.port import Surroundings
from copydesk.replication.shortfall import RESIZED, TOP_UP, Shortfall, second_try
from copydesk.replication.steps import LaneNow, Step, store_step
from copydesk.trading import Credentials, Instrument, OrderStatus, PositionSide, Side
from copydesk.venues import Draw, Venue, Wallet, drawing_on

# A close that was refused is looked at again for so long; an open as long as its signal may be opened.
_CLOSES_FOR = timedelta(minutes=10)
_SHORTFALLS_MAX = 200

# A copy, by subscription, signal and whether it reduces.
_Key = tuple[int, int, bool]

# Nothing newer was planned for the book, nothing of it is on its way, and its account and instrument may be traded.
_SHORT = text(
    """
    SELECT c.subscription_id, c.account_id, c.signal_id, c.symbol, c.position_side, c.side, c.qty, c.px, c.reduces,
           c.cum_qty, c.status, c.reason, g.px AS signal_px, g.venue_at AS signal_at, b.qty AS book_qty, b.target_qty,
           g.strategy_id, s.allocation, greatest(p.leverage, 1) AS leverage,
           s.allocation - (SELECT coalesce(sum(o.cost), 0) FROM book o
                           WHERE o.tenant_id = c.tenant_id AND o.subscription_id = c.subscription_id)
                        - (SELECT coalesce(sum((o.qty - o.cum_qty) * o.px), 0) FROM copy o
                           WHERE o.tenant_id = c.tenant_id AND o.shard = c.shard
                             AND o.subscription_id = c.subscription_id
                             AND o.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')) AS left
    FROM copy c
    JOIN signal g ON g.tenant_id = c.tenant_id AND g.id = c.signal_id
    JOIN strategy t ON t.tenant_id = g.tenant_id AND t.id = g.strategy_id
    JOIN subscription s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id AND a.status = 'active'
    JOIN book b ON b.tenant_id = c.tenant_id AND b.subscription_id = c.subscription_id AND b.symbol = c.symbol
               AND b.position_side = c.position_side AND b.last_signal_id = c.signal_id
    LEFT JOIN account_setup p ON p.tenant_id = c.tenant_id AND p.account_id = c.account_id AND p.symbol = c.symbol
    WHERE c.shard = :shard AND c.status IN ('canceled', 'rejected', 'expired') AND c.leg IN ('open', 'close')
      AND c.reason IN ('price_moved', 'insufficient_balance', 'nothing_to_reduce')
      AND c.planned_at >= :closes_since
      AND (c.reduces OR (g.venue_at >= :opens_since AND t.status IN ('live', 'probation') AND a.key_denial IS NULL
                         AND s.state IN ('synced', 'catching_up')
                         AND b.qty * CASE c.side WHEN 'buy' THEN 1 ELSE -1 END >= 0))
      AND NOT EXISTS (SELECT 1 FROM copy o WHERE o.tenant_id = c.tenant_id AND o.signal_id = c.signal_id
                      AND o.subscription_id = c.subscription_id AND o.leg IN ('top-up', 'smaller', 'resized')
                      AND o.reduces = c.reduces)
      AND NOT EXISTS (SELECT 1 FROM copy o WHERE o.tenant_id = c.tenant_id AND o.shard = c.shard
                      AND o.subscription_id = c.subscription_id AND o.symbol = c.symbol
                      AND o.position_side = c.position_side AND o.leg NOT LIKE 'rest-%'
                      AND o.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
      AND NOT EXISTS (SELECT 1 FROM door d WHERE d.tenant_id = c.tenant_id AND d.subscription_id = c.subscription_id
                      AND d.symbol = c.symbol AND d.position_side = c.position_side)
      AND NOT EXISTS (SELECT 1 FROM delivery d JOIN signal n ON n.tenant_id = d.tenant_id AND n.id = d.signal_id
                      WHERE d.tenant_id = c.tenant_id AND d.shard = c.shard AND d.drained_at IS NULL
                        AND n.strategy_id = g.strategy_id AND n.symbol = c.symbol)
    ORDER BY c.reduces DESC, c.id LIMIT :most
    """
)


class SecondTries:
    """Try copies that ended short once more, each by one smaller order."""

    def __init__(self, db: Database, around: Surroundings, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._clock = clock
        self._crowds = Crowds(around)
        self._hopeless: defaultdict[tuple[int, str], set[_Key]] = defaultdict(set)

    def store(self, tenant_id: int, shard: str, hold: Hold) -> list[Dispatch]:
        """Store what is due on a lane and return it, to be sent; costs one look where nothing ended short.

        An account that cannot be read now is left for the next round; one that was, and has too little, is not asked
        again for the same copy.
        """
        terms = self._around.terms(tenant_id, shard)
        age_max = timedelta(milliseconds=terms.signal_age_ms_max)
        version, found = self._find(tenant_id, shard, age_max)
        if not found:
            return []
        exchange = self._around.exchange(tenant_id, shard)
        listed = [
            (short, exchange.instruments[short.symbol]) for short in found if short.symbol in exchange.instruments
        ]
        unrest = {
            short.symbol for short in found if not short.reduces and self._around.price_now(shard, short.symbol).unrest
        }
        available = self._available(tenant_id, exchange.venue, listed)
        # Reading may have taken long: nothing is opened that has become too old meanwhile.
        now, batch = self._clock.now(), []
        lane = LaneNow(tenant_id, shard, hold.epoch, terms.broker_prefix, exchange.venue.traits, now)
        with self._db.tenant(tenant_id) as session:
            if hold_crowd(session) != version:
                return []  # Somebody may have been stopped meanwhile; the next round looks again.
            opens = LoneOpens(session, self._crowds, shard, now)
            for (short, instrument), has in zip(listed, available, strict=True):
                if not short.reduces and (now - short.signal_at > age_max or short.symbol in unrest):
                    continue
                planned = second_try(short, instrument, has, slippage_bps_max=terms.slippage_bps_max)
                if planned is not None and not planned.reduces:
                    planned = opens.allowed(_spot(short), instrument, planned)
                if planned is not None:
                    step = Step(short.signal_id, short.symbol, short.position_side, planned, short.strategy_id)
                    batch.append(store_step(session, lane, step))
                elif has is not None or short.leg == TOP_UP:
                    self._hopeless[tenant_id, shard].add(_key(short))
        return [dispatch for dispatch in batch if dispatch is not None]

    def _find(self, tenant_id: int, shard: str, age_max: timedelta) -> tuple[int, list[Shortfall]]:
        """Return what may be tried again, without what was found hopeless before, and as of which crowd version."""
        now = self._clock.now()
        with self._db.tenant(tenant_id) as session:
            version = hold_crowd(session)
            found = _shortfalls(session, shard, opens_since=now - age_max, closes_since=now - max(_CLOSES_FOR, age_max))
        hopeless = self._hopeless[tenant_id, shard]
        hopeless &= {_key(short) for short in found}
        return version, [short for short in found if _key(short) not in hopeless]

    def _available(
        self, tenant_id: int, venue: Venue, listed: Sequence[tuple[Shortfall, Instrument]]
    ) -> list[Decimal | None]:
        asked = {short.account_id for short, _ in listed if short.leg != TOP_UP}
        if not asked:
            return [None] * len(listed)
        keys = self._around.credentials(tenant_id, asked)
        return self._around.start(_read_all(venue, keys, listed)).result()


def _shortfalls(session: TenantSession, shard: str, **moments: object) -> list[Shortfall]:
    rows = session.execute(_SHORT, {"shard": shard, "most": _SHORTFALLS_MAX, **moments})
    found = [_shortfall(row) for row in rows]
    return [short for short in found if short.leg is not None]


def _spot(short: Shortfall) -> Spot:
    return Spot(short.strategy_id, short.symbol, short.position_side, short.side, short.signal_px)


def _key(short: Shortfall) -> _Key:
    return short.subscription_id, short.signal_id, short.reduces


def _shortfall(row: Row[Any]) -> Shortfall:
    kinds = {
        "position_side": PositionSide(row.position_side),
        "side": Side(row.side),
        "status": OrderStatus(row.status),
    }
    return Shortfall(**(dict(row._mapping) | kinds))


async def _read_all(
    venue: Venue, keys: Mapping[int, Credentials], listed: Collection[tuple[Shortfall, Instrument]]
) -> list[Decimal | None]:
    return await asyncio.gather(
        *[_has(venue, keys.get(short.account_id), short, instrument) for short, instrument in listed]
    )


async def _has(venue: Venue, key: Credentials | None, short: Shortfall, instrument: Instrument) -> Decimal | None:
    """Read what an account has of what its second try needs, None where that is not known."""
    if key is None or short.leg == TOP_UP:
        return None
    try:
        with drawing_on(Draw.RESERVE if short.reduces else Draw.OPENS):
            if short.leg == RESIZED:
                return await _held(venue, key, short, instrument)
            return await _free(venue, key, instrument)
    except CopydeskError:
        return None


async def _held(venue: Venue, key: Credentials, short: Shortfall, instrument: Instrument) -> Decimal:
    """Return how much of the position is there to be closed by an order of this side."""
    if not instrument.perpetual:
        return await _coins(venue, key, instrument.base, Wallet.SPOT)
    sign = 1 if short.side is Side.SELL else -1
    positions = await venue.positions(key, short.symbol)
    mine = [p.qty for p in positions if p.symbol == short.symbol and p.side is short.position_side]
    return max(sum(mine, ZERO) * sign, ZERO)


async def _free(venue: Venue, key: Credentials, instrument: Instrument) -> Decimal:
    """Return what the account could pay an open with; a purse of futures alone is asked first where there is one."""
    if not instrument.perpetual:
        return await _coins(venue, key, instrument.quote, Wallet.SPOT)
    free = ZERO if venue.traits.unified else await _coins(venue, key, instrument.settle, Wallet.FUTURES)
    return free or await _coins(venue, key, instrument.settle, Wallet.SPOT)


async def _coins(venue: Venue, key: Credentials, currency: str, wallet: Wallet) -> Decimal:
    balance = (await venue.balances(key, wallet)).get(currency)
    return ZERO if balance is None else balance.free
