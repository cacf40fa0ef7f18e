"""The wallet desk, in the listener: looks into wallets and moves money between those of one account, as owners ask.

An asking is stored before anything is sent. A transfer whose outcome is unknown is never sent again: its owner is told
so, and sees the wallets as they are then. It waits as the key desk does, and asks PostgreSQL for one number meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from copydesk.bootstrap import Runtime
from copydesk.kernel import Clock, CopydeskError, OutcomeUnknown, SystemClock, Unavailable, VenueRefused, end
from copydesk.keys import KeyNews, versions
from copydesk.replication import Whereabouts
from copydesk.trading import Credentials
from copydesk.venues import Balance, Draw, Venue, Wallet, drawing_on
from copydesk.wallets import ASKED, AskState
from copydesk.wallets.store import TakenAsk, end_ask, keep_balances, take_asks
from copydesk.workers.attend import attend
from copydesk.workers.key_news import hear

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
_TAKEN_MAX = 20
_AT_ONCE = 4
_SAID_MAX = 300
_PATIENCE = timedelta(minutes=10)
OpenVenue = Callable[[Whereabouts], Awaitable[Venue]]
Ended = tuple[AskState, str]


class WalletDesk:
    """Serve the askings of all brands. `open_venue` gives an exchange whose instruments are read."""

    def __init__(
        self, runtime: Runtime, open_venue: OpenVenue, *, clock: Clock | None = None, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._runtime = runtime
        self._open_venue = open_venue
        self._clock = clock or SystemClock()
        self._look_every_s = look_every_s
        self._nudged = asyncio.Event()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._version: int | None = None
        self._left = False

    async def run(self) -> None:
        """Serve until canceled."""
        hearing = asyncio.create_task(hear(self._runtime.require("REDIS_URL"), self._heed))
        try:
            await attend(
                self.look, self._nudged, every_s=lambda: self._look_every_s, waits="what is asked of wallets waits"
            )
        finally:
            await end(hearing)

    async def look(self) -> None:
        """Do what is asked in every brand, if anything is."""
        version = await asyncio.to_thread(self._asked)
        if version == self._version and not self._left:
            return
        self._left = False
        for tenant_id in self._runtime.tenant_ids.values():
            taken = await asyncio.to_thread(self._take, tenant_id)
            self._left |= len(taken) == _TAKEN_MAX
            await asyncio.gather(*(self._serve(tenant_id, one) for one in taken))
        # Last: what broke off before is looked at again.
        self._version = version

    def _heed(self, news: KeyNews) -> None:
        if news.tenant_id is None:
            self._nudged.set()

    def _asked(self) -> int:
        with self._runtime.db.installation() as session:
            return versions(session)[ASKED]

    def _take(self, tenant_id: int) -> list[TakenAsk]:
        with self._runtime.db.tenant(tenant_id) as session:
            return take_asks(session, self._clock.now(), limit=_TAKEN_MAX)

    async def _serve(self, tenant_id: int, taken: TakenAsk) -> None:
        async with self._turn:
            account_id = taken.ask.account_id
            keys = await asyncio.to_thread(self._runtime.keys.credentials, tenant_id, [account_id])
            seen: Mapping[Wallet, Mapping[str, Balance]] | None = None
            if account_id not in keys:
                state, reason = AskState.REFUSED, "the account has no key that opens"
            else:
                try:
                    venue = await self._open_venue(Whereabouts(taken.venue, taken.environment, taken.egress))
                except CopydeskError as error:
                    state, reason = self._waits(taken, str(error))
                else:
                    with drawing_on(Draw.SPARE):
                        state, reason = await self._moved(venue, keys[account_id], taken)
                        seen = await self._seen(venue, keys[account_id])
            await asyncio.to_thread(self._keep, tenant_id, taken, (state, reason), seen)

    async def _moved(self, venue: Venue, key: Credentials, taken: TakenAsk) -> Ended:
        """Send the transfer, if one is asked for, and say what is known of it."""
        wanted = taken.ask.transfer
        if wanted is None:
            return AskState.DONE, ""
        try:
            await venue.transfer(key, wanted.currency, wanted.amount, wanted.source, wanted.target)
        except VenueRefused as error:
            return AskState.REFUSED, str(error)[:_SAID_MAX]
        except Unavailable as error:
            return self._waits(taken, str(error))
        except OutcomeUnknown as error:
            return AskState.UNKNOWN, str(error)[:_SAID_MAX]
        return AskState.DONE, ""

    async def _seen(self, venue: Venue, key: Credentials) -> Mapping[Wallet, Mapping[str, Balance]] | None:
        """Return what each wallet holds; one that the key may not see is left out. None where nothing is said now."""
        found: dict[Wallet, Mapping[str, Balance]] = {}
        try:
            for wallet in sorted(venue.traits.wallets):
                with suppress(VenueRefused):
                    found[wallet] = await venue.balances(key, wallet)
        except (Unavailable, OutcomeUnknown) as error:
            log.info("wallets are not looked at: %s", error)
        return found or None

    def _keep(
        self,
        tenant_id: int,
        taken: TakenAsk,
        ended: Ended,
        seen: Mapping[Wallet, Mapping[str, Balance]] | None,
    ) -> None:
        now = self._clock.now()
        with self._runtime.db.tenant(tenant_id) as session:
            if seen is not None:
                keep_balances(session, taken.ask.account_id, seen, at=now)
            state, reason = ended
            looked = taken.ask.transfer is not None or seen is not None or state is not AskState.DONE
            end_ask(session, taken.ask.id, state if looked else AskState.REFUSED, reason, at=now)

    def _waits(self, taken: TakenAsk, reason: str) -> Ended:
        """Nothing was sent: it is taken up again with the next look, and given up after a while."""
        if self._clock.now() - taken.ask.made_at > _PATIENCE:
            return AskState.REFUSED, reason[:_SAID_MAX]
        self._left = True
        return AskState.WAITING, reason[:_SAID_MAX]
