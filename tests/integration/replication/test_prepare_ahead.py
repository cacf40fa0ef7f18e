"""Followers' accounts are set up before the signal: paced, resumable, and then no open has to call for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from copydesk.kernel import Unavailable, VenueRefused
from copydesk.replication import Bounds, LeaderSetupSeen, NewStrategy, add_strategy, note_setups, unprepared_lanes
from copydesk.replication.intake import Leader
from copydesk.trading import Credentials, MarginMode, Side
from copydesk.venues import BINANCE, ModeScope
from copydesk.venues.client.budget import SILENT, RateBudget
from copydesk.venues.client.draw import Draw, chosen_draw
from copydesk.venues.client.windows import SAFETY_RATIO, SPARE_RATIO
from desk_site import SHARD, Hand, Site
from paper_exchange import INSTRUMENTS, PERPETUAL, PaperExchange, instrument

OTHER = "ETH/USDT:USDT"
PLACE = "binance-lab"
ONE_WAY = LeaderSetupSeen(hedge=False, leverage=3)
SETTINGS = [("leverage", 3), ("margin_mode", MarginMode.CROSS), ("position_mode", False)]


def see(site: Site, seen: LeaderSetupSeen = ONE_WAY, *, symbol: str = PERPETUAL, leader: Leader | None = None) -> None:
    """Note what the listener saw of the leader's account."""
    site.leverage = {symbol: seen.leverage} if seen.leverage else {}
    with site.db.tenant(site.tenant_id) as session:
        note_setups(session, leader or site.leader, {symbol: seen})


def lacking(site: Site) -> set[str]:
    with site.db.tenant(site.tenant_id) as session:
        return unprepared_lanes(session, Bounds(PLACE, {PERPETUAL: 20, OTHER: 20}, 5))


def set_for(site: Site, follower: int = 0) -> list[tuple[str, object]]:
    return sorted((what, value) for who, what, value in site.exchange.setups if who == site.accounts[follower])


