"""How leaders' accounts are set up for perpetuals, and which followers' accounts are not set up likewise yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.replication.intake import Leader
from copydesk.replication.port import Terms
from copydesk.risk.model import Action, Measure
from copydesk.trading import Instrument, MarginMode


class Setup(NamedTuple):
    """How an account trades one perpetual."""

    hedge: bool
    leverage: int
    margin_mode: MarginMode = MarginMode.CROSS


class Change(NamedTuple):
    """From what was noted of an account, None for nothing, to what it was set to."""

    before: Setup | None
    now: Setup


class LeaderSetupSeen(NamedTuple):
    """What was seen of a leader's account; a leverage of None has not been seen yet."""

    hedge: bool
    leverage: int | None


class Gap(NamedTuple):
    """A follower's account that lacks the setup of one perpetual."""

    symbol: str
    account_id: int


_SEEN = text("SELECT symbol, hedge, leverage FROM leader_setup WHERE strategy_id = :strategy_id")
_NOTE = text(
    """
    INSERT INTO leader_setup (tenant_id, strategy_id, symbol, hedge, leverage)
    SELECT :tenant_id, :strategy_id, seen.* FROM unnest(
        CAST(:symbols AS text[]), CAST(:hedges AS boolean[]), CAST(:leverages AS integer[])) AS seen
    ON CONFLICT (tenant_id, strategy_id, symbol) DO UPDATE
    SET hedge = excluded.hedge, leverage = excluded.leverage, at = now()
    WHERE (leader_setup.hedge, leader_setup.leverage) IS DISTINCT FROM (excluded.hedge, excluded.leverage)
    """
)
_SHARDS = text(
    """
    SELECT DISTINCT a.shard FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.strategy_id = :strategy_id
    """
)

# What accounts should be set to, one row for each strategy of each; one that fits any of its strategies `fits`.
# Perpetuals that a leader is known to trade come first. A limit lowers the leverage at each open: what is prepared
# ahead for a higher one would be set back every time. Where the exchange allows a position no more, the leverage stays
# for as long as there is one; so does the margin mode that a position was opened in.
_WANTED = text(
    """
    SELECT shard, account_id, symbol, hedge, leverage FROM (
        SELECT a.shard, a.id AS account_id, l.symbol, l.hedge, m.leverage, l.leverage IS NULL AS unseen,
               coalesce(bool_or(p.hedge = l.hedge AND (p.leverage = m.leverage OR (
                   p.bracketed AND p.leverage < m.leverage AND EXISTS (
                       SELECT 1 FROM book b WHERE b.tenant_id = s.tenant_id AND b.subscription_id = s.id
                       AND b.symbol = l.symbol AND b.qty <> 0)))
                   AND (p.margin_mode = :margin_mode OR EXISTS (
                       SELECT 1 FROM book b WHERE b.tenant_id = s.tenant_id AND b.subscription_id = s.id
                       AND b.symbol = l.symbol AND b.qty <> 0))) OVER (PARTITION BY a.id, l.symbol), false) AS fits
        FROM leader_setup l
        JOIN unnest(CAST(:symbols AS text[]), CAST(:leverages_max AS integer[])) AS listed(symbol, leverage_max)
            ON listed.symbol = l.symbol
        JOIN strategy t ON t.tenant_id = l.tenant_id AND t.id = l.strategy_id AND t.status IN ('live', 'probation')
        JOIN subscription s ON s.tenant_id = l.tenant_id AND s.strategy_id = l.strategy_id
            AND s.state IN ('synced', 'catching_up')
        CROSS JOIN LATERAL (
            SELECT min(substring(r.line FROM '^leverage > ([0-9]+) -> shrink$')::int) AS leverage
            FROM unnest(ARRAY['tenant', 'strategy', 'account', 'subscription'],
                        ARRAY[0, s.strategy_id, s.account_id, s.id]) AS who(scope, id)
            JOIN risk_limit r ON r.tenant_id = s.tenant_id AND r.scope = who.scope AND r.subject_id = who.id
            WHERE r.line LIKE 'leverage > % -> shrink') AS limited
        CROSS JOIN LATERAL (
            SELECT greatest(least(coalesce(l.leverage, 1), :leverage_max, listed.leverage_max, s.leverage_max,
                                  limited.leverage), 1) AS leverage) AS m
        JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.status = 'active'
            AND split_part(a.shard, ':', 1) = :place
        LEFT JOIN account_setup p ON p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.symbol = l.symbol
        WHERE CAST(:ids AS bigint[]) IS NULL OR a.id = ANY(CAST(:ids AS bigint[]))
    ) AS wanted
    WHERE NOT fits OR CAST(:ids AS bigint[]) IS NOT NULL
    ORDER BY unseen, symbol, account_id
    """
)

