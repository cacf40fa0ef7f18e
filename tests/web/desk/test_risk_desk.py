"""The risk desk's pages: who may open them, what they show, and what they leave behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from copydesk.db import Database
from copydesk.kernel import utc_now
from copydesk.replication import NewsKind, tell_news
from copydesk.risk.acts import Act, ActState, store_acts
from copydesk.web.grants import PURPOSE, Grant, Permission, stream_token
from desk_pages import Open, pages, plain
from flask import Flask
from flask.testing import FlaskClient
from form_posts import submit
from risk_seed import RiskSeeded, link
from site_seed import HOSTS, FakeRuntime, Seeded
from sqlalchemy import text

OWN_OPENS = {"own", "own now"}


def test_a_brands_link_opens_every_page_of_the_brand(admin: FlaskClient, desks: dict[str, RiskSeeded]) -> None:
    assert {name: admin.get(path).status_code for name, path in pages(desks["aurora"]).items()} == dict.fromkeys(
        pages(desks["aurora"]), 200
    )


def test_a_followers_link_opens_its_own_subscription_only(
    open_site: Open, live_runtime: FakeRuntime, desks: dict[str, RiskSeeded]
) -> None:
    desk = desks["aurora"]
    browser = open_site("aurora", link(live_runtime, "aurora", desk.running, now=utc_now()))
    found = {name: browser.get(path).status_code for name, path in pages(desk).items()}
    assert found == {name: 200 if name in OWN_OPENS else 403 for name in found}


@pytest.mark.parametrize("subscription", [False, True])
def test_a_link_of_one_brand_opens_nothing_of_another(
    open_site: Open, live_runtime: FakeRuntime, desks: dict[str, RiskSeeded], subscription: bool
) -> None:
    number = desks["boreal"].running if subscription else None
    path = link(live_runtime, "aurora", number, now=utc_now())
    browser = open_site("boreal")
    assert browser.get(path).status_code == 403
    token = path.partition("token=")[2]
    browser.set_cookie("risk_pass", token, domain=HOSTS["boreal"], path="/risk")
    assert {browser.get(page).status_code for page in pages(desks["boreal"]).values()} == {403}


def test_without_a_link_every_page_says_in_one_sentence_how_to_get_one(
    open_site: Open, desks: dict[str, RiskSeeded]
) -> None:
    browser = open_site("aurora")
    for path in pages(desks["aurora"]).values():
        answer = browser.get(path)
        assert answer.status_code == 403
        assert "ask whoever runs Aurora" in plain(answer.text)
        assert "Dawn Runner" not in answer.text


def test_the_refusal_is_told_in_the_visitors_language(open_site: Open) -> None:
    answer = open_site("aurora").get("/risk", headers={"Accept-Language": "de"})
    assert answer.status_code == 403
    assert "Link" in answer.text
    assert "ask whoever" not in answer.text


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "W10.aaaa.bbbb"])
def test_a_bad_token_is_refused_and_leaves_no_cookie(open_site: Open, token: str) -> None:
    answer = open_site("aurora").get(f"/risk/enter?token={token}")
    assert answer.status_code == 403
    assert not any("risk_pass" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_a_link_that_has_ended_opens_nothing(open_site: Open, live_runtime: FakeRuntime) -> None:
    path = link(live_runtime, "aurora", now=utc_now() - timedelta(hours=9))
    assert open_site("aurora").get(path).status_code == 403
    browser = open_site("aurora")
    browser.set_cookie("risk_pass", path.partition("token=")[2], domain=HOSTS["aurora"], path="/risk")
    assert browser.get("/risk").status_code == 403


def test_a_changed_token_opens_nothing(open_site: Open, live_runtime: FakeRuntime) -> None:
    path = link(live_runtime, "aurora", now=utc_now())
    place = path.index("token=") + 10
    changed = path[:place] + ("A" if path[place] != "A" else "B") + path[place + 1 :]
    assert open_site("aurora").get(changed).status_code == 403


def test_a_stream_token_opens_no_page(open_site: Open, live_runtime: FakeRuntime) -> None:
    key = live_runtime.link_key(PURPOSE, "aurora")
    token = stream_token(key, Grant("aurora", Permission.RISK_READ, utc_now() + timedelta(hours=1)))
    assert open_site("aurora").get(f"/risk/enter?token={token}").status_code == 403


def test_turning_the_key_ends_every_link(open_site: Open, live_runtime: FakeRuntime) -> None:
    path = link(live_runtime, "aurora", now=utc_now())
    browser = open_site("aurora", path)
    assert browser.get("/risk").status_code == 200
    live_runtime.link_secret = "another key"
    assert browser.get("/risk").status_code == 403
    assert browser.get(path).status_code == 403
    live_runtime.link_secret = None
    assert browser.get("/risk").status_code == 403


def test_a_link_leaves_the_address_and_a_cookie_that_no_script_and_no_other_site_gets(
    open_site: Open, live_runtime: FakeRuntime
) -> None:
    answer = open_site("aurora").get(link(live_runtime, "aurora", now=utc_now()))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/risk")
    cookie = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/risk"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    secure = open_site("aurora").get(link(live_runtime, "aurora", now=utc_now()), base_url=f"https://{HOSTS['aurora']}")
    assert "Secure" in secure.headers["Set-Cookie"]


def test_a_followers_link_leads_to_its_subscription(
    open_site: Open, live_runtime: FakeRuntime, desks: dict[str, RiskSeeded]
) -> None:
    number = desks["aurora"].running
    answer = open_site("aurora").get(link(live_runtime, "aurora", number, now=utc_now()))
    assert answer.headers["Location"] == f"/risk/subscriptions/{number}"


def test_private_pages_are_kept_nowhere_and_tell_no_address(admin: FlaskClient, desks: dict[str, RiskSeeded]) -> None:
    for path in (*pages(desks["aurora"]).values(), "/risk/enter?token=x", "/risk/nothing"):
        headers = admin.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
    assert admin.get("/risk").headers["Referrer-Policy"] == "no-referrer"
    assert admin.get("/risk/enter?token=x").headers["Referrer-Policy"] == "no-referrer"


def test_every_page_of_the_desk_declares_what_it_needs(app: Flask) -> None:
    views = {name: view for name, view in app.view_functions.items() if name.startswith("risk.")}
    declared = {name: getattr(view, "needs", None) for name, view in views.items()}
    assert {type(needed) for needed in declared.values()} == {Permission}
    assert {name for name, needed in declared.items() if needed is Permission.VISIT} == {"risk.enter"}
    assert len(views) > 4


def test_a_visit_from_another_sites_page_is_asked_to_come_again_by_itself(open_site: Open) -> None:
    foreign = open_site("aurora").get("/risk", headers={"Sec-Fetch-Site": "cross-site"})
    own = open_site("aurora").get("/risk", headers={"Sec-Fetch-Site": "same-origin"})
    assert (foreign.headers.get("Refresh"), own.headers.get("Refresh")) == ("0", None)


def test_the_language_can_be_changed_on_a_page_that_tells_no_address(admin: FlaskClient) -> None:
    page = admin.get("/risk").text
    assert '<input type="hidden" name="next" value="/risk">' in page
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = submit(admin, "/language/de", {"next": "/risk"}, page="/risk", headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/risk")
    refused = submit(admin, "/language/de", {"next": "/risk"}, headers={"Origin": "null"})
    assert refused.status_code == 403


def test_the_desk_tells_who_watches_what_is_near_what_fired_what_drifts_and_what_is_stopped(
    admin: FlaskClient, desks: dict[str, RiskSeeded]
) -> None:
    desk, page = desks["aurora"], plain(admin.get("/risk").text)
    assert "Watched last heard of" in page
    assert "Prices in doubt 1" in page
    assert "1 stop did not get to its end" in page
    assert f"Subscription {desk.running}" in page
    assert "Your equity falls more than 20 % of equity from its highest value" in page
    assert "Orders went out 180 ms after the breach. All was closed after 1,400 ms." in page
    assert "Market BTC/USDT" in page
    assert "The exchange halts withdrawals." in page
    assert page.index("Not all closed") < page.index("Closed Subscription")


def test_what_is_held_is_told_by_strategy_market_and_exchange(admin: FlaskClient) -> None:
    page = plain(admin.get("/risk/now").text)
    for name in ("Dawn Runner", "BTC/USDT", "ETH/USDT", "Binance (simulated)"):
        assert name in page
    assert "300.00" in page  # 0.005 at 60,000
    assert "250.00" in page  # a short of 0.1 at 2,500
    assert "550.00" in page


def test_books_without_a_price_are_named_and_never_guessed(
    admin: FlaskClient, live_runtime: FakeRuntime, desks: dict[str, RiskSeeded], redis_url: str
) -> None:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    page = plain(admin.get("/risk").text)
    assert "2 of 2 books have no price and are not counted" in page
    assert "no fresh price is known of" in page
    own = plain(admin.get(f"/risk/subscriptions/{desks['aurora'].running}").text)
    assert "No fresh price of BTC/USDT, ETH/USDT" in own
    assert "How far it is cannot be told now." in own


def test_a_follower_sees_each_stop_each_rule_and_whose_it_is(admin: FlaskClient, desks: dict[str, RiskSeeded]) -> None:
    page = plain(admin.get(f"/risk/subscriptions/{desks['aurora'].running}").text)
    assert "Copying runs" in page
    assert "Equity 490.00 USDT" in page  # 500 - 320 + 260 + 300 - 250
    assert "Now 490.00 USDT, acts at 400.00 USDT" in page
    assert "90.00 USDT left" in page
    assert "Holds instead of 30 % of equity (Brand), because it is stricter." in page
    assert "An order is worth more than 10 % of equity: it is made smaller." in page
    assert "Own" in page
    assert "2 of 5" in page


def test_the_closest_stop_comes_first(admin: FlaskClient, desks: dict[str, RiskSeeded]) -> None:
    page = plain(admin.get(f"/risk/subscriptions/{desks['aurora'].running}").text)
    loss = page.index("You lose more than 15 % of equity in a day")
    assert loss < page.index("Your equity falls more than 20 %") < page.index("You gain more than 50 %")


def test_a_stopped_follower_reads_what_was_done_and_how_to_go_on(
    admin: FlaskClient, desks: dict[str, RiskSeeded]
) -> None:
    page = plain(admin.get(f"/risk/subscriptions/{desks['aurora'].stopped}").text)
    assert "A limit was reached, and what was copied is closed. To go on, resume copying." in page
    assert "Everything that was copied was closed." in page
    assert "BTC/USDT sold 0.001 for 59.99 USDT" in page
    assert "It was 394.10 USDT, the limit lay at 400.00 USDT." in page


def test_a_follower_reads_that_the_strategy_was_suspended(
    admin: FlaskClient, desks: dict[str, RiskSeeded], database_url: str, seeded: Seeded
) -> None:
    desk, line = desks["aurora"], "loss > 5 % of equity per day -> block_opens"
    act = Act("suspended", "strategy", desk.strategy_id, None, line, "block_opens", ActState.BLOCKED, {}, utc_now())
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids["aurora"]) as session:
        store_acts(session, [act])
    database.dispose()
    page = plain(admin.get(f"/risk/subscriptions/{desk.running}").text)
    assert "The strategy is suspended: nothing new is opened for any of its followers." in page
    assert "Dawn Runner" in page
    assert "The strategy lost more than 5 % of equity in a day." in page


def test_a_follower_sees_how_far_a_forced_closing_is_and_what_the_trader_changed(
    admin: FlaskClient, desks: dict[str, RiskSeeded], database_url: str, seeded: Seeded
) -> None:
    desk = desks["aurora"]
    database = Database.connect(database_url, pool_size=1)
    with database.tenant(seeded.tenant_ids["aurora"]) as session:
        tell_news(session, desk.strategy_id, NewsKind.RESUMED, None, {}, utc_now())
    database.dispose()
    page = plain(admin.get(f"/risk/subscriptions/{desk.running}").text)
    assert "How far a forced closing is ETH/USDT short 0.1 " in page
    assert "The strategy goes on. What the trader opens is copied again." in page
    assert "Yours not looked at yet" in page
    spot_only = plain(admin.get(f"/risk/subscriptions/{desk.stopped}").text)
    assert "How far a forced closing is" not in spot_only


def test_a_stop_that_is_not_at_its_end_is_not_told_as_done(admin: FlaskClient, desks: dict[str, RiskSeeded]) -> None:
    page = plain(admin.get(f"/risk/subscriptions/{desks['aurora'].flagged}").text)
    assert "Not everything could be closed: look at your positions at the exchange. To go on, resume copying." in page
    assert "what was copied is closed." not in page


def test_a_subscription_that_there_is_not_is_not_found(admin: FlaskClient) -> None:
    assert admin.get("/risk/subscriptions/999999").status_code == 404
    assert admin.get(f"/risk/subscriptions/{2**63}").status_code == 404


def test_an_empty_desk_says_what_will_appear(
    open_site: Open, live_runtime: FakeRuntime, database_url: str, seeded: Seeded
) -> None:
    database = Database.connect(database_url, pool_size=1)
    told = ("risk_act", "risk_limit", "risk_watch", "book")
    browser = open_site("boreal", link(live_runtime, "boreal", now=utc_now()))
    with database.tenant(seeded.tenant_ids["boreal"]) as session:
        for table in told:
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("UPDATE risk_switch SET lifted_at = now(), lifted_by = 'a test'"))
        session.execute(text("UPDATE subscription SET state = 'ended'"))
    database.dispose()
    page = plain(browser.get("/risk").text)
    for said in (
        "Nobody watches: no stop fires",
        "The risk role has never run for this brand",
        "Nobody is under way to a limit",
        "No stop fired",
        "No kill switch is on.",
        "Every subscription holds what it was to hold.",
        "Nothing is held",
    ):
        assert said in page
