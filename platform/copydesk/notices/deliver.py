"""Sends what is due by push, Telegram and webhook: taken from the outbox, said in words, carried, settled."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from copydesk.db import Database, TenantSession
from copydesk.identity import User
from copydesk.kernel import Clock, ConfigError, CopydeskError
from copydesk.notices.carriers import Carriers
from copydesk.notices.channels.port import Carrier, Message, Outcome, Pushed, Target
from copydesk.notices.model import URGENT, Channel, DeliveryState, Notice, Reason, Words
from copydesk.notices.outbox import LATE_AFTER, Step, Taken, next_step, settle, take_due
from copydesk.notices.port import Wordsmith
from copydesk.notices.reaching import TEST_NOTICE_ID
from copydesk.notices.store import notices_by_id
from copydesk.notices.ways import note_address, note_device, targets_of
from copydesk.notifications import Seal
from copydesk.tenancy import Tenant

log = logging.getLogger(__name__)

QUICK = (Channel.PUSH, Channel.TELEGRAM, Channel.WEBHOOK)
AT_ONCE = 100
_NOBODY = Outcome(DeliveryState.FAILED, Reason.NO_ADDRESS)


@dataclass(frozen=True, slots=True)
class _Errand:
    """One delivery with all that sending it takes: no session is open meanwhile."""

    taken: Taken
    message: Message | None
    targets: tuple[Target, ...]
    carrier: Carrier | None


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of an errand: one outcome for each target, and how the delivery goes on."""

    errand: _Errand
    outcomes: tuple[Outcome, ...]
    step: Step


class Sender:
    """Deliver for every brand, on the loop that its line is open on.

    `wordsmith` is asked for when the first words are needed; None where nobody has any.
    """

    def __init__(
        self,
        database: Database,
        seal: Seal,
        carriers: Carriers,
        wordsmith: Callable[[], Wordsmith] | None,
        tenant_of: Callable[[int], Tenant],
        *,
        clock: Clock,
    ) -> None:
        self._db = database
        self._seal = seal
        self._carriers = carriers
        self._wordsmith = wordsmith
        self._tenant_of = tenant_of
        self._clock = clock

    async def sweep(self, tenant_id: int, channels: Sequence[Channel] = QUICK) -> int:
        """Try each of a brand's deliveries that is due by these channels, once, and return how many were sent.

        Several sweeps may run beside each other: no two take the same delivery. Raises the driver's errors.
        """
        sent = 0
        while True:
            errands = await asyncio.to_thread(self._take, tenant_id, channels)
            done = await asyncio.gather(*(self._carry(errand) for errand in errands))
            if done:
                await asyncio.to_thread(self._settle, tenant_id, done)
            sent += sum(one.step.state is DeliveryState.SENT for one in done)
            if len(errands) < AT_ONCE:
                return sent

    def _take(self, tenant_id: int, channels: Sequence[Channel]) -> list[_Errand]:
        """Take what is due under a lease of its own, then read what sending it takes."""
        with self._db.tenant(tenant_id) as session:
            taken = take_due(session, channels, now=self._clock.now(), limit=AT_ONCE)
        if not taken:
            return []
        with self._db.tenant(tenant_id) as session:
            notices = notices_by_id(session, {one.notice_id for one in taken})
            targets = targets_of(session, self._seal, {(one.user_id, one.channel) for one in taken})
            carriers = self._carriers_of(session, tenant_id, {one.channel for one in taken})
            locales = _locales(session, {one.user_id for one in taken})
        words = self._words(tenant_id, notices, locales)
        return [
            _Errand(one, _message(one, notices, words), targets[one.user_id, one.channel], carriers.get(one.channel))
            for one in taken
        ]

    def _carriers_of(
        self, session: TenantSession, tenant_id: int, channels: set[Channel]
    ) -> Mapping[Channel, Carrier | None]:
        try:
            tenant = self._tenant_of(tenant_id)
            return {channel: self._carriers.of(session, tenant, channel) for channel in channels}
        except CopydeskError as error:
            log.warning("notices of brand %s: no carrier: %s", tenant_id, error)
            return {}

    def _words(self, tenant_id: int, notices: Mapping[int, Notice], locales: Mapping[int, str]) -> Mapping[int, Words]:
        """Return the words of notices by their ids; none where nobody can say them now."""
        if self._wordsmith is None:
            return {}
        spoken: defaultdict[str, list[Notice]] = defaultdict(list)
        for notice in notices.values():
            spoken[locales.get(notice.user_id, "")].append(notice)
        try:
            smith = self._wordsmith()
            return {
                notice.id: words
                for locale, told in spoken.items()
                for notice, words in zip(told, smith.say(tenant_id, locale, told), strict=True)
            }
        except ConfigError as error:
            log.warning("notices of brand %s: no words: %s", tenant_id, error)
            return {}

    async def _carry(self, errand: _Errand) -> _Done:
        taken, now = errand.taken, self._clock.now()
        if errand.message is None or taken.made_at < now - 2 * LATE_AFTER:
            return _Done(errand, (), Step(DeliveryState.FAILED, Reason.TOO_OLD))
        if errand.carrier is None:
            return _Done(errand, (), _step(taken, Outcome(DeliveryState.WAITING, Reason.NOT_SET_UP), now))
        carrier, message = errand.carrier, errand.message
        outcomes = await asyncio.gather(*(carrier.carry(message, target) for target in errand.targets))
        return _Done(errand, tuple(outcomes), _step(taken, best_of(outcomes), now))

    def _settle(self, tenant_id: int, done: Sequence[_Done]) -> None:
        now = self._clock.now()
        with self._db.tenant(tenant_id) as session:
            settle(session, {one.errand.taken.id: one.step for one in done}, now=now)
            for one in done:
                for target, outcome in zip(one.errand.targets, one.outcomes, strict=False):
                    _note(session, one.errand.taken, target, outcome, now)


