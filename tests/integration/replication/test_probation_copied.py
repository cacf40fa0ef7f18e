"""A strategy on probation is copied as a live one is, and stays on probation whatever happens to it meanwhile."""

from __future__ import annotations

import pytest
from copydesk.kernel import InvalidInput
from copydesk.replication import live_leaders, live_strategies, pause_strategy, resume_strategy, suspend_strategy
from copydesk.replication.desk import recent_signals
from copydesk.trading import Side
from desk_site import Site

_TERMS = (
    "INSERT INTO strategy_terms "
    "(tenant_id, strategy_id, profit_share, min_allocation, shows, submitted_at, decided_at) "
    "SELECT tenant_id, id, 0.1, 0, '{}', now(), now() FROM strategy"
)


@pytest.fixture
def trial(site: Site) -> Site:
    """The site with its strategy on probation."""
    site.act("UPDATE strategy SET status = 'probation'")
    site.act(_TERMS)
    return site


def status(site: Site) -> str:
    return str(site.one("SELECT status FROM strategy"))


def test_its_trades_are_watched_copied_and_shown(trial: Site) -> None:
    trial.trade(Side.BUY, "0.4")
    assert trial.worker().drain() == 1
    assert trial.statuses() == ["filled"]
    with trial.db.tenant(trial.tenant_id) as session:
        (leader,) = live_leaders(session, venue="binance", environment="lab")
        assert [one.id for one in live_strategies(session)] == [leader.strategy_id], "the guard looks at it"
        assert len(recent_signals(session, limit=5)) == 1


def test_after_a_pause_or_a_suspension_it_is_on_probation_again(trial: Site) -> None:
    number = trial.leader.strategy_id
    with trial.db.tenant(trial.tenant_id) as session:
        pause_strategy(session, number)
        with pytest.raises(InvalidInput, match="live or on probation becomes paused"):
            pause_strategy(session, number)
        resume_strategy(session, number)
        assert suspend_strategy(session, number) is not None
        resume_strategy(session, number)
    assert status(trial) == "probation"
    trial.act("UPDATE strategy_terms SET live_at = now()")
    with trial.db.tenant(trial.tenant_id) as session:
        pause_strategy(session, number)
        resume_strategy(session, number)
    assert status(trial) == "live"


def test_what_waits_for_approval_is_watched_by_nobody(trial: Site) -> None:
    for waiting in ("pending", "declined"):
        trial.act("UPDATE strategy SET status = :status", status=waiting)
        with trial.db.tenant(trial.tenant_id) as session:
            assert live_leaders(session, venue="binance", environment="lab") == []
            assert live_strategies(session) == []


def test_trades_that_a_trader_shows_later_are_not_on_the_public_desk(trial: Site) -> None:
    trial.trade(Side.BUY, "0.4")
    trial.act("""UPDATE strategy_terms SET shows = '{"positions": "delayed"}'""")
    with trial.db.tenant(trial.tenant_id) as session:
        assert recent_signals(session, limit=5) == []
        assert len(recent_signals(session, limit=5, strategy_id=trial.leader.strategy_id)) == 1
