"""What one person copies, whatever their number: a page of subscriptions, and all of them together. Read-only.

Every question costs the same few statements for one subscription as for a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, NotFound
from copydesk.trading import EndMode, SubscriptionState

PAGE = 12

_MINE = """
    FROM account a JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id
    WHERE a.user_id = :user_id
"""
_COLUMNS = """
    s.id, s.strategy_id, t.name AS strategy, t.slug, t.status AS strategy_status, u.display_name AS trader,
    s.account_id, a.label AS account, a.venue, a.environment, a.shard, a.status = 'active' AS usable,
    coalesce(a.key_denial, a.status_reason) AS account_reason, s.state, s.state_reason, s.allocation, s.sizing_mode,
    s.sizing_value, s.size_policy, s.leverage_max, s.copies, s.end_mode, s.created_at, s.ended_at
"""
_OF_WHOM = """
    FROM account a JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN user_account u ON u.tenant_id = t.tenant_id AND u.id = t.trader_id
    WHERE a.user_id = :user_id
"""
_PAGE = text(
    f"""
    SELECT {_COLUMNS} {_OF_WHOM} AND s.state <> 'ended' AND s.id < :before
      AND (CAST(:state AS text) IS NULL OR s.state = :state)
    ORDER BY s.id DESC LIMIT :most
    """
)
_ONE = text(f"SELECT {_COLUMNS} {_OF_WHOM} AND s.id = :id")
_TALLY = text(
    f"SELECT s.state, count(*) AS many, sum(s.allocation) AS allocation {_MINE} AND s.state <> 'ended' GROUP BY s.state"
)
_TOGETHER = text(
    f"""
    WITH mine AS (SELECT s.tenant_id, s.id, a.venue || '-' || a.environment AS place {_MINE} AND s.state <> 'ended')
    SELECT place, b.symbol, count(*) FILTER (WHERE b.qty <> 0) AS positions, sum(b.qty) AS qty,
           sum(abs(b.qty)) AS gross_qty, sum(sign(b.qty) * b.cost) AS cost, sum(b.cost) AS gross_cost,
           sum(b.cash) AS cash
    FROM mine JOIN book b ON b.tenant_id = mine.tenant_id AND b.subscription_id = mine.id
    GROUP BY place, b.symbol
    """  # noqa: S608 - ours alone
)
_ACCOUNTS = text(
    "SELECT id, label, venue, environment, shard, status = 'active' AS usable, coalesce(key_denial, status_reason) "
    "AS reason, EXISTS (SELECT 1 FROM subscription s WHERE s.tenant_id = account.tenant_id "
    "AND s.account_id = account.id AND s.state <> 'ended') AS copies "
    "FROM account WHERE user_id = :user_id ORDER BY id"
)
_EVER = text(f"SELECT EXISTS (SELECT 1 {_MINE})")
_NAMED = text(
    f"""
    SELECT s.id, t.name AS strategy, a.label AS account, s.state {_OF_WHOM}
      AND (s.id = :id OR s.id IN (SELECT s.id {_MINE} ORDER BY s.state = 'ended', s.id DESC LIMIT :most))
    ORDER BY t.name, s.id
    """
)
_HIGHEST = 2**63 - 1


@dataclass(frozen=True)
class OwnCopying:
    """One subscription of a person's own. `usable` and `account_reason` tell of its account's key."""

    id: int
    strategy_id: int
    strategy: str
    slug: str
    strategy_status: str
    trader: str
    account_id: int
    account: str
    venue: str
    environment: str
    shard: str
    usable: bool
    account_reason: str | None
    state: SubscriptionState
    state_reason: str | None
    allocation: Decimal
    sizing_mode: str
    sizing_value: Decimal | None
    size_policy: str
    leverage_max: int | None
    copies: str
    end_mode: EndMode | None
    created_at: datetime
    ended_at: datetime | None

    @property
    def place(self) -> str:
        """Name the exchange's environment ("binance-lab")."""
        return f"{self.venue}-{self.environment}"

    @property
    def runs(self) -> bool:
        """Tell whether it may open something: nobody stopped it, and it is not leaving."""
        return self.state in (SubscriptionState.SYNCED, SubscriptionState.CATCHING_UP)


class OwnAccount(NamedTuple):
    """An exchange account of a person's own; `copies` tells whether anything is copied into it."""

    id: int
    label: str
    venue: str
    environment: str
    shard: str
    usable: bool
    reason: str | None
    copies: bool

    @property
    def place(self) -> str:
        return f"{self.venue}-{self.environment}"


