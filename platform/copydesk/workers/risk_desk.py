"""What the risk role knows of desks: every subscription with its books and limits, read at first, then as they change.

Read in a thread of its own, so that PostgreSQL being away or slow keeps no price waiting; what was read last holds on.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import ConfigError
from copydesk.replication import (
    Exposure,
    LiquidationSeen,
    changed_since,
    crowd_version,
    liquidations_since,
    read_exposures,
    traces_now,
)
from copydesk.replication.signs import read_signs
from copydesk.risk.acts import Act, ActState, Owner, newest_acts, open_acts, read_waters
from copydesk.risk.model import Scoped
from copydesk.risk.monitor import Holding, Key
from copydesk.risk.service import file_limits
from copydesk.risk.store import Holder, read_limits
from copydesk.risk.waters import Waters
from copydesk.workers.lookout import Lookout
from copydesk.workers.risk_brand import BrandBooks

log = logging.getLogger(__name__)

READ_EVERY_S = 0.25
READ_ALL_EVERY_S = 60.0
# Positions are seen once a minute at most.
READ_LIQUIDATIONS_EVERY_S = 5.0
# What was seen may be stored a moment later.
_STORED_WITHIN = timedelta(seconds=60)


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


class RiskDesk:
    """Read all brands again and again, and hand over what is new of each."""

    def __init__(
        self,
        runtime: Runtime,
        tell: Callable[[Seen], None],
        hold_keys: Callable[[int, Collection[int]], object],
        *,
        liquidations_every_s: float = READ_LIQUIDATIONS_EVERY_S,
    ) -> None:
        """`hold_keys` has the keys of a brand's accounts opened while PostgreSQL is there to be asked for them."""
        self._runtime = runtime
        self._tell = tell
        self._hold_keys = hold_keys
        self._liquidations_every_s = liquidations_every_s
        self._brands: defaultdict[int, BrandBooks] = defaultdict(BrandBooks)
        self._lookout = Lookout("risk-desk", self.look, every_s=READ_EVERY_S, away="watching from memory")

    def start(self) -> None:
        """Read everything once, so that the caller begins with all there is; then go on in a thread."""
        self.look()
        self._lookout.start()

    def close(self) -> None:
        self._lookout.close()

    def look(self) -> None:
        """Look at every brand once. Raises the driver's errors.

        A brand that is served no more is watched for as long as anybody holds anything of it.
        """
        self._runtime.directory.refresh_if_due()
        served = set(self._runtime.tenant_ids.values())
        known = served | self._brands.keys()
        signs = read_signs(self._runtime.db, known)
        for tenant_id in sorted(known):
            brand = self._brands[tenant_id]
            if brand.stirs(signs.get(tenant_id)) or self._is_due(tenant_id, brand):
                self._look_at(tenant_id, brand)
            if tenant_id not in served and not brand.holds:
                self._tell(Seen(tenant_id, {}, {}, frozenset(brand.exposures)))
                del self._brands[tenant_id]

    def _is_due(self, tenant_id: int, brand: BrandBooks) -> bool:
        """Tell whether a brand of which nothing has changed is to be looked at all the same."""
        now = time.monotonic()
        positions = brand.exposures and now - brand.liquidations_read_at >= self._liquidations_every_s
        whole = now - brand.read_all_at >= READ_ALL_EVERY_S
        return bool(positions) or whole or self._files(tenant_id) != brand.files

    def _look_at(self, tenant_id: int, brand: BrandBooks) -> None:
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
            seen = self._liquidations(session, brand)
        brand.version, brand.files = version, files
        if whole:
            brand.read_all_at = time.monotonic()
        found = {one.subscription_id: one for one in exposures}
        gone = frozenset((brand.exposures.keys() if ids is None else set(ids)) - found.keys())
        changed = {number: one for number, one in found.items() if ids is None or brand.exposures.get(number) != one}
        accounts = brand.take_in(changed, gone) | brand.see_positions(seen)
        holdings = self._holdings(tenant_id, brand, changed, accounts)
        self._tell(Seen(tenant_id, holdings, changed, gone, brand.traces[-1].copy_id, before))
        if invested := {one.account_id for one in changed.values() if any(book.qty for book in one.books)}:
            self._hold_keys(tenant_id, invested)

    def _holdings(
        self, tenant_id: int, brand: BrandBooks, changed: Mapping[int, Exposure], accounts: Collection[int]
    ) -> dict[Key, Holding]:
        if not changed and not accounts:
            return {}
        told = brand.told
        own = {Key(tenant_id, number): brand.own(number, **told) for number in changed}
        return own | {Key(tenant_id, one, account=True): brand.together(one, **told) for one in accounts}

    def _liquidations(self, session: TenantSession, brand: BrandBooks) -> list[LiquidationSeen]:
        now = time.monotonic()
        if now - brand.liquidations_read_at < self._liquidations_every_s:
            return []
        brand.liquidations_read_at = now
        return liquidations_since(session, brand.liquidations_seen_at - _STORED_WITHIN)

    def _files(self, tenant_id: int) -> tuple[Scoped, ...]:
        try:
            tenant = self._runtime.tenant(tenant_id)
            self._brands[tenant_id].told = {"currency": tenant.config.currency, "zone": tenant.config.time_zone}
            return file_limits(tenant)
        except ConfigError as error:
            log.warning("limits of a brand's file are not read anew: %s", error)
            return self._brands[tenant_id].files


def _before(session: TenantSession) -> Before:
    under_way = {(act.scope, act.subject_id): act for act in open_acts(session)}
    return Before(read_waters(session), newest_acts(session), under_way)


def _holder(exposure: Exposure) -> Holder:
    return Holder(exposure.subscription_id, exposure.strategy_id, exposure.account_id)
