"""What an exchange allows by size: learned ahead, kept to at the open, told on the copy, and not undone meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.replication import LeaderSetupSeen, note_setups
from copydesk.trading import Bracket, Credentials, Side
from desk_site import Site
from paper_exchange import PERPETUAL, D, PaperExchange

# The brand's own bound is five. 0.004 at 50,000 is worth 200.
NARROW = (Bracket(D(300), 5, D("0.01")), Bracket(D(10_000), 2, D("0.05")))


@pytest.fixture
def narrow(site: Site) -> Site:
    """A leader at five times, whose followers' exchange allows that in small positions alone."""
    site.exchange.allowed[PERPETUAL] = NARROW
    site.leverage = {PERPETUAL: 5}
    see(site)
    return site


def see(site: Site) -> None:
    with site.db.tenant(site.tenant_id) as session:
        note_setups(session, site.leader, {PERPETUAL: LeaderSetupSeen(hedge=False, leverage=5)})


def leverages(site: Site) -> list[object]:
    return [value for _, what, value in site.exchange.setups if what == "leverage"]


def trade(site: Site, side: Side, qty: str) -> None:
    site.trade(side, qty, symbol=PERPETUAL)


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_a_large_open_finds_its_bracket_learned_and_its_copy_says_so(narrow: Site, side: Side) -> None:
    worker = narrow.worker()
    worker.prepare()
    assert leverages(narrow) == [5]
    trade(narrow, side, "1.6")
    worker.drain()
    assert leverages(narrow) == [5, 2]
    status, reason, facts = narrow.one("SELECT status, reason, reason_facts FROM copy")
    assert (status, reason, facts["leverage"], facts["leverage_wanted"]) == ("filled", None, "2", "5")
    assert (facts["leverage_bound"], facts["leverage_currency"]) == ("bracket", "USDT")


def test_a_small_open_has_the_leaders_leverage_and_nothing_to_say(narrow: Site) -> None:
    worker = narrow.worker()
    worker.prepare()
    trade(narrow, Side.BUY, "0.4")
    worker.drain()
    assert leverages(narrow) == [5]
    assert narrow.one("SELECT status, reason_facts FROM copy") == ("filled", None)


def test_a_new_process_learns_brackets_with_its_first_reconcile(narrow: Site) -> None:
    narrow.worker().prepare()
    worker = narrow.worker("two")
    worker.reconcile()
    trade(narrow, Side.BUY, "1.6")
    worker.drain()
    assert leverages(narrow) == [5, 2]


def test_a_lower_leverage_stays_for_as_long_as_the_position_and_no_longer(narrow: Site) -> None:
    worker = narrow.worker()
    worker.prepare()
    trade(narrow, Side.BUY, "1.6")
    worker.drain()
    worker.prepare()
    assert leverages(narrow) == [5, 2]
    trade(narrow, Side.SELL, "1.6")
    worker.drain()
    worker.prepare()
    assert leverages(narrow) == [5, 2, 5]


def test_accounts_are_prepared_for_no_more_than_any_size_is_allowed(narrow: Site) -> None:
    narrow.exchange.allowed[PERPETUAL] = (Bracket(D(300), 4, D("0.01")), Bracket(D(10_000), 2, D("0.05")))
    worker = narrow.worker()
    worker.prepare()
    worker.prepare()
    assert leverages(narrow) == [4]
    trade(narrow, Side.BUY, "0.4")
    worker.drain()
    assert leverages(narrow) == [4]
    assert narrow.one("SELECT reason_facts ->> 'leverage_bound' FROM copy") == "bracket"


def test_an_exchange_that_does_not_tell_keeps_no_open_waiting(opens: Callable[..., Site]) -> None:
    site = opens()

    class Silent(PaperExchange):
        async def brackets(self, credentials: Credentials, symbol: str) -> tuple[Bracket, ...]:
            raise Unavailable("busy")

    site.exchange = Silent()
    site.leverage = {PERPETUAL: 5}
    worker = site.worker()
    trade(site, Side.BUY, "1.6")
    worker.drain()
    assert leverages(site) == [5]
    # The exchange's own refusal is told by name.
    site.exchange.setup_refused = {"leverage": VenueRefused("position too large", venue_code="-4028")}
    site.leverage = {PERPETUAL: 4}
    trade(site, Side.BUY, "1.6")
    worker.drain()
    assert site.one("SELECT reason FROM copy WHERE status = 'denied'") == "leverage_refused"
