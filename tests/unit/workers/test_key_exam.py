"""What an exchange is asked of a key in its markets, and what it said of one, as it is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from copydesk.bootstrap import Runtime
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.keys import Intake, IntakeState, Trouble
from copydesk.keys.examine import Finding, Taken
from copydesk.keys.watch import Answer, Due
from copydesk.replication import Whereabouts
from copydesk.trading import Credentials, Denial, Environment, KeyKind
from copydesk.venues import KeyScope, Venue
from copydesk.workers.key_exam import Examiner, No, harmless

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Credentials(0, "the-key", "the-secret")
MARKETS = ("AAA/USDT", "BBB/USDT")
INTAKE = Intake(
    *(1, 2, None, "binance", Environment.LAB, "Main", KeyKind.HMAC, IntakeState.EXAMINING),
    *(None, None, (), "", NOW, None),
)
DUE = Due(3, 2, "binance", Environment.LAB, "Main", "", KeyKind.HMAC, rearms=False)


@dataclass
class PaperVenue:
    """An exchange whose test orders are answered by market; None is a yes."""

    answers: dict[str, Denial | None]
    bound: bool = True
    tried: list[str] = field(default_factory=list)

    async def warm(self, connections: int) -> int:
        return connections

    async def key_scope(self, credentials: Credentials) -> KeyScope:
        return KeyScope(True, True, False, False, ip_bound=self.bound, uid="7")

    async def test_order(self, credentials: Credentials, symbol: str) -> None:
        self.tried.append(symbol)
        if (refused := self.answers[symbol]) is not None:
            raise VenueRefused("no", code=refused)


def examiner(venue: PaperVenue) -> Examiner:
    place = SimpleNamespace(venue="binance", environment=Environment.LAB, markets=MARKETS)
    brand = SimpleNamespace(config=SimpleNamespace(exchanges=[place]))
    prints = SimpleNamespace(of_account=lambda venue, environment, text: text)

    async def open_venue(where: Whereabouts) -> Venue:
        return cast(Venue, venue)

    runtime: Any = SimpleNamespace(tenant=lambda tenant_id: brand, fingerprints=prints)
    return Examiner(cast(Runtime, runtime), open_venue)


def examined(*answers: Denial | None) -> tuple[Finding | No, list[str]]:
    venue = PaperVenue(dict(zip(MARKETS, answers, strict=True)))
    found = asyncio.run(examiner(venue).new_key(1, Taken(INTAKE, NOW, "", None, None), KEY))
    return found, venue.tried


@pytest.mark.parametrize("passing", [Denial.INSTRUMENT_UNMAPPED, Denial.INSTRUMENT_HALTED])
def test_a_key_is_tried_in_the_next_market_where_the_first_is_not_traded_now(passing: Denial) -> None:
    found, tried = examined(passing, None)
    assert isinstance(found, Finding)
    assert tried == [*MARKETS]


@pytest.mark.parametrize("passing", [Denial.CLOCK_SKEWED, Denial.RATE_LIMITED, Denial.INSTRUMENT_UNMAPPED])
def test_a_test_order_that_is_refused_for_the_moment_says_nothing_of_the_key(passing: Denial) -> None:
    with pytest.raises(Unavailable):
        examined(passing, passing)


def test_a_test_order_that_is_refused_otherwise_refuses_the_key() -> None:
    found, tried = examined(Denial.VENUE_REFUSED, None)
    assert isinstance(found, No) and found.reason == Trouble.TRADE_REFUSED
    assert tried == [MARKETS[0]]


def test_a_connected_key_is_not_put_aside_for_being_bound_to_no_address() -> None:
    answer = asyncio.run(examiner(PaperVenue({}, bound=False)).known_key(1, DUE, KEY))
    assert answer == Answer(None, KeyScope(True, True, False, False, ip_bound=False))


def test_what_an_exchange_echoes_of_a_key_is_taken_out_of_its_words() -> None:
    said = "Invalid key the-key with the-secret and the-phrase from 203.0.113.5"
    kept = harmless(said, Credentials(0, "the-key", "the-secret", "the-phrase"))
    assert kept == "Invalid key … with … and … from 203.0.113.5"
    assert len(harmless("x" * 10_000, Credentials(0, "k", "s"))) == 300
