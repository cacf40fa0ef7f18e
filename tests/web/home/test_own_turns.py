"""What a follower does to what they copy: each page names the consequence with numbers before anything is stored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.audit import read_entries
from copydesk.db import TenantSession
from copydesk.replication.tables import Subscription
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, limits_set, store_limits
from copydesk.studio.tables import StrategyTerms
from form_posts import token_in
from home_people import D, Follower, HomeSite, plain
from site_seed import NOW
from sqlalchemy import text

CASH = "SELECT kind, amount FROM cash_flow WHERE subscription_id = :id ORDER BY id"
ERRANDS = "SELECT subscription_id FROM errand WHERE subscription_id = ANY(:ids) ORDER BY 1"


def strategy_of(session: TenantSession, number: int) -> int:
    return session.get_one(Subscription, (session.tenant_id, number)).strategy_id


def acts(site: HomeSite, who: Follower) -> list[tuple[str, str]]:
    """Return what the record says that somebody did, the newest first."""
    with site.storing() as session:
        return [(one.act, one.subject) for one in read_entries(session, site.tenant_id, limit=9, user_id=who.user_id)]


def lines(site: HomeSite, number: int) -> dict[str, str]:
    """Return a subscription's limits with who set each."""
    with site.storing() as session:
        return {one.line: one.author for one in limits_set(session, LimitOwner(Scope.SUBSCRIPTION, number))}