# A row of no leverage is forgotten, but for the margin mode, which its positions keep.
_STORED = text(
    "SELECT account_id, symbol, hedge, leverage, margin_mode FROM account_setup "
    "WHERE account_id = ANY(:ids) AND leverage > 0"
)
# Where another worker has noted something else meanwhile, nobody knows which of both was set last: it is forgotten, so
# that it is set once more.
_STORE = text(
    """
    WITH ready AS (
        SELECT * FROM unnest(
            CAST(:ids AS bigint[]), CAST(:hedges AS boolean[]), CAST(:leverages AS integer[]),
            CAST(:bracketed AS boolean[]), CAST(:margin_modes AS text[]), CAST(:hedges_before AS boolean[]),
            CAST(:leverages_before AS integer[]), CAST(:margin_modes_before AS text[]))
            AS r(id, hedge, leverage, bracketed, margin_mode, hedge_before, leverage_before, margin_mode_before)
    ), crossed AS (
        UPDATE account_setup a SET leverage = 0, bracketed = false, at = now() FROM ready
        WHERE a.account_id = ready.id AND a.symbol = :symbol AND a.leverage > 0
          AND (a.hedge, a.leverage, a.margin_mode)
              IS DISTINCT FROM (ready.hedge_before, ready.leverage_before, ready.margin_mode_before)
          AND (a.hedge, a.leverage, a.margin_mode) IS DISTINCT FROM (ready.hedge, ready.leverage, ready.margin_mode)
        RETURNING a.account_id
    )
    INSERT INTO account_setup (tenant_id, account_id, symbol, hedge, leverage, bracketed, margin_mode)
    SELECT :tenant_id, id, :symbol, hedge, leverage, bracketed, margin_mode FROM ready
    WHERE id NOT IN (SELECT account_id FROM crossed)
    ON CONFLICT (tenant_id, account_id, symbol) DO UPDATE
    SET hedge = excluded.hedge, leverage = excluded.leverage, bracketed = excluded.bracketed,
        margin_mode = excluded.margin_mode, at = now()
    """
)
# One mode counts for the whole account: its other perpetuals are not as they were noted.
_FORGET_OTHER_MODE = text(
    """
    UPDATE account_setup a SET leverage = 0, bracketed = false, at = now()
    FROM unnest(CAST(:ids AS bigint[]), CAST(:hedges AS boolean[])) AS ready(id, hedge)
    WHERE a.account_id = ready.id AND a.hedge <> ready.hedge
    """
)
_FORGET_OTHER_MARGIN = text(
    """
    UPDATE account_setup a SET margin_mode = ready.margin_mode, leverage = 0, bracketed = false, at = now()
    FROM unnest(CAST(:ids AS bigint[]), CAST(:margin_modes AS text[])) AS ready(id, margin_mode)
    WHERE a.account_id = ready.id AND a.margin_mode <> ready.margin_mode
    """
)
_TRADED = text(
    """
    SELECT l.symbol, min(a.id) FROM leader_setup l
    JOIN strategy t ON t.tenant_id = l.tenant_id AND t.id = l.strategy_id AND t.status IN ('live', 'probation')
    JOIN subscription s ON s.tenant_id = l.tenant_id AND s.strategy_id = l.strategy_id AND s.state <> 'ended'
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.status = 'active' AND a.shard = :shard
    WHERE l.leverage IS NOT NULL GROUP BY l.symbol
    """
)

# By account, what each of its perpetuals is, or may be, set to.
Stored = dict[int, dict[str, Setup]]
Choices = dict[int, dict[str, set[Setup]]]


def seen_setups(session: TenantSession, leader: Leader) -> dict[str, LeaderSetupSeen]:
    """Return how the leader's account was seen set up, by perpetual."""
    rows = session.execute(_SEEN, {"strategy_id": leader.strategy_id})
    return {symbol: LeaderSetupSeen(hedge, leverage) for symbol, hedge, leverage in rows}


def note_setups(session: TenantSession, leader: Leader, seen: Mapping[str, LeaderSetupSeen]) -> list[str]:
    """Note how the leader's account is set up, and return the shards where followers' accounts may have to follow."""
    params = {
        "tenant_id": session.tenant_id,
        "strategy_id": leader.strategy_id,
        "symbols": list(seen),
        "hedges": [setup.hedge for setup in seen.values()],
        "leverages": [setup.leverage for setup in seen.values()],
    }
    session.execute(_NOTE, params)
    return list(session.execute(_SHARDS, {"strategy_id": leader.strategy_id}).scalars())


