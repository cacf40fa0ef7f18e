"""What the risk role knows of desks: every subscription with its books and limits, read at first, then as they change.

Read in a thread of its own, so that PostgreSQL being away or slow keeps no price waiting; what was read last holds on.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import ZERO, ConfigError
from copydesk.replication import (
    Exposure,
    Traces,
    changed_since,
    crowd_version,
    read_exposures,
    traces_now,
    whereabouts_of,
)
from copydesk.risk.acts import Act, ActState, Owner, newest_acts, open_acts, read_waters
from copydesk.risk.equity_rules import equity_bounds
from copydesk.risk.limits import LimitSet, effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scoped
from copydesk.risk.monitor import Holding, Key, Listing
from copydesk.risk.service import file_limits
from copydesk.risk.store import Holder, read_limits
from copydesk.risk.waters import Waters
from copydesk.workers.lookout import Lookout

log = logging.getLogger(__name__)

READ_EVERY_S = 0.25
READ_ALL_EVERY_S = 60.0
# A copy may be stored under a number below one that was seen already: what is this much older is looked at again.
_LOOK_BACK = 8


class Before(NamedTuple):
    """What an earlier process has left: high waters, how each holder's newest act stands, and acts without an end."""

    waters: Mapping[Owner, Waters] = MappingProxyType({})
    acts: Mapping[Owner, tuple[ActState, int]] = MappingProxyType({})
    under_way: Mapping[Owner, Act] = MappingProxyType({})


_NOTHING = Before()


@dataclass(frozen=True)
class Seen:
    """One look at a brand: holders as they are now, subscriptions that are gone, and what a new process goes on with.

    `copy_id` is the newest copy known.
    """

    tenant_id: int
    holdings: Mapping[Key, Holding]
    exposures: Mapping[int, Exposure]
    gone: Collection[int]
    copy_id: int = 0
    before: Before = _NOTHING


class _Brand:
    """What was read of one brand."""

    def __init__(self) -> None:
        self.exposures: dict[int, Exposure] = {}
        self.limits: dict[int, tuple[Scoped, ...]] = {}
        self.traces: deque[Traces] = deque(maxlen=_LOOK_BACK)
        self.version = -1
        self.read_all_at = float("-inf")
        self.files: tuple[Scoped, ...] = ()


