"""Whether an account can copy a leader at all, found out before it subscribes: key, modes, instruments, kinship."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import NotFound
from copydesk.replication.model import No
from copydesk.trading import Credentials, Denial, Instrument, OrderView, PositionSide
from copydesk.venues import Feature, KeyScope, ModeScope, Position, Venue, VenueTraits, key_verdict

_WIDE = frozenset({ModeScope.ACCOUNT, ModeScope.PRODUCT})

_ACCOUNT = text("SELECT id FROM account WHERE id = :account_id")
# What the leader holds, and how the leader's account is set up for it; a position on either side says so as well.
_LEADER = text(
    """
    SELECT symbol, bool_or(hedge) AS hedge FROM (
        SELECT symbol, position_side <> 'net' AS hedge FROM leader_book WHERE strategy_id = :strategy_id AND qty <> 0
        UNION ALL SELECT symbol, hedge FROM leader_setup WHERE strategy_id = :strategy_id
    ) AS seen GROUP BY symbol ORDER BY symbol
    """
)
_OTHERS = text(
    """
    SELECT l.symbol, bool_or(l.hedge) AS hedge FROM subscription s
    JOIN leader_setup l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id
    WHERE s.account_id = :account_id AND s.strategy_id <> :strategy_id AND s.state <> 'ended' GROUP BY l.symbol
    """
)


class Needs(NamedTuple):
    """What a strategy asks of an account: position mode by perpetual, True for hedge, and the spot pairs.

    `others` are the modes that the account's other subscriptions ask for.
    """

    modes: Mapping[str, bool]
    pairs: frozenset[str]
    others: Mapping[str, bool]


class Probe(NamedTuple):
    """What was seen of an account: rights of its key, open positions and orders, the exchange's number of it."""

    denial: Denial | None
    said: str
    scope: KeyScope | None
    positions: Sequence[Position] = ()
    orders: Sequence[OrderView] = ()
    uid: str = ""


class Suitability(NamedTuple):
    """Why an account cannot copy a leader (`against`), and what it will copy only in part (`notes`)."""

    against: list[No]
    notes: list[No]

    @property
    def fits(self) -> bool:
        return not self.against


def needs_of(session: TenantSession, *, strategy_id: int, account_id: int) -> Needs:
    """Read what a strategy, and the account's other subscriptions, ask of an account; raises NotFound."""
    keys = {"strategy_id": strategy_id, "account_id": account_id}
    if session.execute(_ACCOUNT, keys).scalar() is None:
        raise NotFound(f"there is no account {account_id}")
    seen = {row.symbol: row.hedge for row in session.execute(_LEADER, keys)}
    others = {row.symbol: row.hedge for row in session.execute(_OTHERS, keys)}
    modes = {symbol: hedge for symbol, hedge in seen.items() if ":" in symbol}
    return Needs(modes, frozenset(seen.keys() - modes.keys()), others)


async def probe_account(venue: Venue, credentials: Credentials) -> Probe:
    """Look at an account through its key. Changes nothing there; raises `Unavailable` where it cannot be asked."""
    verdict = await key_verdict(venue, credentials)
    if verdict.denial is not None or verdict.scope is None:
        return Probe(verdict.denial, verdict.said, verdict.scope)
    uid = await venue.account_uid(credentials)
    if not verdict.scope.can_trade_perpetuals:
        return Probe(None, "", verdict.scope, uid=uid)
    positions, orders = await venue.positions(credentials), await venue.open_orders(credentials)
    return Probe(None, "", verdict.scope, positions, orders, uid)


def suitability(needs: Needs, seen: Probe, traits: VenueTraits, instruments: Mapping[str, Instrument]) -> Suitability:
    """Judge an account by what a strategy needs and what was seen of it. Pure.

    An account that is flat is set to the leader's position mode by us; one with open positions or orders in the other
    mode would have to refuse that, and so would one that another strategy needs in the other mode.
    """
    where = {"exchange": traits.venue}
    if seen.denial is not None or seen.scope is None:
        return Suitability([(seen.denial or Denial.KEY_REJECTED, where | {"message": seen.said})], [])
    listed = {symbol: hedge for symbol, hedge in needs.modes.items() if symbol in instruments}
    against: list[No] = []
    if listed and not seen.scope.can_trade_perpetuals:
        against.append((Denial.PERPETUALS_NOT_ALLOWED, where))
    hedged = [symbol for symbol, hedge in listed.items() if hedge]
    if hedged and not traits.supports(Feature.HEDGE_MODE):
        against.append((Denial.HEDGE_MODE_MISSING, where | {"symbol": hedged[0]}))
    taken = _modes_taken(seen)
    for symbol, hedge in listed.items():
        if _differs(symbol, hedge, taken, traits):
            against.append((Denial.POSITION_MODE_WRONG, where | {"symbol": symbol}))
        if _differs(symbol, hedge, needs.others, traits):
            against.append((Denial.POSITION_MODE_SHARED, where | {"symbol": symbol}))
    missing = sorted((needs.modes.keys() | needs.pairs) - instruments.keys())
    return Suitability(_each_once(against), [(Denial.INSTRUMENT_UNMAPPED, {"symbol": symbol}) for symbol in missing])


def _modes_taken(seen: Probe) -> dict[str, bool]:
    """Say in which mode each perpetual is that has a position or an order open."""
    sides = [(position.symbol, position.side) for position in seen.positions]
    sides += [(order.symbol, order.position_side) for order in seen.orders if ":" in order.symbol]
    return {symbol: side is not PositionSide.NET for symbol, side in sides}


def _differs(symbol: str, hedge: bool, others: Mapping[str, bool], traits: VenueTraits) -> bool:
    """Tell whether a mode contradicts what is set or wanted elsewhere, as far as the exchange's setting reaches."""
    if traits.position_mode_scope is ModeScope.ORDER:
        return False
    if traits.position_mode_scope in _WIDE:
        return any(other is not hedge for other in others.values())
    return others.get(symbol, hedge) is not hedge


def _each_once(found: Iterable[No]) -> list[No]:
    """Name each reason once, by its first instrument."""
    return list({denial: (denial, facts) for denial, facts in reversed(list(found))}.values())[::-1]