def test_pausing_says_what_stays_and_opens_nothing_from_then_on(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    site.book(number)
    page = ada.words(f"/copying/{number}/pause")
    assert "You keep 1 position worth 300.00 USDT" in page and "Pause copying and keep 1 position" in page
    answer = ada.send(f"/copying/{number}/pause")
    assert (answer.status_code, answer.location) == (303, f"/copying/{number}?told=paused")
    assert site.state_of(number) == ("paused", None, None)
    assert "Copying is paused" in ada.words(answer.location)
    assert acts(site, ada)[0] == ("copying.paused", f"subscription:{number}")
    assert ada.send(f"/copying/{number}/pause").location == answer.location, "a form that comes twice is not wrong"
    assert [name for name, _ in acts(site, ada)] == ["copying.paused"]


@pytest.mark.parametrize("state", ["paused", "disarmed", "out_of_sync", "liquidated"])
def test_resuming_goes_on_also_after_a_stop(site: HomeSite, ada: Follower, state: str) -> None:
    number = site.subscription(ada, state=state, state_reason="risk_stop" if state == "disarmed" else None)
    page = ada.words(f"/copying/{number}/resume")
    assert "Resume copying with 500.00 USDT" in page
    assert ada.send(f"/copying/{number}/resume").status_code == 303
    assert site.state_of(number) == ("synced", None, None)
    assert acts(site, ada)[0] == ("copying.resumed", f"subscription:{number}")


def test_resuming_waits_until_what_was_stopped_is_closed(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    site.book(number)
    ada.send("/copying/stop-everything", how="close")
    assert "Your positions are still being closed" in ada.words(f"/copying/{number}/resume")
    answer = ada.send(f"/copying/{number}/resume")
    assert answer.status_code == 422 and "positions are still being closed" in plain(answer.text)
    assert "Still being closed: 1 position worth 300.00 USDT" in ada.words(f"/copying/{number}")


@pytest.mark.parametrize(
    ("mode", "button"),
    [
        ("close_now", "Stop copying and close 1 position worth 300.00 USDT"),
        ("manage_until_exit", "Stop copying and follow 1 position out"),
        ("hand_over", "Stop copying and keep 1 position"),
    ],
)
def test_stopping_asks_what_happens_to_the_positions(site: HomeSite, ada: Follower, mode: str, button: str) -> None:
    number = site.subscription(ada)
    site.book(number)
    assert button in ada.words(f"/copying/{number}/stop")
    unsaid = ada.send(f"/copying/{number}/stop")
    assert unsaid.status_code == 422 and "Choose what happens to your positions." in unsaid.text
    assert ada.send(f"/copying/{number}/stop", mode=mode).location == f"/copying/{number}?told=ending"
    assert site.state_of(number) == ("ending", None, mode)
    assert site.all_of(ERRANDS, ids=[number]) == [(number,)]
    assert acts(site, ada)[0] == ("copying.ending", f"subscription:{number}")
    # Who has begun to follow the trader out may still close at once.
    assert ada.send(f"/copying/{number}/stop", mode="close_now").status_code == 303
    assert site.state_of(number)[2] == "close_now"


def test_everything_stops_at_one_tap_while_nobody_is_there_to_carry_it_out(site: HomeSite, ada: Follower) -> None:
    """No engine runs in this test: what a stop needs is rows, and the page says what becomes of them."""
    ids = [site.subscription(ada) for _ in range(3)]
    paused = site.subscription(ada, state="paused")
    leaving = site.subscription(ada, state="ending", end_mode="manage_until_exit")
    theirs = site.subscription(site.follower())
    site.book(ids[0])
    site.book(ids[1], "ETH/USDT:USDT", qty=D("-0.1"), cost=D(260), cash=D(260))
    page = ada.words("/copying/stop-everything")
    assert "You have 5 subscriptions with 2 positions worth 550.00 USDT." in page
    assert "This works while the engine is away" in page
    assert ada.send("/copying/stop-everything").status_code == 422
    answer = ada.send("/copying/stop-everything", how="close")
    assert (answer.status_code, answer.location) == (303, "/home?told=all-stopped")
    for number in (*ids, paused):
        assert site.state_of(number) == ("disarmed", "stopped_by_owner", None)
    assert site.state_of(leaving) == ("ending", None, "close_now")
    assert site.state_of(theirs)[0] == "synced"
    assert [row[0] for row in site.all_of(ERRANDS, ids=[*ids, paused, leaving])] == [*ids, paused, leaving]
    assert site.all_of("SELECT 1 FROM book WHERE subscription_id = ANY(:ids) AND target_qty <> 0", ids=ids) == []
    told = ada.words(answer.location)
    assert "Everything is stopped" in told and "as soon as it is back" in told
    assert acts(site, ada)[0] == ("copying.stopped", f"user:{ada.user_id}")
    late = "UPDATE errand SET due_at = clock_timestamp() - interval '1 minute' WHERE subscription_id = ANY(:ids)"
    with site.storing() as session:
        session.execute(text(late), {"ids": ids})
    assert "Copying is delayed" in ada.words("/home")


def test_pausing_everything_leaves_alone_what_is_stopped_or_leaving(site: HomeSite, ada: Follower) -> None:
    running = [site.subscription(ada, state=state) for state in ("synced", "catching_up", "out_of_sync")]
    stopped = site.subscription(ada, state="disarmed", state_reason="risk_stop")
    closing = site.subscription(ada, state="out_of_sync", state_reason="stopped_by_owner")
    answer = ada.send("/copying/stop-everything", how="pause")
    assert answer.location == "/home?told=all-paused"
    assert {site.state_of(number)[0] for number in running} == {"paused"}
    assert site.state_of(stopped)[:2] == ("disarmed", "risk_stop")
    assert site.state_of(closing)[:2] == ("out_of_sync", "stopped_by_owner")
    assert acts(site, ada)[0] == ("copying.paused", f"user:{ada.user_id}")


def test_who_has_nothing_to_stop_is_told_so(site: HomeSite, ada: Follower) -> None:
    bare = site.follower(account=False)
    for who in (ada, bare):
        assert "There is nothing to stop" in who.words("/copying/stop-everything")
        site.subscription(who) if who is ada else None
    assert bare.post("/copying/stop-everything", data={"how": "close"}).status_code in {400, 403}


def test_another_allocation_is_shown_before_it_is_stored_as_a_payment(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    site.book(number)
    path = f"/copying/{number}/allocation"
    review = ada.send(path, amount="800,50")
    told = plain(review.text)
    assert review.status_code == 200 and "Change the allocation to 800.50 USDT" in told
    assert "1.6× as large" in told and "bought for 320.00 USDT" in told and "780.50 USDT" in told
    assert site.all_of("SELECT allocation FROM subscription WHERE id = :id", id=number) == [(D(500),)]
    answer = ada.send(path, amount="800.50", confirmed="yes")
    assert answer.location == f"/copying/{number}?told=allocated"
    assert site.all_of("SELECT allocation FROM subscription WHERE id = :id", id=number) == [(D("800.5"),)]
    assert site.all_of(CASH, id=number) == [("opening", D(500)), ("allocation", D("300.5"))]
    assert acts(site, ada)[0] == ("copying.allocation_changed", f"subscription:{number}")


def test_a_change_of_the_allocation_moves_what_lanes_plan_with(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    version = "SELECT version FROM crowd_version"
    before = site.all_of(version)
    ada.send(f"/copying/{number}/allocation", amount="600", confirmed="yes")
    assert site.all_of(version)[0][0] > before[0][0]


@pytest.mark.parametrize("amount", ["", "many", "0", "-5", "1e12", "NaN", "500", "1,000"])
def test_an_amount_that_is_none_keeps_the_form_and_says_why(site: HomeSite, ada: Follower, amount: str) -> None:
    number = site.subscription(ada)
    answer = ada.send(f"/copying/{number}/allocation", amount=amount, confirmed="" if amount == "500" else "yes")
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert f'name="amount" type="text" inputmode="decimal" value="{amount}"' in answer.text
    assert site.all_of(CASH, id=number) == []


def test_so_little_that_a_stop_would_act_at_once_is_refused(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    site.book(number, qty=D(0), target_qty=D(0), cost=D(0), cash=D(-60))
    with site.storing() as session:
        store_limits(
            session, LimitOwner(Scope.SUBSCRIPTION, number), ["drawdown > 20 % of equity -> close_and_disarm"], "Ada"
        )
    path = f"/copying/{number}/allocation"
    # 60 lost is 12 % of 500 and would be 24 % of 250; of 50 nothing would be left.
    for amount, told in (("250", "a limit would act at once"), ("50", "losses so far are larger")):
        answer = ada.send(path, amount=amount, confirmed="yes")
        assert answer.status_code == 422 and told in plain(answer.text)
    assert ada.send(path, amount="400", confirmed="yes").status_code == 303


def test_an_allocation_beyond_the_accounts_limits_is_refused_in_words(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    with site.storing() as session:
        store_limits(session, LimitOwner(Scope.SUBSCRIPTION, number), ["allocation > 700 USDT -> block_opens"], "Ada")
    answer = ada.send(f"/copying/{number}/allocation", amount="900", confirmed="yes")
    assert answer.status_code == 422 and "More than your limits" in plain(answer.text)
    assert site.all_of("SELECT allocation FROM subscription WHERE id = :id", id=number) == [(D(500),)]


def test_an_allocation_below_what_the_trader_asks_is_refused_in_words(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    with site.storing() as session:
        terms = StrategyTerms(tenant_id=session.tenant_id, strategy_id=strategy_of(session, number), submitted_at=NOW)
        terms.profit_share, terms.min_allocation, terms.shows = D("0.1"), D(300), {}
        session.add(terms)
    answer = ada.send(f"/copying/{number}/allocation", amount="250", confirmed="yes")
    assert answer.status_code == 422 and "The trader asks for a larger amount" in plain(answer.text)
    assert site.all_of("SELECT allocation FROM subscription WHERE id = :id", id=number) == [(D(500),)]
    assert ada.send(f"/copying/{number}/allocation", amount="300", confirmed="yes").status_code == 303


def test_a_profile_and_a_stop_of_ones_own_are_shown_and_then_hold(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    path = f"/copying/{number}/limits"
    review = ada.send(path, profile="balanced", drawdown="12", loss_day="")
    assert review.status_code == 200 and "12 %" in plain(review.text) and "Balanced" in plain(review.text)
    assert lines(site, number) == {}
    assert ada.send(path, profile="balanced", drawdown="12", loss_day="", confirmed="yes").status_code == 303
    held = lines(site, number)
    own = f"user:{ada.user_id}"
    assert held["drawdown > 12 % of equity -> close_and_disarm"] == own
    assert held["drawdown > 9 % of equity -> block_opens"] == own
    assert held["loss > 5 % of equity per day -> block_opens"] == "profile:balanced"
    assert not [line for line in held if line.startswith("drawdown > 20")]
    assert acts(site, ada)[0] == ("limit.changed", f"subscription:{number}")
    # Without a bound of one's own the profile's comes back.
    assert ada.send(path, profile="balanced", drawdown="", loss_day="3", confirmed="yes").status_code == 303
    held = lines(site, number)
    assert held["drawdown > 20 % of equity -> close_and_disarm"] == "profile:balanced"
    assert held["loss > 3 % of equity per day -> block_opens"] == own


def test_limits_are_never_looser_than_the_brands(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    with site.storing() as session:
        store_limits(session, LimitOwner(Scope.TENANT), ["drawdown > 30 % of equity -> close_and_disarm"], "Mara")
    answer = ada.send(f"/copying/{number}/limits", profile="", drawdown="40", loss_day="", confirmed="yes")
    assert answer.status_code == 422 and "own limits are stricter" in plain(answer.text)
    assert 'value="40"' in answer.text and lines(site, number) == {}
    with site.storing() as session:
        session.execute(text("DELETE FROM risk_limit WHERE scope = 'tenant'"))


@pytest.mark.parametrize("bound", ["0", "100", "many", "-3"])
def test_a_bound_that_is_no_percentage_is_marked(site: HomeSite, ada: Follower, bound: str) -> None:
    number = site.subscription(ada)
    answer = ada.send(f"/copying/{number}/limits", profile="balanced", drawdown=bound, loss_day="")
    assert answer.status_code == 422 and "Enter a percentage from 1 to 99" in answer.text
    nothing = ada.send(f"/copying/{number}/limits", profile="", drawdown="", loss_day="")
    assert nothing.status_code == 422 and "Nothing is changed." in nothing.text


def test_a_market_that_was_detached_is_attached_again(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    with site.storing() as session:
        session.execute(
            text(
                "INSERT INTO door (tenant_id, subscription_id, symbol, position_side, strategy_id, reason, "
                "since_signal_id) SELECT tenant_id, id, 'BTC/USDT', 'net', strategy_id, 'instrument_detached', 0 "
                "FROM subscription WHERE id = :id"
            ),
            {"id": number},
        )
    page = ada.words(f"/copying/{number}")
    assert "Not copied for now" in page and "nothing is bought or sold for it now" in page
    fields = {"symbol": "BTC/USDT", "side": "net"}
    answer = ada.post(f"/copying/{number}/attach", data={**fields, "csrf_token": token(ada, number)})
    assert answer.location == f"/copying/{number}?told=attached"
    assert site.all_of("SELECT 1 FROM door WHERE subscription_id = :id", id=number) == []
    assert acts(site, ada)[0] == ("copying.attached", f"subscription:{number}")
    again = ada.post(f"/copying/{number}/attach", data={**fields, "csrf_token": token(ada, number)})
    assert again.location == f"/copying/{number}"
    odd = ada.post(f"/copying/{number}/attach", data={"side": "up", "csrf_token": token(ada, number)})
    assert odd.location == f"/copying/{number}"


def token(who: Follower, number: int) -> str:
    """Return what a form on the page of a subscription carries."""
    found = token_in(who.get(f"/copying/{number}/pause").text)
    assert found
    return found


def test_nobody_changes_what_another_follower_copies(site: HomeSite, ada: Follower) -> None:
    own = site.subscription(ada)
    theirs = site.subscription(site.follower(), created_at=NOW - timedelta(days=1))
    carried = token(ada, own)
    forms = {"pause": {}, "resume": {}, "stop": {"mode": "close_now"}, "attach": {"symbol": "BTC/USDT"}}
    forms |= {"allocation": {"amount": "9", "confirmed": "yes"}, "limits": {"profile": "balanced", "confirmed": "yes"}}
    for act, fields in forms.items():
        answer = ada.post(f"/copying/{theirs}/{act}", data={**fields, "csrf_token": carried})
        assert answer.status_code == 404, act
    assert site.state_of(theirs) == ("synced", None, None)
