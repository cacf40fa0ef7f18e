"""What an exchange is asked of a key, and what a brand makes of the answer. Changes nothing at the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, TypeVar

from copydesk.bootstrap import Runtime
from copydesk.kernel import ConfigError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.keys import Intake, Trouble
from copydesk.keys.examine import Finding, Taken
from copydesk.keys.settings import IP_LOCK, REQUIRED
from copydesk.keys.watch import DISARMS, Answer, Due
from copydesk.replication import Whereabouts
from copydesk.tenancy import setting_value
from copydesk.trading import Credentials, Denial
from copydesk.venues import KeyScope, KeyVerdict, Venue, key_verdict

# Nothing was learned of the key: it is asked about again.
NOT_LEARNED = (Unavailable, OutcomeUnknown, ConfigError)
_OF_THE_MOMENT = frozenset({Denial.CLOCK_SKEWED, Denial.RATE_LIMITED, Denial.VENUE_UNAVAILABLE})
_OF_THE_MARKET = frozenset({Denial.INSTRUMENT_UNMAPPED, Denial.INSTRUMENT_HALTED})
# In so many markets of a brand a key may be tried.
_MARKETS_MAX = 8

# Exchanges allow some of these questions once a second.
_PATIENCE_S = 2.5
_SAID_MAX = 300

T = TypeVar("T")
OpenVenue = Callable[[Whereabouts], Awaitable[Venue]]


class No(NamedTuple):
    """Why a key is refused, because of which rights, and in whose words."""

    reason: str
    rights: frozenset[str] = frozenset()
    said: str = ""


class Examiner:
    """Ask exchanges about keys. `open_venue` gives an exchange whose instruments are read."""

    def __init__(self, runtime: Runtime, open_venue: OpenVenue) -> None:
        self._runtime = runtime
        self._open_venue = open_venue

    async def new_key(self, tenant_id: int, taken: Taken, credentials: Credentials) -> Finding | No:
        """Ask what a key may do, whether it trades, and whose it is.

        Raises one of `NOT_LEARNED` while the exchange cannot be asked: the key has not been shown to be safe then.
        """
        intake = taken.intake
        place = Whereabouts(intake.venue, intake.environment, taken.egress)
        exchange = await self._open_venue(place)
        verdict = await _patiently(lambda: key_verdict(exchange, credentials))
        denial = verdict.denial or self._unbound(tenant_id, verdict)
        if denial in _OF_THE_MOMENT:
            raise Unavailable(verdict.said)
        if denial is not None:
            named = verdict.scope.named if verdict.scope is not None else frozenset()
            return No(denial, named, harmless(verdict.said, credentials))
        assert verdict.scope is not None, "a key is accepted by what it may do"
        try:
            await self._try_order(tenant_id, place, exchange, credentials, verdict.scope)
            uid = verdict.scope.uid or await _patiently(lambda: exchange.account_uid(credentials))
        except VenueRefused as refusal:
            if refusal.code in _OF_THE_MOMENT:
                raise Unavailable(str(refusal)) from None
            reason = refusal.code if refusal.code in DISARMS else Trouble.TRADE_REFUSED
            return No(reason, said=harmless(str(refusal), credentials))
        texts = (f"key {credentials.api_key}", uid)
        hashes = await asyncio.to_thread(self._fingerprints, intake, texts)
        return Finding(verdict.scope, *hashes)

    async def known_key(self, tenant_id: int, due: Due, credentials: Credentials) -> Answer | None:
        """Ask what a connected key may do now; None where the answer says nothing of the key itself.

        One that its owner wants used again has to trade, too. Raises as `new_key` does.
        """
        place = Whereabouts(due.venue, due.environment, due.egress)
        exchange = await self._open_venue(place)
        verdict = await _patiently(lambda: key_verdict(exchange, credentials))
        denial = verdict.denial
        if denial is not None:
            return Answer(denial, verdict.scope) if denial in DISARMS else None
        if due.rearms and verdict.scope is not None:
            try:
                await self._try_order(tenant_id, place, exchange, credentials, verdict.scope)
            except VenueRefused as refusal:
                # What is no word of the key itself leaves it as it was.
                return Answer(Denial(refusal.code), verdict.scope) if refusal.code in DISARMS else None
        return Answer(None, verdict.scope)

    def _fingerprints(self, intake: Intake, texts: tuple[str, ...]) -> list[str]:
        of = self._runtime.fingerprints.of_account
        return [of(intake.venue, intake.environment, text) for text in texts]

    def _unbound(self, tenant_id: int, verdict: KeyVerdict) -> Denial | None:
        """Add to the exchange's word what the brand wants of a new key."""
        if verdict.scope is None or verdict.scope.ip_bound:
            return None
        wanted = setting_value(self._runtime.tenant(tenant_id), IP_LOCK, str) == REQUIRED
        return Denial.KEY_UNBOUND if wanted else None

    async def _try_order(
        self, tenant_id: int, place: Whereabouts, exchange: Venue, credentials: Credentials, scope: KeyScope
    ) -> None:
        """Place the exchange's own test order in the first market of the brand that the key is for and that trades.

        Raises `Unavailable` where none can be tried now: that says nothing of the key.
        """
        exchanges = self._runtime.tenant(tenant_id).config.exchanges
        here = [known for known in exchanges if (known.venue, known.environment) == (place.venue, place.environment)]
        markets = [market for known in here for market in known.markets]
        fitting = [m for m in markets if (scope.can_trade_perpetuals if ":" in m else scope.can_trade)]
        if not fitting:
            raise VenueRefused("the key trades none of this site's markets", code=Denial.KEY_READ_ONLY)
        for market in fitting[:_MARKETS_MAX]:
            try:
                await _patiently(partial(exchange.test_order, credentials, market))
            except VenueRefused as refusal:
                if refusal.code in _OF_THE_MOMENT:
                    raise Unavailable(str(refusal)) from None
                if refusal.code not in _OF_THE_MARKET:
                    raise
            else:
                return
        raise Unavailable(f"none of {', '.join(fitting[:_MARKETS_MAX])} can be traded now")


def harmless(said: str, credentials: Credentials) -> str:
    """Return an exchange's words as they may be stored and shown: short, and without what it may have echoed."""
    for text in (credentials.api_key, credentials.secret, credentials.password):
        said = said.replace(text, "…") if text else said
    return said[:_SAID_MAX]


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask, and where a limit of requests stands in the way for a moment, once more after it."""
    try:
        return await ask()
    except Unavailable as later:
        if later.told_s is None or later.told_s > _PATIENCE_S:
            raise
        await asyncio.sleep(later.told_s)
        return await ask()