class Bounds(NamedTuple):
    """Where accounts are prepared: the perpetuals of one exchange environment, with the highest leverage of each."""

    place: str
    markets: Mapping[str, int]
    leverage_max: int
    margin_mode: MarginMode = MarginMode.CROSS

    def params(self, ids: Collection[int] | None = None) -> dict[str, object]:
        return {
            "place": self.place,
            "symbols": list(self.markets),
            "leverages_max": list(self.markets.values()),
            "leverage_max": self.leverage_max,
            "margin_mode": str(self.margin_mode),
            "ids": None if ids is None else sorted(ids),
        }


def bounds_of(
    shard: str, terms: Terms, instruments: Mapping[str, Instrument], highest: Callable[[str], int | None]
) -> Bounds:
    """Return what a brand offers at a shard's exchange: its perpetuals that are in trading.

    `highest` tells the most leverage that the exchange allows any size of one, None where that is not known.
    """
    listed = (instruments[symbol] for symbol in sorted(terms.markets) if symbol in instruments)
    traded = (i for i in listed if i.perpetual and i.trading)
    markets = {
        i.symbol: min(i.leverage_max, highest(i.symbol) or i.leverage_max, terms.leverage_max_of(i.symbol))
        for i in traded
    }
    limits = [
        int(scoped.limit.threshold.value)
        for scoped in terms.risk_limits
        if scoped.limit.measure is Measure.LEVERAGE and scoped.limit.action is Action.SHRINK
    ]
    return Bounds(shard.partition(":")[0], markets, min([terms.leverage_max, *limits]), terms.margin_mode)


def unprepared_lanes(session: TenantSession, bounds: Bounds) -> set[str]:
    """Return the shards of one exchange environment where accounts lack a setup.

    A highest leverage that is not known exactly may make a lane show up that lacks nothing.
    """
    return {row.shard for row in session.execute(_WANTED, bounds.params())}


def gaps(session: TenantSession, shard: str, bounds: Bounds) -> list[Gap]:
    """Return what the accounts of a shard lack, the same perpetual together, those that the leader trades first."""
    rows = session.execute(_WANTED, bounds.params())
    return list(dict.fromkeys(Gap(row.symbol, row.account_id) for row in rows if row.shard == shard))


def choices(session: TenantSession, accounts: Collection[int], bounds: Bounds) -> Choices:
    """Return what these accounts should be set to: several where strategies of one account differ."""
    found: Choices = {}
    for row in session.execute(_WANTED, bounds.params(accounts)):
        setup = Setup(row.hedge, row.leverage, bounds.margin_mode)
        found.setdefault(row.account_id, {}).setdefault(row.symbol, set()).add(setup)
    return found


def traded_on(session: TenantSession, shard: str) -> dict[str, int]:
    """Return the perpetuals that leaders of a lane's followers are known to trade, each with one of these accounts."""
    return {symbol: account for symbol, account in session.execute(_TRADED, {"shard": shard})}  # noqa: C416 - rows


def stored_setups(session: TenantSession, accounts: Collection[int]) -> Stored:
    """Return what these accounts were set to, by perpetual."""
    found: Stored = {}
    for account_id, symbol, hedge, leverage, mode in session.execute(_STORED, {"ids": sorted(accounts)}):
        found.setdefault(account_id, {})[symbol] = Setup(hedge, leverage, MarginMode(mode))
    return found


def store_setups(
    session: TenantSession,
    symbol: str,
    ready: Mapping[int, Change],
    *,
    bracketed: Collection[int] = (),
    account_wide_mode: bool,
    account_wide_margin: bool = False,
) -> None:
    """Note that accounts are set up for a perpetual; a mode that is `account_wide` undoes what was noted in the other.

    Of the `bracketed` ones the exchange allows no more leverage by size.
    """
    if not ready:
        return
    changes = list(ready.values())
    params = {
        "tenant_id": session.tenant_id,
        "symbol": symbol,
        "ids": array_literal(list(ready)),
        "hedges": [change.now.hedge for change in changes],
        "leverages": [change.now.leverage for change in changes],
        "bracketed": [account in bracketed for account in ready],
        "margin_modes": [str(change.now.margin_mode) for change in changes],
        "hedges_before": [change.before.hedge if change.before else None for change in changes],
        "leverages_before": [change.before.leverage if change.before else None for change in changes],
        "margin_modes_before": [str(change.before.margin_mode) if change.before else None for change in changes],
    }
    session.execute(_STORE, params)
    if account_wide_mode:
        session.execute(_FORGET_OTHER_MODE, params)
    if account_wide_margin:
        session.execute(_FORGET_OTHER_MARGIN, params)