def test_an_open_finds_its_accounts_prepared(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    see(site)
    assert lacking(site) == {SHARD}
    worker = site.worker()
    worker.prepare()
    assert [set_for(site, 0), set_for(site, 1)] == [SETTINGS, SETTINGS]
    assert lacking(site) == set()
    site.exchange.setups.clear()
    worker.prepare()
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.exchange.setups == []
    assert site.statuses() == ["filled", "filled"]


def test_a_leverage_that_the_leader_changes_is_followed_ahead_of_the_open(site: Site) -> None:
    see(site)
    worker = site.worker()
    worker.prepare()
    site.exchange.setups.clear()
    see(site, ONE_WAY._replace(leverage=4))
    assert lacking(site) == {SHARD}
    worker.prepare()
    assert set_for(site) == [("leverage", 4)]
    # Above the brand's bound nothing changes beyond it.
    see(site, ONE_WAY._replace(leverage=50))
    worker.prepare()
    see(site, ONE_WAY._replace(leverage=60))
    worker.prepare()
    assert set_for(site) == [("leverage", 4), ("leverage", 5)]


def test_a_leverage_that_was_not_seen_yet_costs_one_call_at_the_open(site: Site) -> None:
    see(site, ONE_WAY._replace(leverage=None))
    worker = site.worker()
    worker.prepare()
    assert ("leverage", 1) in set_for(site)
    site.exchange.setups.clear()
    site.leverage = {PERPETUAL: 3}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert set_for(site) == [("leverage", 3)]
    assert site.statuses() == ["filled"]


def test_what_the_exchange_did_not_take_is_done_by_the_next_run(opens: Callable[..., Site]) -> None:
    site = opens(followers=30)
    see(site)
    worker = site.worker()
    site.exchange.setup_refused = {"leverage": Unavailable("busy")}
    worker.prepare()
    assert len({who for who, _, _ in site.exchange.setups}) == 20  # The first part; then the run ends.
    assert lacking(site) == {SHARD}
    site.exchange.setup_refused = {}
    worker.prepare()
    assert lacking(site) == set()
    assert site.one("SELECT count(*) FROM account_setup") == 30


class Hurried(PaperExchange):
    """An exchange whose rate budget has a moment's want of what sets leverage."""

    wants = 2

    def _set(self, credentials: Credentials, what: str, value: object) -> None:
        if what == "leverage" and self.wants:
            self.wants -= 1
            raise Unavailable("not sent: rate budget spent", retry_after_s=0.01)
        super()._set(credentials, what, value)


def test_an_open_waits_a_moment_for_the_budget_that_its_account_still_needs(site: Site) -> None:
    worker = site.worker()
    site.exchange = Hurried()
    worker.around.elsewhere = {SHARD: site.exchange}
    site.leverage = {PERPETUAL: 3}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert (set_for(site), site.exchange.wants) == (SETTINGS, 0)
    assert site.statuses() == ["filled"]


def test_an_open_does_not_wait_for_a_budget_that_is_spent_for_long(site: Site) -> None:
    site.exchange.setup_refused = {"leverage": Unavailable("not sent: rate budget spent", retry_after_s=40.0)}
    site.leverage = {PERPETUAL: 3}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    site.worker().drain()
    assert site.one("SELECT reason FROM copy") == "venue_unavailable"


def test_an_account_that_refuses_is_left_alone_for_a_while_and_its_open_says_why(site: Site) -> None:
    see(site)
    worker = site.worker()
    site.exchange.setup_refused = {"leverage": VenueRefused("above your limit", venue_code="-4028")}
    worker.prepare()
    asked = len(site.exchange.setups)
    worker.prepare()
    assert len(site.exchange.setups) == asked
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.one("SELECT reason FROM copy") == "leverage_refused"
    site.exchange.setup_refused = {}
    worker.clock.ahead_s = 601
    worker.prepare()
    assert lacking(site) == set()


def test_what_two_workers_set_at_once_is_set_once_more(site: Site) -> None:
    see(site)
    worker = site.worker()

    class Crossing(PaperExchange):
        """While this worker sets the leverage, another one notes that it has set another."""

        def _set(self, credentials: Credentials, what: str, value: object) -> None:
            super()._set(credentials, what, value)
            if what == "leverage" and not site.rows("SELECT 1 FROM account_setup"):
                site.act(
                    "INSERT INTO account_setup (tenant_id, account_id, symbol, hedge, leverage) "
                    "VALUES (:tenant, :account, :symbol, false, 5)",
                    tenant=site.tenant_id,
                    account=credentials.account_id,
                    symbol=PERPETUAL,
                )

    site.exchange = crossing = Crossing()
    worker.around.elsewhere = {SHARD: crossing}
    worker.prepare()
    assert site.one("SELECT leverage FROM account_setup") == 0
    worker.around.elsewhere = {}
    worker.prepare()
    assert site.one("SELECT leverage FROM account_setup") == 3


def test_a_lane_is_free_for_its_signals_while_another_worker_prepares_it(site: Site) -> None:
    see(site)
    one, two = site.worker("one"), site.worker("two")
    one.prepare()
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    assert two.drain() == 1


def test_only_accounts_that_may_open_are_prepared(opens: Callable[..., Site]) -> None:
    site = opens(followers=4)
    site.act("UPDATE subscription SET state = 'paused' WHERE id = :id", id=site.subscriptions[0])
    site.act("UPDATE account SET status = 'unusable' WHERE id = :id", id=site.accounts[1])
    worker = site.worker()
    worker.around.locked_out = {site.accounts[2]}
    see(site)
    worker.prepare()
    assert {who for who, _, _ in site.exchange.setups} == {site.accounts[3]}


def test_a_mode_of_the_whole_account_is_set_once(site: Site) -> None:
    site.exchange.traits = replace(BINANCE, margin_mode_scope=ModeScope.ACCOUNT)
    site.exchange.listed = INSTRUMENTS | {OTHER: instrument(OTHER)}
    worker = site.worker()
    worker.around.markets = frozenset(site.exchange.listed)
    for symbol in (PERPETUAL, OTHER):
        see(site, symbol=symbol)
    worker.prepare()
    assert sorted(what for _, what, _ in site.exchange.setups) == [
        "leverage",
        "leverage",
        "margin_mode",
        "position_mode",
    ]
    # In the other mode every perpetual has to be set up anew.
    for symbol in (PERPETUAL, OTHER):
        see(site, ONE_WAY._replace(hedge=True), symbol=symbol)
    worker.prepare()
    assert [value for _, what, value in site.exchange.setups if what == "position_mode"] == [False, True]
    assert site.rows("SELECT DISTINCT hedge FROM account_setup") == [(True,)]


def test_two_strategies_of_one_account_do_not_set_it_to_and_fro(site: Site) -> None:
    second = second_leader(site)
    see(site)
    see(site, ONE_WAY._replace(leverage=5), leader=second)
    worker = site.worker()
    worker.prepare()
    assert set_for(site) == SETTINGS  # The lower leverage of the two.
    assert lacking(site) == set()
    site.leverage = {PERPETUAL: 5}
    site.trade(Side.BUY, "0.4", symbol=PERPETUAL)
    worker.drain()
    worker.prepare()
    assert set_for(site) == sorted([*SETTINGS, ("leverage", 5)], key=str)


def test_an_account_whose_strategies_want_different_modes_is_left_to_its_opens(site: Site) -> None:
    second = second_leader(site)
    see(site)
    see(site, ONE_WAY._replace(hedge=True), leader=second)
    site.worker().prepare()
    assert site.exchange.setups == []


def second_leader(site: Site) -> Leader:
    """Let the follower copy another strategy as well."""
    with site.db.tenant(site.tenant_id) as session:
        strategy = add_strategy(session, NewStrategy(user_of(site), site.accounts[0], "t", "T", "Another."))
    site.act(
        "INSERT INTO subscription (tenant_id, strategy_id, account_id, allocation, sizing_mode) "
        "VALUES (:tenant, :strategy, :account, 1000, 'equity_ratio')",
        tenant=site.tenant_id,
        strategy=strategy,
        account=site.accounts[0],
    )
    return replace(site.leader, strategy_id=strategy)


def user_of(site: Site) -> int:
    return int(site.one("SELECT min(id) FROM user_account"))


class Budgeted(PaperExchange):
    """Counts settings against Binance's true limits, as one address with all its followers would."""

    def __init__(self, clock: Hand) -> None:
        super().__init__()
        self._rules = BINANCE.origins["perpetual"]
        self._budget = RateBudget(self._rules.rate_limits)
        self._clock = clock
        self.spent: dict[int, int] = {}

    def _set(self, credentials: Credentials, what: str, value: object) -> None:
        now, endpoint = self._clock.now().timestamp(), self._rules.endpoints[what]
        assert chosen_draw(Draw.RESERVE) is Draw.SPARE
        wait_s = self._budget.try_take(endpoint, credentials.api_key, draw=Draw.SPARE, now=now)
        if wait_s:
            raise Unavailable("not sent: rate budget spent", retry_after_s=wait_s)
        self._budget.settle(endpoint, credentials.api_key, accepted=True, reported=SILENT, now=now)
        minute = int(now // 60)
        self.spent[minute] = self.spent.get(minute, 0) + endpoint.weight
        super()._set(credentials, what, value)


def test_a_thousand_accounts_of_one_address_are_prepared_within_the_spare_budget(
    opens: Callable[..., Site],
) -> None:
    site = opens(followers=1_000, allocation=Decimal(10_000))
    worker = site.worker()
    site.exchange = Budgeted(worker.clock)
    worker.around.elsewhere = {SHARD: site.exchange}
    see(site)
    for minute in range(10):
        worker.clock.ahead_s = minute * 60.0
        worker.prepare()
        if not lacking(site):
            break
    limit = int(2400 * SAFETY_RATIO)
    assert max(site.exchange.spent.values()) <= limit * SPARE_RATIO
    # What opens may use of each minute stays free, and so does what closes may use beyond.
    assert len(site.exchange.spent) <= 6
    assert site.one("SELECT count(*) FROM account_setup") == 1_000
    set_up = len(site.exchange.setups)
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.clock.ahead_s = 0.0
    worker.drain()
    assert len(site.exchange.setups) == set_up
    assert site.rows("SELECT status, count(*) FROM copy GROUP BY status") == [("filled", 1_000)]


def test_a_follower_s_own_highest_leverage_holds_ahead_of_the_open_and_at_it(opens: Callable[..., Site]) -> None:
    site = opens(followers=2)
    site.act("UPDATE subscription SET leverage_max = 2 WHERE id = :id", id=site.subscriptions[0])
    see(site)
    worker = site.worker()
    worker.prepare()
    assert [dict(set_for(site, follower))["leverage"] for follower in (0, 1)] == [2, 3]
    assert lacking(site) == set()
    site.exchange.setups.clear()
    site.act("DELETE FROM account_setup")
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert [dict(set_for(site, follower))["leverage"] for follower in (0, 1)] == [2, 3]
    assert site.statuses() == ["filled", "filled"]


def test_an_open_at_an_unknown_leverage_is_skipped_and_its_close_is_not(site: Site) -> None:
    site.exchange.setup_refused = {"leverage": VenueRefused("above your limit", venue_code="-4028")}
    worker = site.worker()
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    assert site.rows("SELECT status, reason FROM copy") == [("denied", "leverage_refused")]
    assert site.exchange.arrived == []
    site.exchange.setup_refused = {}
    site.trade(Side.SELL, "0.4", symbol=PERPETUAL)
    worker.drain()
    site.exchange.setup_refused = {"leverage": VenueRefused("above your limit", venue_code="-4028")}
    site.act("DELETE FROM account_setup")
    site.trade(Side.BUY, "0.8", symbol=PERPETUAL)
    worker.drain()
    assert site.book(symbol=PERPETUAL)[:2] == (0, 0)
