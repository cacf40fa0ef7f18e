"""A follower's home: everything together, a card for each subscription, and honest words while something is away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from copydesk.risk.model import Scope
from copydesk.risk.store import LimitOwner, store_limits
from home_people import D, Follower, HomeSite, tell_old_prices, tell_points
from site_seed import NOW
from sqlalchemy import text

STOP = "drawdown > 20 % of equity -> close_and_disarm"


def test_who_copies_nothing_yet_is_told_the_three_steps_to_a_first_copy(site: HomeSite) -> None:
    page = site.follower(account=False).words("/home")
    assert "You copy nothing yet" in page and "Connect an exchange account" in page
    assert "Stop everything" not in page and "None" not in page


def test_home_adds_up_what_is_held_at_the_prices_of_now(site: HomeSite, ada: Follower) -> None:
    # 0.005 coins at 60,000 are 300, and were bought for 320; another 100 lie idle.
    site.book(site.subscription(ada))
    site.subscription(ada, allocation=D(100))
    page = ada.words("/home")
    assert "580.00 USDT" in page and "−20.00 USDT" in page
    assert "of 600.00 USDT allocated" in page
    assert "Stop everything" in page


def test_equity_is_told_in_a_chosen_coin_too_at_its_price_or_not_at_all(
    site: HomeSite, ada: Follower, redis_url: str
) -> None:
    site.book(site.subscription(ada))
    assert "≈" not in ada.words("/home")
    ada.send("/account/preferences", currency="BTC")
    assert "480.00 USDT" in ada.words("/home") and "Equity ≈ 0.008 BTC at 60,000.00 USDT" in ada.words("/home")
    tell_old_prices(redis_url, timedelta(minutes=5))
    page = ada.get("/home").text
    assert "No fresh price of BTC is known now." in page and "≈" not in page


def test_a_card_tells_the_state_in_a_word_and_how_far_each_stop_is(site: HomeSite, ada: Follower) -> None:
    running = site.subscription(ada)
    site.book(running)
    with site.storing() as session:
        store_limits(session, LimitOwner(Scope.SUBSCRIPTION, running), [STOP], "profile:balanced")
    page = ada.words("/home")
    # The highest equity so far is the allocation: a fifth of it is the stop, and a fifth of that is used up.
    assert "Synced" in page and "Drawdown 20 % of equity: closes everything and stops" in page
    assert "80.00 USDT left" in page


@pytest.mark.parametrize(
    ("state", "values", "told"),
    [
        ("paused", {}, "Paused"),
        ("catching_up", {}, "Catching up"),
        ("out_of_sync", {"state_reason": "price_moved"}, "Out of sync"),
        ("disarmed", {"state_reason": "risk_stop"}, "A limit was reached, and what was copied is closed."),
        ("liquidated", {}, "Liquidated"),
        ("ending", {"end_mode": "hand_over"}, "Positions stay yours: nothing of them is closed here."),
    ],
)
def test_every_state_has_its_word_and_its_reason(
    site: HomeSite, ada: Follower, state: str, values: dict[str, str], told: str
) -> None:
    number = site.subscription(ada, state=state, **values)
    assert told in ada.words("/home")
    assert told in ada.words(f"/copying/{number}")


def test_many_subscriptions_come_in_pages_and_can_be_narrowed_to_a_state(site: HomeSite, ada: Follower) -> None:
    ids = [site.subscription(ada, state="paused" if number == 3 else "synced") for number in range(14)]
    first = ada.get("/home").text
    assert f'href="/copying/{ids[-1]}"' in first and f'href="/copying/{ids[0]}"' not in first
    older = ada.get(f"/home?before={ids[2]}").text
    assert f'href="/copying/{ids[0]}"' in older and f'href="/copying/{ids[2]}"' not in older
    paused = ada.get("/home?state=paused").text
    assert f'href="/copying/{ids[3]}"' in paused and paused.count("own-card__head") == 1
    assert "None in this state" in ada.get("/home?state=liquidated").text
    for odd in ("?before=x", "?before=99999999999999999999", "?before=0", "?state=gone", "?told=nothing"):
        assert ada.get(f"/home{odd}").status_code == 200


def test_a_thousand_subscriptions_cost_as_many_statements_as_one(site: HomeSite, ada: Follower) -> None:
    one = site.subscription(ada)
    site.book(one)
    pages = ("/home", "/home/now", "/activity", "/copying/stop-everything", f"/copying/{one}", f"/copying/{one}/now")
    _counts(site, ada, pages)
    before = _counts(site, ada, pages)
    for _ in range(30):
        site.book(site.subscription(ada), "ETH/USDT:USDT", qty=D("-0.1"), cost=D(260), cash=D(260))
    assert _counts(site, ada, pages) == before


def _counts(site: HomeSite, ada: Follower, pages: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for path in pages:
        with site.counting() as sent:
            assert ada.get(path).status_code == 200
        found[path] = len(sent)
    return found


def test_an_engine_that_is_away_is_told_with_what_it_means(site: HomeSite, ada: Follower) -> None:
    site.subscription(ada)
    signal_id = site.signal()
    with site.storing() as session:
        session.execute(
            text(
                "INSERT INTO delivery (tenant_id, signal_id, shard, created_at) "
                "VALUES (:tenant_id, :id, 'binance-lab:0', clock_timestamp() - interval '50 seconds')"
            ),
            {"tenant_id": site.tenant_id, "id": signal_id},
        )
    page = ada.words("/home")
    assert "Copying is delayed" in page and "what you stop or change here is stored now" in page
    with site.storing() as session:
        session.execute(text("DELETE FROM delivery WHERE signal_id = :id"), {"id": signal_id})
    assert "Copying is delayed" not in ada.words("/home")


def test_an_exchange_without_prices_is_told_and_what_is_held_counts_at_its_cost(
    site: HomeSite, ada: Follower, redis_url: str
) -> None:
    site.book(site.subscription(ada))
    tell_old_prices(redis_url, timedelta(minutes=5))
    page = ada.words("/home")
    assert "Binance (simulated) is silent" in page
    assert "Without a fresh price, and counted at cost: BTC/USDT" in page and "500.00 USDT" in page


def test_a_key_that_does_not_work_is_told_with_where_to_mend_it(site: HomeSite, ada: Follower) -> None:
    site.subscription(ada, account_id=ada.account_id)
    with site.storing() as session:
        session.execute(
            text("UPDATE account SET status = 'unusable', status_reason = 'key_expired' WHERE id = :id"),
            {"id": ada.account_id},
        )
    page = ada.get("/home").text
    assert "My account needs a working key" in page and f'href="/keys/{ada.account_id}"' in page


def test_the_pieces_of_the_page_come_anew_by_themselves(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada)
    page = ada.get("/home?state=synced").text
    assert 'data-live="/home/now?state=synced"' in page and 'data-live-on="receipt equity position notice"' in page
    for path in ("/home/now", f"/copying/{number}/now", "/activity/now"):
        piece = ada.get(path)
        assert piece.status_code == 200 and "<html" not in piece.text
        assert piece.headers["Cache-Control"] == "no-store"


def test_another_followers_subscription_does_not_exist(site: HomeSite, ada: Follower) -> None:
    theirs = site.subscription(site.follower())
    for path in ("", "/now", "/pause", "/resume", "/stop", "/allocation", "/limits"):
        assert ada.get(f"/copying/{theirs}{path}").status_code == 404
    for number in (0, 2**63, 10**30):
        assert ada.get(f"/copying/{number}").status_code == 404
    assert f"/copying/{theirs}" not in ada.get("/home").text


def test_the_page_of_one_subscription_shows_positions_orders_and_the_line_against_the_trader(
    site: HomeSite, ada: Follower
) -> None:
    number = site.subscription(ada, created_at=NOW - timedelta(days=4))
    site.book(number)
    signal_id = site.signal()
    site.copy(number, signal_id, "accepted")
    with site.storing() as session:
        points = [(NOW - timedelta(days=day), D(500 - day)) for day in (4, 3, 2, 1)]
        tell_points(session, "subscription", number, points)
    page = ada.words(f"/copying/{number}")
    assert "64,000.00" in page and "60,000.00" in page and "300.00 USDT" in page and "−20.00 USDT" in page
    assert "The trader against you" in page and "Dawn Runner" in page
    assert f"Receipt {signal_id}" in page and "Placed" in page
    assert "In proportion to the trader's equity" in page.replace("’", "'")
    assert ada.get(f"/copying/{number}?period=30").status_code == 200


def test_an_ended_subscription_keeps_its_page_and_offers_nothing_to_do(site: HomeSite, ada: Follower) -> None:
    number = site.subscription(ada, state="ended", ended_at=NOW - timedelta(days=1))
    page = ada.words(f"/copying/{number}")
    assert "Copying ended" in page and "Stop copying" not in page
    assert "Nothing is copied at the moment" in ada.words("/home")
    assert ada.get(f"/copying/{number}/now").status_code == 200
    for act in ("pause", "resume", "stop", "allocation", "limits"):
        assert ada.get(f"/copying/{number}/{act}").status_code == 404