class OwnNamed(NamedTuple):
    """One subscription to choose from a list."""

    id: int
    strategy: str
    account: str
    state: SubscriptionState


class HeldTogether(NamedTuple):
    """All books of one instrument on one exchange: `qty` and `cost` signed, the gross ones without a sign."""

    place: str
    symbol: str
    positions: int
    qty: Decimal
    gross_qty: Decimal
    cost: Decimal
    gross_cost: Decimal
    cash: Decimal


@dataclass(frozen=True)
class OwnTogether:
    """All running subscriptions of a person: how many are in which state, their allocations, what they hold."""

    states: Mapping[SubscriptionState, int]
    allocation: Decimal
    held: tuple[HeldTogether, ...]

    @property
    def count(self) -> int:
        return sum(self.states.values())

    @property
    def positions(self) -> int:
        return sum(one.positions for one in self.held)


class Worth(NamedTuple):
    """What subscriptions are worth at marks: `equity`, what positions are worth without a sign, and what has no mark.

    What has no mark counts at its cost.
    """

    equity: Decimal
    gross: Decimal
    unpriced: tuple[str, ...]


def own_copying(
    session: TenantSession,
    user_id: int,
    *,
    before: int | None = None,
    state: SubscriptionState | None = None,
    most: int = PAGE,
) -> list[OwnCopying]:
    """Return a person's running subscriptions, the newest first, those below a number; of one state if asked for."""
    keys = {"user_id": user_id, "before": before or _HIGHEST, "state": state and str(state), "most": most}
    return [_copying(dict(row)) for row in session.execute(_PAGE, keys).mappings()]


def own_one(session: TenantSession, user_id: int, subscription_id: int) -> OwnCopying:
    """Return one subscription, ended ones too; raises NotFound for what is not this person's."""
    row = None
    if 0 < subscription_id <= _HIGHEST:
        row = session.execute(_ONE, {"user_id": user_id, "id": subscription_id}).mappings().first()
    if row is None:
        raise NotFound("There is no such subscription.")
    return _copying(dict(row))


def own_together(session: TenantSession, user_id: int) -> OwnTogether:
    """Return all running subscriptions of a person as one."""
    tally = session.execute(_TALLY, {"user_id": user_id}).all()
    held = tuple(HeldTogether(*row) for row in session.execute(_TOGETHER, {"user_id": user_id}))
    states = {SubscriptionState(row.state): int(row.many) for row in tally}
    return OwnTogether(states, sum((row.allocation for row in tally), ZERO), held)


def own_accounts(session: TenantSession, user_id: int) -> list[OwnAccount]:
    """Return a person's exchange accounts."""
    return [OwnAccount(*row) for row in session.execute(_ACCOUNTS, {"user_id": user_id})]


def own_named(
    session: TenantSession, user_id: int, *, subscription_id: int | None = None, most: int = 50
) -> list[OwnNamed]:
    """Return subscriptions to choose from, running ones before ended ones, and the one of that number with them."""
    keys = {"user_id": user_id, "id": subscription_id or 0, "most": most}
    found = session.execute(_NAMED, keys)
    return [OwnNamed(number, strategy, account, SubscriptionState(state)) for number, strategy, account, state in found]


def has_copied(session: TenantSession, user_id: int) -> bool:
    """Tell whether a person ever copied anything."""
    return bool(session.execute(_EVER, {"user_id": user_id}).scalar())


def worth_of(together: OwnTogether, marks: Mapping[tuple[str, str], Decimal]) -> Worth:
    """Value all subscriptions at marks by place and symbol. Pure."""
    equity, gross, unpriced = together.allocation, ZERO, set()
    for one in together.held:
        mark = marks.get((one.place, one.symbol))
        if mark is None:
            equity, gross = equity + one.cash + one.cost, gross + one.gross_cost
            unpriced |= {one.symbol} if one.positions else set()
        else:
            equity, gross = equity + one.cash + one.qty * mark, gross + one.gross_qty * mark
    return Worth(equity, gross, tuple(sorted(unpriced)))


def _copying(row: dict[str, object]) -> OwnCopying:
    end_mode = row.pop("end_mode")
    state = SubscriptionState(str(row.pop("state")))
    return OwnCopying(**row, state=state, end_mode=None if end_mode is None else EndMode(str(end_mode)))  # type: ignore[arg-type]