def best_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what counts of several tries: one browser that took it is enough, one that may later is worth a try."""
    for state in (DeliveryState.SENT, DeliveryState.WAITING):
        for outcome in outcomes:
            if outcome.state is state:
                return outcome
    return outcomes[0] if outcomes else _NOBODY


def _step(taken: Taken, outcome: Outcome, now: datetime) -> Step:
    if outcome.state is DeliveryState.WAITING:
        return next_step(taken.tries, now, outcome.reason or Reason.BUSY, wait=outcome.wait, answer=outcome.answer)
    return Step(outcome.state, outcome.reason, None, outcome.answer)


def _note(session: TenantSession, taken: Taken, target: Target, outcome: Outcome, now: datetime) -> None:
    if isinstance(target, Pushed):
        note_device(session, target.device_id, outcome, now)
    else:
        note_address(session, taken.user_id, taken.channel, outcome, now)


def _message(taken: Taken, notices: Mapping[int, Notice], words: Mapping[int, Words]) -> Message | None:
    """Return what is sent; None where the notice is no longer kept."""
    if taken.notice_id == TEST_NOTICE_ID:
        return Message(TEST_NOTICE_ID, None, taken.made_at, {}, None, "test", urgent=True)
    notice = notices.get(taken.notice_id)
    if notice is None:
        return None
    topic = topic_of(notice)
    said = words.get(notice.id)
    return Message(notice.id, notice.kind, notice.at, notice.facts, said, topic, notice.kind in URGENT)


def topic_of(notice: Notice) -> str:
    """Name what a newer message replaces on a phone: the same kind about the same thing; a stop's is its own. Pure."""
    if notice.kind in URGENT:
        return f"{notice.kind}-{notice.id}"
    about = notice.facts.get("subscription_id") or notice.facts.get("strategy_id") or 0
    return f"{notice.kind}-{about}"


def _locales(session: TenantSession, user_ids: set[int]) -> dict[int, str]:
    return {row.id: row.locale for row in session.execute(select(User.id, User.locale).where(User.id.in_(user_ids)))}
