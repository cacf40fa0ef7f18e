"""Staff pages at work: people, team, roles, allowed addresses, the record; and the gate's answers in words."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.identity import UserSession
from copydesk.identity.access import SignedIn, allow_network, allowed_networks, note_sign_in, places_of, role_lines
from copydesk.identity.access.team import member
from copydesk.identity.invitations import open_invites
from copydesk.notifications.tables import Mail
from copydesk.web import create_app
from copydesk.web.grants import PURPOSE, stream_grant
from copydesk.web.live import LIVE, create_live_app
from flask import Flask
from flask.testing import FlaskClient
from form_posts import submit
from matrix_people import PERSONAS, seed_people, subscription, token_of
from site_seed import HOSTS, NOW, FakeRuntime, Seeded
from sqlalchemy import select

Enter = Callable[[str], FlaskClient]
BRAND = "aurora"


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    database = Database.connect(database_url, pool_size=1)
    yield database
    database.dispose()


@pytest.fixture(scope="module")
def users(database: Database, seeded: Seeded, runtime: FakeRuntime) -> dict[str, int]:
    found = seed_people(database, seeded, runtime.identity_vault)
    return {name: number for (name, brand), number in found.items() if brand == BRAND}


@pytest.fixture
def enter(visit: Callable[[str], FlaskClient], users: dict[str, int]) -> Enter:
    """Open a browser on the brand, signed in as somebody of the matrix."""
    assert users

    def signed_in(name: str) -> FlaskClient:
        browser = visit(BRAND)
        persona = next(one for one in PERSONAS if one.name == name)
        browser.set_cookie("session", token_of(persona, BRAND), domain=HOSTS[BRAND])
        return browser

    return signed_in


@pytest.fixture
def tenant_id(seeded: Seeded) -> int:
    return seeded.tenant_ids[BRAND]


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize(
    ("name", "path", "to"),
    [
        ("half an owner", "/staff/users?q=a", "/account/factors/verify?next=%2Fstaff%2Fusers%3Fq%3Da"),
        ("an owner without a factor", "/staff/users", "/account/factors?next=%2Fstaff%2Fusers"),
        ("a stale owner", "/staff/team/invite", "/account/factors/step-up?next=%2Fstaff%2Fteam%2Finvite"),
    ],
)
def test_who_lacks_something_is_sent_to_give_it_and_back(enter: Enter, name: str, path: str, to: str) -> None:
    answer = enter(name).get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, to)


def test_who_is_not_signed_in_is_sent_to_sign_in_where_a_page_can_be_shown(visit: Callable[[str], FlaskClient]) -> None:
    answer = visit(BRAND).get("/staff/users")
    assert answer.headers["Location"] == "/account/sign-in?next=%2Fstaff%2Fusers"
    part = visit(BRAND).get("/staff/users", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/account/sign-in")
    posted = submit(visit(BRAND), "/staff/team/invite")
    assert posted.status_code == 401
    assert "Sign in first." in plain(posted.text)


def test_a_page_that_a_role_does_not_include_says_so(enter: Enter) -> None:
    answer = enter("trader").get("/staff/users")
    assert answer.status_code == 403
    assert "Your role does not include this page." in plain(answer.text)


def test_an_act_on_hold_says_why_and_until_when(enter: Enter) -> None:
    answer = enter("an owner in a new place").get("/staff/team/invite")
    assert answer.status_code == 403
    assert "You signed in from a new place." in plain(answer.text)
    assert "Mar 2, 2026" in plain(answer.text)


def test_an_act_that_wants_a_fresh_factor_is_refused_without_one(enter: Enter) -> None:
    answer = submit(enter("a stale owner"), "/staff/team/roles/new", {"name": "x1"}, page="/staff/team")
    assert answer.status_code == 403
    assert "second factor of the last five minutes" in plain(answer.text)


def test_an_account_is_refused_from_an_address_that_its_list_lacks(
    enter: Enter, database: Database, users: dict[str, int], tenant_id: int
) -> None:
    with database.tenant(tenant_id) as session:
        allow_network(
            session, tenant_id, users["finance"], "203.0.113.0/24", own_ip="", author_id=users["finance"], at=NOW
        )
    answer = enter("finance").get("/account")
    assert answer.status_code == 403
    assert "may not be used from 127.0.0.1" in plain(answer.text)


def test_a_view_that_declares_nothing_answers_nobody(runtime: FakeRuntime) -> None:
    app = create_app(runtime)
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    answer = app.test_client().get("/forgotten", base_url=f"http://{HOSTS[BRAND]}")
    assert answer.status_code == 500
    assert "open to all" not in answer.text


def test_every_handler_of_live_events_declares_what_it_needs(runtime: FakeRuntime) -> None:
    app = create_live_app(runtime)
    handlers = {route.resource.canonical: route.handler for route in app.router.routes() if route.resource}
    assert {path: getattr(handler, "needs", None) for path, handler in handlers.items()} == {
        "/live/desk": "public",
        "/live/risk": "risk:own",
        "/live/me": "account:own",
        "/health": "public",
    }
    asyncio.run(app[LIVE].close())


def test_people_are_found_by_address_role_and_state(enter: Enter) -> None:
    browser = enter("support")
    assert "half a follower" in plain(browser.get("/staff/users").text)
    found = plain(browser.get("/staff/users?q=TRADER&role=trader&status=active").text)
    assert "trader@" in found or "trader" in found
    assert "half a follower" not in found
    assert "Nobody found" in plain(browser.get("/staff/users?q=%25no%25such").text)


def test_looking_at_a_person_is_recorded_and_shown_to_who_reads_the_record(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    number = users["trader"]
    page = enter("support").get(f"/staff/users/{number}")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "Latest in the record" not in plain(page.text)
    with database.tenant(tenant_id) as session:
        entry = read_entries(session, tenant_id, act="user.viewed", subject=f"user:{number}")[0]
    assert entry.actor.user_id == users["support"]
    assert "user.viewed" in plain(enter("owner").get(f"/staff/audit?subject=user:{number}").text)


def test_blocking_asks_first_then_signs_the_person_out(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    number, path = users["a stale follower"], f"/staff/users/{users['a stale follower']}/block"
    browser = enter("compliance")
    assert "They cannot sign in any more" in plain(browser.get(path).text)
    assert enter("a stale follower").get("/account").status_code == 200
    assert submit(browser, path, page=path).headers["Location"] == f"/staff/users/{number}"
    assert enter("a stale follower").get("/account").status_code == 303
    with database.tenant(tenant_id) as session:
        ended = session.scalars(select(UserSession.end_reason).where(UserSession.user_id == number)).all()
    assert set(ended) == {"blocked"}
    again = submit(browser, path, page=path)
    assert again.status_code == 422
    assert "in another state by now" in plain(again.text)


def test_staff_cannot_act_on_who_may_do_more(enter: Enter, users: dict[str, int]) -> None:
    answer = enter("compliance").get(f"/staff/users/{users['owner']}/block")
    assert answer.status_code == 403


def test_an_invitation_names_each_wrong_field_and_keeps_what_was_typed(enter: Enter) -> None:
    browser, path = enter("owner"), "/staff/team/invite"
    none = submit(browser, path, {"email": "mara@example.com"}, page=path)
    assert none.status_code == 422
    assert "Roles: choose at least one." in plain(none.text)
    assert 'value="mara@example.com"' in none.text
    bad = submit(browser, path, {"email": "no address", "roles": "support"}, page=path)
    assert bad.status_code == 422
    assert 'found "no address"' in plain(bad.text)
    assert re.search(r'value="support" checked', bad.text)


def test_an_invitation_is_sent_once_and_can_be_taken_back(
    enter: Enter, database: Database, tenant_id: int, users: dict[str, int]
) -> None:
    browser, path = enter("owner"), "/staff/team/invite"
    answer = submit(browser, path, {"email": "mara@example.com", "roles": ["support", "risk"]}, page=path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/team")
    with database.tenant(tenant_id) as session:
        (invited,) = open_invites(session, at=NOW)
        mails = session.scalars(select(Mail.kind).where(Mail.recipient == "mara@example.com")).all()
    assert (invited.grants, invited.invited_by, list(mails)) == (("risk", "support"), users["owner"], ["invited_staff"])
    assert "mara@example.com" in plain(browser.get("/staff/team").text)
    assert submit(browser, f"/staff/team/invites/{invited.id}/revoke", page="/staff/team").status_code == 303
    with database.tenant(tenant_id) as session:
        assert open_invites(session, at=NOW) == []


def test_nobody_invites_with_more_than_their_own_roles(enter: Enter) -> None:
    browser, path = enter("administrator"), "/staff/team/invite"
    assert 'value="owner"' not in browser.get(path).text
    answer = submit(browser, path, {"email": "x@example.com", "roles": "owner"}, page=path)
    assert answer.status_code == 422
    assert "Nobody gives, takes or acts on more than they may do themselves." in plain(answer.text)


def test_changed_roles_hold_at_once(enter: Enter, users: dict[str, int], database: Database, tenant_id: int) -> None:
    path = f"/staff/team/{users['none']}"
    answer = submit(enter("owner"), path, {"roles": ["auditor"]}, page=path)
    assert answer.headers["Location"] == "/staff/team"
    with database.tenant(tenant_id) as session:
        assert member(session, users["none"]).roles == ("auditor",)
    assert enter("none").get("/staff").status_code == 303
    assert enter("none").get("/account").headers["Location"].startswith("/account/sign-in")


def test_a_role_of_ones_own_is_made_of_what_one_has(enter: Enter, database: Database, tenant_id: int) -> None:
    browser, path = enter("owner"), "/staff/team/roles/new"
    wrong = submit(browser, path, {"name": "Day Desk", "permissions": "risk:read"}, page=path)
    assert wrong.status_code == 422
    assert 'value="Day Desk"' in wrong.text
    assert re.search(r'value="risk:read" checked', wrong.text)
    assert submit(browser, path, {"name": "day-desk", "permissions": "risk:read"}, page=path).status_code == 303
    with database.tenant(tenant_id) as session:
        assert "day-desk" in {line.name for line in role_lines(session)}
    smuggled = submit(browser, path, {"name": "trader-desk", "permissions": ["keys:own"]}, page=path)
    assert smuggled.status_code == 422
    answer = submit(browser, "/staff/team/roles/day-desk/remove", page="/staff/team/roles")
    assert answer.status_code == 303


def test_an_operator_makes_any_role_of_a_brand(enter: Enter) -> None:
    browser, path = enter("operator"), "/staff/team/roles/new"
    assert 'value="fees:write"' in browser.get(path).text
    answer = submit(browser, path, {"name": "big", "permissions": "fees:write"}, page=path)
    assert answer.status_code == 303


def test_a_list_that_would_lock_out_is_refused_with_the_address_one_has(enter: Enter) -> None:
    browser, path = enter("trader"), "/account/allowlist"
    answer = submit(browser, path, {"network": "203.0.113.0/24", "note": "office"}, page=path)
    assert answer.status_code == 422
    assert "expected one that contains 127.0.0.1, the address that you use now" in plain(answer.text)
    assert 'value="203.0.113.0/24"' in answer.text
    assert 'value="office"' in answer.text


def test_an_allowed_network_is_listed_and_taken_off_again(
    enter: Enter, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    browser, path = enter("trader"), "/account/allowlist"
    assert submit(browser, path, {"network": "127.0.0.0/8", "note": "home"}, page=path).status_code == 303
    assert "you are here" in plain(browser.get(path).text)
    with database.tenant(tenant_id) as session:
        (entry,) = allowed_networks(session, users["trader"])
    assert submit(browser, f"{path}/{entry.id}/remove", page=path).status_code == 303
    assert "Every address is allowed" in plain(browser.get(path).text)


def test_a_link_out_of_a_mail_asks_before_it_believes_a_place(
    visit: Callable[[str], FlaskClient],
    enter: Enter,
    runtime: FakeRuntime,
    users: dict[str, int],
    database: Database,
    tenant_id: int,
) -> None:
    number, vault = users["trader"], runtime.identity_vault
    for ip in ("203.0.113.7", "198.51.100.9"):
        with database.tenant(tenant_id) as session:
            note_sign_in(session, tenant_id, vault, SignedIn(number, ip, "curl/8"), at=NOW)
    with database.tenant(tenant_id) as session:
        mail = session.scalars(select(Mail).where(Mail.kind == "new_location").order_by(Mail.id.desc())).first()
        assert mail is not None and mail.sealed_facts is not None
        told = vault.open(tenant_id, mail.id, "mail.facts", mail.sealed_facts)
    path = re.search(r"/account/location/[\w-]+", told)[0]  # type: ignore[index]
    assert "1 person signed in from a new place" in plain(enter("support").get("/staff/users").text)
    shown = plain(enter("support").get("/staff/users?place=new").text)
    assert "trader@" in shown and "follower@" not in shown
    browser = visit(BRAND)
    assert "Was this you?" in plain(browser.get(path).text)
    assert "rests until" in plain(enter("trader").get("/keys/new/binance/enter").text)
    assert "This place is known now" in plain(submit(browser, path, page=path).text)
    assert enter("trader").get("/keys/new/binance/enter").status_code == 200
    assert browser.get(path).status_code == 410
    assert "from a new place" not in plain(enter("support").get("/staff/users").text)
    with database.tenant(tenant_id) as session:
        assert {place.confirmed_at for place in places_of(session, number)} == {NOW}


def test_a_signed_in_follower_hears_live_of_their_own_subscription_only(
    enter: Enter, app: Flask, users: dict[str, int], database: Database, tenant_id: int
) -> None:
    with database.tenant(tenant_id) as session:
        number = subscription(session, users["follower"])
    page = enter("follower").get(f"/risk/subscriptions/{number}").text
    token = re.search(r"/live/risk\?token=([\w.-]+)", page)[1]  # type: ignore[index]
    key = app.extensions["copydesk_runtime"].signing_key(PURPOSE, BRAND)
    grant = stream_grant(key, token, tenant=BRAND, now=NOW)
    assert grant is not None
    assert (grant.permission, grant.subscription_id) == ("risk:own", number)
    assert grant.until - NOW <= timedelta(hours=8)