class RiskDesk:
    """Read all brands again and again, and hand over what is new of each."""

    def __init__(
        self, runtime: Runtime, tell: Callable[[Seen], None], hold_keys: Callable[[int, Collection[int]], object]
    ) -> None:
        """`hold_keys` has the keys of a brand's accounts opened while PostgreSQL is there to be asked for them."""
        self._runtime = runtime
        self._tell = tell
        self._hold_keys = hold_keys
        self._brands: defaultdict[int, _Brand] = defaultdict(_Brand)
        self._lookout = Lookout("risk-desk", self.look, every_s=READ_EVERY_S, away="watching from memory")

    def start(self) -> None:
        """Read everything once, so that the caller begins with all there is; then go on in a thread."""
        self.look()
        self._lookout.start()

    def close(self) -> None:
        self._lookout.close()

    def look(self) -> None:
        """Look at every brand once. Raises the driver's errors."""
        self._runtime.directory.refresh_if_due()
        for tenant_id in self._runtime.tenant_ids.values():
            self._look_at(tenant_id, self._brands[tenant_id])

    def _look_at(self, tenant_id: int, brand: _Brand) -> None:
        first = not brand.traces
        files = self._files(tenant_id)
        with self._runtime.db.tenant(tenant_id) as session:
            version = crowd_version(session)
            whole = version != brand.version or time.monotonic() - brand.read_all_at >= READ_ALL_EVERY_S
            whole = whole or files != brand.files
            if whole:
                brand.traces.append(traces_now(session))
                ids, exposures = None, read_exposures(session)
                limits = read_limits(session, [_holder(one) for one in exposures])
                brand.limits = {one.subscription_id: limits.of(_holder(one)) for one in exposures}
            else:
                newest = brand.traces[-1]
                ids, traces = changed_since(session, brand.traces[0]._replace(moving=newest.moving))
                exposures = read_exposures(session, ids) if ids else []
                brand.traces.append(traces)
            before = _before(session) if first else _NOTHING
        brand.version, brand.files = version, files
        if whole:
            brand.read_all_at = time.monotonic()
        self._told(tenant_id, brand, exposures, ids, before)

    def _told(
        self,
        tenant_id: int,
        brand: _Brand,
        exposures: Iterable[Exposure],
        ids: Collection[int] | None,
        before: Before,
    ) -> None:
        found = {one.subscription_id: one for one in exposures}
        gone = (brand.exposures.keys() if ids is None else set(ids)) - found.keys()
        changed = {number: one for number, one in found.items() if ids is None or brand.exposures.get(number) != one}
        for number in gone:
            brand.exposures.pop(number, None)
        brand.exposures |= found
        accounts = {one.account_id for one in changed.values()}
        holdings = self._holdings(tenant_id, brand, changed, accounts) if changed else {}
        copy_id = brand.traces[-1].copy_id
        self._tell(Seen(tenant_id, holdings, changed, frozenset(gone), copy_id, before))
        if invested := {one.account_id for one in changed.values() if any(book.qty for book in one.books)}:
            self._hold_keys(tenant_id, invested)

    def _holdings(
        self, tenant_id: int, brand: _Brand, changed: Mapping[int, Exposure], accounts: Collection[int]
    ) -> dict[Key, Holding]:
        config = self._runtime.tenant(tenant_id).config
        holdings: dict[Key, Holding] = {}
        together: defaultdict[int, list[Exposure]] = defaultdict(list)
        for one in brand.exposures.values():
            if one.account_id in accounts:
                together[one.account_id].append(one)
        for number, one in changed.items():
            limits = effective(_told_limits(brand, number))
            holdings[Key(tenant_id, number)] = holding_of(
                [one], limits, Subject.SUBSCRIPTION, currency=config.currency, zone=config.time_zone
            )
        for account, ones in together.items():
            limits = effective(scoped for one in ones for scoped in _told_limits(brand, one.subscription_id))
            holdings[Key(tenant_id, account, account=True)] = holding_of(
                ones, limits, Subject.ACCOUNT, currency=config.currency, zone=config.time_zone
            )
        return holdings

    def _files(self, tenant_id: int) -> tuple[Scoped, ...]:
        try:
            return file_limits(self._runtime.tenant(tenant_id))
        except ConfigError as error:
            log.warning("limits of a brand's file are not read anew: %s", error)
            return self._brands[tenant_id].files


def _told_limits(brand: _Brand, number: int) -> tuple[Scoped, ...]:
    return (*brand.files, *brand.limits.get(number, ()))


def holding_of(
    exposures: Collection[Exposure], limits: LimitSet, subject: Subject, *, currency: str, zone: str
) -> Holding:
    """Put what one subscription has, or all of an account, in the monitor's form. Pure."""
    positions: defaultdict[Listing, Decimal] = defaultdict(lambda: ZERO)
    allocation = cash = cost = ZERO
    for one in exposures:
        place = whereabouts_of(one.shard).exchange
        allocation += one.allocation
        for book in one.books:
            cash += book.cash
            cost += book.cost if book.qty > 0 else -book.cost
            positions[Listing(place, book.symbol)] += book.qty
    held = {listing: qty for listing, qty in positions.items() if qty}
    bounds = equity_bounds(limits, subject, currency=currency)
    return Holding(allocation, allocation + cash, cash + cost, held, bounds, zone)


def _before(session: TenantSession) -> Before:
    under_way = {(act.scope, act.subject_id): act for act in open_acts(session)}
    return Before(read_waters(session), newest_acts(session), under_way)


def _holder(exposure: Exposure) -> Holder:
    return Holder(exposure.subscription_id, exposure.strategy_id, exposure.account_id)
