"""Who comes near a limit that would close their positions: told once a day for each limit, before it happens.

Measured as at an order, at the prices of now. What is not measured here: how far a position is from its liquidation,
of which the risk role knows more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.db import TenantSession
from copydesk.kernel import decimal_text
from copydesk.notices.model import Event, NoticeKind
from copydesk.notices.whose import facts_of, whose
from copydesk.replication.exposure import Exposure, read_exposures
from copydesk.replication.limit_standing import equity_state
from copydesk.replication.order_states import Copier, HeldRow, Scene, order_states
from copydesk.replication.shards import whereabouts_of
from copydesk.risk.acts import Owner, read_waters
from copydesk.risk.gauge import fullness
from copydesk.risk.grammar import text_of
from copydesk.risk.limits import effective, subject_of
from copydesk.risk.measures import MEASURES, Judged, Subject
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.readings import Standing, reading_of
from copydesk.risk.service import file_limits
from copydesk.risk.store import Holder, read_limits
from copydesk.risk.waters import Waters
from copydesk.tenancy import Tenant
from copydesk.trading import PositionSide

# From an exchange's environment and ccxt symbols to what a unit is worth, of those known.
Worths = Callable[[str, Collection[str]], Mapping[str, Decimal]]


class Near(NamedTuple):
    """A subscription near a limit: `used` of the way to it is gone, in whole percent."""

    subscription_id: int
    scoped: Scoped
    used: int
    now: Decimal
    at: Decimal


def tell_near(
    session: TenantSession, tenant: Tenant, worths: Worths, *, warn_at_percent: int, now: datetime
) -> list[Event]:
    """Return warnings for everybody of a brand who holds something and is near a limit."""
    found = list(_near(session, tenant, worths, warn_at_percent))
    known = whose(session, {one.subscription_id for one in found})
    today = now.astimezone(ZoneInfo(tenant.config.time_zone)).date()
    events = []
    for one in found:
        mine, line = known[one.subscription_id], text_of(one.scoped.limit)
        facts = facts_of(mine) | {"line": line, "used": one.used}
        facts |= {"now": decimal_text(one.now), "at": decimal_text(one.at)}
        facts |= {"scope": str(one.scoped.scope), "action": str(one.scoped.limit.action)}
        key = f"near:{one.subscription_id}:{line}:{today}"
        events.append(Event(NoticeKind.DRAWDOWN_WARNING, mine["user_id"], now, facts, key))
    return events


def _near(session: TenantSession, tenant: Tenant, worths: Worths, percent: int) -> Iterator[Near]:
    exposures = read_exposures(session)
    holding = [one for one in exposures if any(book.qty for book in one.books)]
    if not holding:
        return
    everyone = file_limits(tenant)
    own = read_limits(session, [_holder(one) for one in holding])
    limits = {
        one.subscription_id: [scoped for scoped in effective((*everyone, *own.of(_holder(one)))) if _closes(scoped)]
        for one in holding
    }
    if not any(limits.values()):
        return
    waters = read_waters(session)
    places: defaultdict[str, list[Exposure]] = defaultdict(list)
    for one in exposures:
        places[whereabouts_of(one.shard).exchange].append(one)
    for place, there in places.items():
        symbols = {book.symbol for one in there for book in one.books if book.qty}
        standings = _standings(there, worths(place, symbols), waters)
        for one in there:
            for scoped in limits.get(one.subscription_id, ()):
                near = _nearness(one.subscription_id, scoped, standings[one.subscription_id], percent)
                if near is not None:
                    yield near


def _holder(one: Exposure) -> Holder:
    return Holder(one.subscription_id, one.strategy_id, one.account_id)


def _closes(scoped: Scoped) -> bool:
    return scoped.limit.action.closes and Judged.EQUITY in MEASURES[scoped.limit.measure].judged


def _standings(
    there: Sequence[Exposure], marks: Mapping[str, Decimal], waters: Mapping[Owner, Waters]
) -> dict[int, Standing]:
    """Return where the subscriptions of one exchange's environment stand."""
    copiers = [Copier(one.subscription_id, one.account_id, one.allocation) for one in there]
    scene = Scene("", PositionSide.NET, short=False, marks=marks)
    states = order_states({one.subscription_id for one in there}, copiers, _rows(there), (), scene)
    standings = {}
    for one in there:
        state = states[one.subscription_id]
        mine = waters.get((Scope.SUBSCRIPTION, one.subscription_id))
        account = waters.get((Scope.ACCOUNT, one.account_id))
        standings[one.subscription_id] = Standing(
            state,
            equity_state(state.own, one.allocation, mine, None),
            equity_state(state.account, state.allocation_total, account, None),
        )
    return standings


def _rows(there: Iterable[Exposure]) -> Iterator[HeldRow]:
    for one in there:
        for book in one.books:
            yield HeldRow(one.subscription_id, book.symbol, str(book.position_side), book.qty, book.cost, book.cash)


def _nearness(subscription_id: int, scoped: Scoped, standing: Standing, percent: int) -> Near | None:
    reading = reading_of(scoped, standing)
    if reading is None or reading.now is None:
        return None
    of_account = subject_of(scoped) is Subject.ACCOUNT
    balance = (standing.orders.account if of_account else standing.orders.own).balance
    used = fullness(scoped.limit, now=reading.now, at=reading.at, balance=balance)
    if used is None or not Decimal(percent) <= used * 100 < 100:
        return None
    return Near(subscription_id, scoped, int(used * 100), reading.now, reading.at)
