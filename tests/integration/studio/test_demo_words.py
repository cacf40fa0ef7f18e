"""What the demo's traders announce: one word each at first, then each in turn, and never the same one after itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from copydesk.db import Database
from copydesk.demo.cast import TRADERS
from copydesk.demo.speaking import EVERY_S, introduce, speak, turns, words_of
from copydesk.replication import NewStrategy, add_strategy
from copydesk.studio.announcing import BODY_MAX, announcements_of
from copydesk.tenancy import ensure_tenant
from studio_site import NOW, seat

CAST = [(slug, trader) for slug, traders in TRADERS.items() for trader in traders]


@dataclass
class Runtime:
    """What speaking takes of an installation."""

    db: Database
    tenant_ids: dict[str, int]


def test_every_plan_has_more_than_one_thing_to_say_and_everybody_has_a_turn() -> None:
    for _, trader in CAST:
        words = words_of(trader.plan)
        assert len(set(words)) == len(words) > 1
        assert all(0 < len(one) <= BODY_MAX for one in words)
    assert list(islice(turns(), len(CAST) + 1)) == [*CAST, CAST[0]]


def test_a_trader_says_a_first_word_once_and_then_one_after_the_other(db: Database) -> None:
    with db.installation() as session:
        runtime = Runtime(db, {slug: ensure_tenant(session, slug) for slug in TRADERS})
    slug, trader = CAST[0]
    with db.tenant(runtime.tenant_ids[slug]) as session:
        leads = seat(session)
        new = NewStrategy(leads.user_id, leads.account_id, trader.slug, trader.name, trader.summary)
        strategy_id = add_strategy(session, new)

    def said() -> list[str]:
        with db.tenant(runtime.tenant_ids[slug]) as session:
            return [one.body for one in reversed(announcements_of(session, strategy_id))]

    words = words_of(trader.plan)
    for _ in range(2):
        introduce(runtime, NOW)  # type: ignore[arg-type]
        assert said() == [words[0]]
    moments = [NOW + timedelta(seconds=EVERY_S * number) for number in range(1, len(words) + 1)]
    for at in moments:
        speak(runtime, slug, trader, at)  # type: ignore[arg-type]
    assert said() == [*words, words[0]]
