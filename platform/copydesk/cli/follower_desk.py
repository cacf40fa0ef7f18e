"""One account and one strategy, looked at before the one copies the other: rights, modes, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import NotFound, Unavailable
from copydesk.replication import (
    LEVERAGE_MAX,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    AccountPlace,
    JoinLine,
    Leads,
    Limits,
    Standing,
    StrategyKeys,
    Suitability,
    Wanted,
    account_place,
    identify,
    join_preview,
    kinship_denial,
    leader_in_figures,
    needs_of,
    open_to_followers,
    probe_account,
    standings,
    strategy_keys,
    suitability,
    whereabouts_of,
)
from copydesk.tenancy import setting_value
from copydesk.trading import Credentials
from copydesk.venues import Venue


class FollowerDesk:
    """Look at accounts of one brand through their keys; changes nothing at the exchange."""

    def __init__(self, runtime: Runtime, tenant_id: int) -> None:
        self.tenant_id = tenant_id
        self._runtime = runtime

    def strategy(self, session: TenantSession, slug: str) -> StrategyKeys:
        """Return a strategy's ids; raises NotFound."""
        found = strategy_keys(session, slug)
        if found is None:
            raise NotFound(f"there is no strategy {slug}")
        return found

    def shard(self, session: TenantSession, account_id: int) -> str:
        """Return the lane that serves an account; raises NotFound."""
        return account_place(session, account_id).shard

    async def look(self, slug: str, account_id: int, wanted: Wanted) -> tuple[Suitability, list[JoinLine]]:
        """Say whether an account can copy a strategy, and what would be done about what the trader holds.

        Notes the fingerprints of both accounts. Raises NotFound, InvalidInput for a strategy that is
        closed, and `Unavailable` where an exchange or a key cannot be asked.
        """
        with self._runtime.db.tenant(self.tenant_id) as session:
            keys = self.strategy(session, slug)
            open_to_followers(session, keys.strategy_id)
            place = account_place(session, account_id)
            needs = needs_of(session, strategy_id=keys.strategy_id, account_id=account_id)
            held, leads = standings(session, keys.strategy_id), leader_in_figures(session, keys.strategy_id)
        await self._identify(keys.account_id)
        async with self._open(place) as venue:
            seen = await probe_account(venue, self._key(account_id))
            instruments = await venue.instruments()
            found = suitability(needs, seen, venue.traits, instruments)
            if seen.uid:
                await self._note(account_id, place, seen.uid)
            lines = await self._preview(venue, place, held, leads, wanted) if held else []
        with self._runtime.db.tenant(self.tenant_id) as session:
            kin = kinship_denial(session, strategy_id=keys.strategy_id, account_id=account_id)
        if kin is not None:
            found.against.insert(0, (kin, {}))
        return found, lines

    async def _preview(
        self, venue: Venue, place: AccountPlace, held: list[Standing], leads: Leads, wanted: Wanted
    ) -> list[JoinLine]:
        tenant = self._runtime.tenant(self.tenant_id)
        here = (place.venue, place.environment)
        offered = [exchange for exchange in tenant.config.exchanges if (exchange.venue, exchange.environment) == here]
        limits = Limits(
            setting_value(tenant, SLIPPAGE_BPS_MAX, int),
            setting_value(tenant, SIGNAL_AGE_MS_MAX, int),
            leverage_max=setting_value(tenant, LEVERAGE_MAX, int),
        )
        return join_preview(
            held,
            wanted,
            leads,
            prices=await venue.prices(),
            instruments=await venue.instruments(),
            markets=frozenset(market for exchange in offered for market in exchange.markets),
            limits=limits,
        )

    async def _identify(self, account_id: int) -> None:
        """Ask for the number of an account, so that loops are seen."""
        with self._runtime.db.tenant(self.tenant_id) as session:
            place = account_place(session, account_id)
        async with self._open(place) as venue:
            await self._note(account_id, place, await venue.account_uid(self._key(account_id)))

    async def _note(self, account_id: int, place: AccountPlace, uid: str) -> None:
        await asyncio.to_thread(self._note_now, account_id, place, uid)

    def _note_now(self, account_id: int, place: AccountPlace, uid: str) -> None:
        uid_hash = self._runtime.fingerprints.of_account(place.venue, place.environment, uid)
        with self._runtime.db.tenant(self.tenant_id) as session:
            identify(session, account_id, uid_hash)

    def _key(self, account_id: int) -> Credentials:
        found = self._runtime.keys.credentials(self.tenant_id, [account_id])
        if account_id not in found:
            raise Unavailable(f"the key of account {account_id} does not open")
        return found[account_id]

    @asynccontextmanager
    async def _open(self, place: AccountPlace) -> AsyncIterator[Venue]:
        egress = whereabouts_of(place.shard).egress
        venue = self._runtime.venue(place.venue, place.environment, egress=egress)
        try:
            await venue.warm(1)
            yield venue
        finally:
            await venue.aclose()
