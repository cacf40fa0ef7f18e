"""The key desk, in the listener: examines keys that people connect, and asks exchanges daily what the others may do.

A key that is handed in is sealed to this role; nothing but its answer, and what is sealed into the vault, leaves here.
It waits for a message on Redis, or five seconds; PostgreSQL is asked for one number then, and for more once that has
moved or something is due.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.exc import IntegrityError

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import Clock, CopydeskError, SystemClock, end
from copydesk.keys import WAITING, KeyNews, Trouble, changed, publish, versions
from copydesk.keys.examine import (
    Finding,
    Taken,
    accept,
    drop_old_offers,
    open_taken,
    postpone,
    refuse,
    store_pair,
    take_up,
    twin_of,
)
from copydesk.keys.model import IntakeState
from copydesk.keys.store import next_due
from copydesk.keys.watch import Answer, Due, adopt, note_answer, note_unopened, take_due
from copydesk.replication import SHARDS, identify, shard_of
from copydesk.trading import Credentials, Environment
from copydesk.vault import SealBroken
from copydesk.venues import Draw, drawing_on, generate
from copydesk.workers.attend import attend
from copydesk.workers.key_exam import NOT_LEARNED, Examiner, No, OpenVenue
from copydesk.workers.key_news import hear
from copydesk.workers.outage import DATABASE_AWAY, first_line

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
_AT_ONCE = 8
_TAKEN_MAX = 20
# After a day without a desk all keys are due at once: their exchanges are asked about so many a second.
PROBES_PER_S = 4.0
_ADOPT_EVERY = timedelta(hours=1)


class KeyDesk:
    """Examine keys of all brands, a few at a time. `open_venue` gives an exchange whose instruments are read."""

    def __init__(
        self,
        runtime: Runtime,
        open_venue: OpenVenue,
        *,
        clock: Clock | None = None,
        look_every_s: float = LOOK_EVERY_S,
        probes_per_s: float = PROBES_PER_S,
    ) -> None:
        self._runtime = runtime
        self._exam = Examiner(runtime, open_venue)
        self._clock = clock or SystemClock()
        self._look_every_s = look_every_s
        self._apart_s = 1 / probes_per_s
        self._next_probe: dict[tuple[str, Environment], float] = {}
        self._nudged = asyncio.Event()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._version: int | None = None
        self._due_at: datetime | None = None
        self._adopt_at: datetime | None = None

    async def run(self) -> None:
        """Serve until canceled."""
        hearing = asyncio.create_task(hear(self._runtime.require("REDIS_URL"), self._heed))
        try:
            await attend(self.look, self._nudged, every_s=lambda: self._look_every_s, waits="keys wait")
        finally:
            await end(hearing)

    async def look(self) -> None:
        """Do what is due in every brand, if anything is."""
        now = self._clock.now()
        version = await asyncio.to_thread(self._waiting)
        if version == self._version and (self._due_at is None or now < self._due_at):
            return
        if self._version is None:
            await asyncio.to_thread(self._runtime.intake_opener.ready)
        adopts = self._adopt_at is None or now >= self._adopt_at
        found = [await self._serve(tenant_id, adopts=adopts) for tenant_id in self._runtime.tenant_ids.values()]
        # Last: what broke off before is looked at again.
        self._version = version
        if adopts:
            self._adopt_at = now + _ADOPT_EVERY
        self._due_at = min((due for due in (*found, self._adopt_at) if due is not None), default=None)

    def _waiting(self) -> int:
        with self._runtime.db.installation() as session:
            return versions(session)[WAITING]

    def _heed(self, news: KeyNews) -> None:
        if news.tenant_id is None:
            self._nudged.set()

    async def _serve(self, tenant_id: int, *, adopts: bool) -> datetime | None:
        """Do what is due in one brand, and return when the next is."""
        taken, dues = await asyncio.to_thread(self._take, tenant_id, adopts)
        work = [self._in_turn(self._handle(tenant_id, one)) for one in taken]
        work += [self._probe(tenant_id, due) for due in dues]
        ended = await asyncio.gather(*work, return_exceptions=True)
        every: list[Taken | Due] = [*taken, *dues]
        for one, trouble in zip(every, ended, strict=True):
            if trouble is not None:
                await self._leave(tenant_id, one, trouble)
        return await asyncio.to_thread(self._in_brand, tenant_id, next_due)

    async def _in_turn(self, work: Awaitable[None]) -> None:
        async with self._turn:
            await work

    async def _probe(self, tenant_id: int, due: Due) -> None:
        """Ask about a connected key when its exchange's turn has come; the budget's reserve is for closes."""
        now = asyncio.get_running_loop().time()
        place = (due.venue, due.environment)
        at = max(self._next_probe.get(place, now), now)
        self._next_probe[place] = at + self._apart_s
        await asyncio.sleep(at - now)
        with drawing_on(Draw.OPENS):
            await self._in_turn(self._ask(tenant_id, due))

    async def _leave(self, tenant_id: int, one: Taken | Due, trouble: BaseException) -> None:
        """Leave a key for later, whatever happened: no other one waits for it, and none waits for ever."""
        if not isinstance(trouble, Exception):
            raise trouble
        if isinstance(trouble, DATABASE_AWAY):
            log.warning("a key is left for later: %s", first_line(trouble))
            return
        known = isinstance(trouble, CopydeskError)
        log.warning("a key is left for later: %s", trouble, exc_info=None if known else trouble)
        if isinstance(one, Taken):
            later = partial(postpone, seal=self._runtime.identity_vault, taken=one, at=self._clock.now())
            await asyncio.to_thread(self._in_brand, tenant_id, later)

    def _take(self, tenant_id: int, adopts: bool) -> tuple[list[Taken], list[Due]]:
        now = self._clock.now()
        with self._runtime.db.tenant(tenant_id) as session:
            if adopts:
                adopt(session, now)
            drop_old_offers(session, now)
            return take_up(session, now, limit=_TAKEN_MAX), take_due(session, now, limit=_TAKEN_MAX)

    # Keys on their way in.

    async def _handle(self, tenant_id: int, taken: Taken) -> None:
        if taken.intake.state is IntakeState.MAKING:
            await asyncio.to_thread(self._make_pair, tenant_id, taken)
            return
        try:
            credentials = await asyncio.to_thread(self._opened, tenant_id, taken)
            found: Finding | No = await self._exam.new_key(tenant_id, taken, credentials)
        except SealBroken:
            found = No(Trouble.BROKEN)
        if isinstance(found, Finding):
            await asyncio.to_thread(self._accept, tenant_id, taken, credentials, found)
        else:
            await asyncio.to_thread(self._refuse, tenant_id, taken, found)

    def _make_pair(self, tenant_id: int, taken: Taken) -> None:
        pair = generate(taken.intake.venue)
        with self._runtime.db.tenant(tenant_id) as session:
            if pair is None:
                refuse(session, self._runtime.identity_vault, taken.intake.id, Trouble.BROKEN, at=self._clock.now())
                return
            texts = {"private_pem": pair.private_pem, "public_pem": pair.public_pem}
            store_pair(session, self._runtime.vault, taken.intake.id, **texts, at=self._clock.now())

    def _opened(self, tenant_id: int, taken: Taken) -> Credentials:
        return open_taken(tenant_id, taken, self._runtime.intake_opener, self._runtime.vault)

    def _accept(self, tenant_id: int, taken: Taken, credentials: Credentials, finding: Finding) -> None:
        runtime, intake, now = self._runtime, taken.intake, self._clock.now()
        shard = shard_of(intake.venue, intake.environment, intake.id, runtime.number(SHARDS))
        vaults = (runtime.vault, runtime.identity_vault)
        for vault in vaults:
            vault.warm(tenant_id)
        try:
            with runtime.db.tenant(tenant_id) as session:
                hashes = {"key_hash": finding.key_hash, "uid_hash": finding.uid_hash}
                trouble = twin_of(session, intake, **hashes)
                if trouble is not None:
                    refuse(session, runtime.identity_vault, intake.id, trouble, at=now)
                    return
                account_id = accept(
                    *(session, *vaults, intake.id, credentials, finding),
                    shard=shard,
                    at=now,
                    joined=lambda account_id: identify(session, account_id, finding.uid_hash),
                )
        except IntegrityError:
            # Another desk has accepted the same key in this moment.
            self._refuse(tenant_id, taken, No(Trouble.TAKEN))
            return
        if account_id is not None:
            self._tell_changed(tenant_id, account_id)

    def _refuse(self, tenant_id: int, taken: Taken, no: No) -> None:
        with self._runtime.db.tenant(tenant_id) as session:
            seal, now = self._runtime.identity_vault, self._clock.now()
            refuse(session, seal, taken.intake.id, no.reason, at=now, rights=no.rights, said=no.said)

    # Keys that are connected.

    async def _ask(self, tenant_id: int, due: Due) -> None:
        """Ask what a connected key may do now; where nothing is learned it comes again in a quarter of an hour."""
        credentials = await asyncio.to_thread(self._held, tenant_id, due.account_id)
        if credentials is None:
            log.error("account %s of brand %s: its key does not open", due.account_id, tenant_id)
            unopened = partial(note_unopened, seal=self._runtime.identity_vault, due=due, at=self._clock.now())
            await asyncio.to_thread(self._in_brand, tenant_id, unopened)
            return
        try:
            answer = await self._exam.known_key(tenant_id, due, credentials)
        except NOT_LEARNED as error:
            log.info("account %s of brand %s: not asked about: %s", due.account_id, tenant_id, error)
            return
        if answer is not None:
            await asyncio.to_thread(self._note, tenant_id, due, answer)

    def _held(self, tenant_id: int, account_id: int) -> Credentials | None:
        self._runtime.keys.forget(tenant_id, account_id)
        return self._runtime.keys.credentials(tenant_id, [account_id]).get(account_id)

    def _note(self, tenant_id: int, due: Due, answer: Answer) -> None:
        with self._runtime.db.tenant(tenant_id) as session:
            aside = note_answer(session, self._runtime.identity_vault, due, answer, at=self._clock.now())
        if aside:
            log.warning("account %s of brand %s is put aside: %s", due.account_id, tenant_id, answer.denial)
            self._tell_changed(tenant_id, due.account_id)

    def _tell_changed(self, tenant_id: int, account_id: int) -> None:
        self._runtime.keys.forget(tenant_id, account_id)
        publish(self._runtime.hasty_redis, changed(tenant_id, [account_id]))

    def _in_brand(self, tenant_id: int, act: Callable[[TenantSession], datetime | None]) -> datetime | None:
        with self._runtime.db.tenant(tenant_id) as session:
            return act(session)
