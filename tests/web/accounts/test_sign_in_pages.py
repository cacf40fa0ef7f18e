"""Signing in: the right password opens a session, everything else sounds the same."""

from __future__ import annotations

import re

import pytest
from account_people import PASSWORD, Browser, People, counted_statements
from copydesk.audit import read_entries
from copydesk.identity import Role, UserStatus
from copydesk.web.visitor import may_carry_secrets
from flask import Flask
from flask_login import current_user
from form_posts import form_token, submit

WRONG = "E-mail address or password is wrong."
_TOKEN = re.compile(r'name="csrf_token" value="[^"]+"|nonce="[^"]+"')


def test_the_right_password_opens_a_session_that_no_script_reads(people: People) -> None:
    user, browser = people.add(), people.browser()
    answer = browser.sign_in(user.email)
    assert (answer.status_code, answer.location) == (303, "/home")
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("session="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert people.tries(user) == ["signed_in"]


def test_over_tls_the_cookie_is_one_that_no_other_host_can_write(people: People) -> None:
    user, browser = people.add(), people.browser(scheme="https")
    answer = browser.sign_in(user.email)
    cookies = answer.headers.getlist("Set-Cookie")
    cookie = next(one for one in cookies if one.startswith("__Host-session="))
    assert "Secure" in cookie and "HttpOnly" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert not [one for one in cookies if one.startswith(("session=", "unused=", "remember_token="))]


def test_whoever_has_a_second_factor_goes_on_to_it_and_sees_nothing_before(people: People) -> None:
    user, browser = people.add(factor=True), people.browser()
    answer = browser.sign_in(user.email, next="/account/sessions")
    assert answer.location == "/account/factors/verify?next=%2Faccount%2Fsessions"
    assert people.tries(user) == ["factor_asked"]
    assert browser.get("/account/sessions").location.startswith("/account/factors/verify")


def test_whoever_has_none_yet_goes_nowhere_but_to_setting_one_up(people: People) -> None:
    user = people.add()
    browser = people.signed_in(user, factor="")
    assert browser.get("/account").location == "/account/factors?next=%2Faccount"


def test_unknown_wrong_blocked_and_closed_sound_the_same_and_cost_the_same(app: Flask, people: People) -> None:
    users = [
        people.add(),
        people.add(status=UserStatus.BLOCKED.value),
        people.add(status=UserStatus.CLOSED.value, password_hash=None),
    ]
    blocked = people.add(status=UserStatus.BLOCKED.value)
    tries = [(one.email, "not the password 1") for one in users] + [(blocked.email, PASSWORD)]
    answers = []
    for email, password in [*tries, ("nobody@aurora.example", PASSWORD)]:
        browser = people.browser()
        form_token(browser)
        with counted_statements(app) as statements:
            answer = browser.sign_in(email, password)
        assert WRONG in answer.text and f'value="{email}"' in answer.text
        answers.append((answer.status_code, len(statements), _TOKEN.sub("", answer.text).replace(email, "")))
    assert len(set(answers)) == 1, [one[:2] for one in answers]
    assert answers[0][0] == 422


def test_the_record_keeps_the_kind_of_browser_and_not_all_that_it_says_of_itself(people: People) -> None:
    """The chain is for good and read by staff; the whole text is in the session, which goes."""
    user = people.add()
    people.signed_in(user, factor="")
    [row] = people.sessions(user)
    with people.database.tenant(user.tenant_id) as session:
        entries = read_entries(session, user.tenant_id, limit=20)
    [after] = [one.after for one in entries if one.subject == f"session:{row.id}" and one.act == "session.started"]
    assert after == {"agent": "Firefox, Linux", "factor_needed": False}


def test_an_empty_form_names_both_fields_and_shows_no_password(people: People) -> None:
    answer = submit(people.browser(), "/account/sign-in", {"email": "", "password": ""})
    assert answer.status_code == 422
    assert "Enter your e-mail address." in answer.text and "Enter your password." in answer.text
    answer = submit(people.browser(), "/account/sign-in", {"email": "", "password": "half a secret"})
    assert "half a secret" not in answer.text


def test_who_has_not_confirmed_their_address_hears_it_only_with_the_right_password(people: People) -> None:
    user = people.add(status=UserStatus.PENDING.value, email_verified_at=None)
    assert WRONG in people.browser().sign_in(user.email, "not the password 1").text
    assert people.mails("aurora", user.email) == []
    assert "is not confirmed yet" in people.browser().sign_in(user.email).text
    assert [kind for kind, _ in people.mails("aurora", user.email)] == ["verify_email"]


def test_after_some_failures_one_waits_whether_or_not_the_account_exists(people: People) -> None:
    user = people.add()
    texts = []
    for email in (user.email, "nobody2@aurora.example"):
        for _ in range(6):
            people.browser().sign_in(email, "not the password 1")
        answer = people.browser().sign_in(email)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 5
        texts.append(_TOKEN.sub("", answer.text).replace(email, ""))
    assert texts[0] == texts[1]
    people.clock.pass_(seconds=6)
    assert people.browser().sign_in(user.email).status_code == 303


def test_strangers_failures_do_not_keep_the_owner_out_where_they_signed_in_before(people: People) -> None:
    user, home = people.add(), people.browser()
    assert home.sign_in(user.email).status_code == 303
    for _ in range(6):
        people.browser().sign_in(user.email, "not the password 1")
    assert people.browser().sign_in(user.email).status_code == 429
    assert home.sign_in(user.email).status_code == 303


def test_one_network_that_fails_all_the_time_waits_for_every_account(people: People) -> None:
    user, browser = people.add(), people.browser()
    token = form_token(browser)
    answers = [
        browser.post(
            "/account/sign-in", data={"csrf_token": token, "email": f"x{n}@a.example", "password": "wrong wrong"}
        ).status_code
        for n in range(33)
    ]
    assert answers[:31] == [422] * 31
    assert answers[-1] == 429
    assert browser.sign_in(user.email).status_code == 429
    assert people.browser().sign_in(user.email).status_code == 303


def test_a_session_that_somebody_planted_is_not_taken_over(people: People) -> None:
    user, browser = people.add(), people.browser()
    browser.set_cookie("session", "planted", domain=browser.host)
    browser.sign_in(user.email)
    assert token_of(browser) != "planted"
    other = people.browser()
    other.set_cookie("session", "planted", domain=other.host)
    assert other.get("/account").location.startswith("/account/sign-in")


def test_signing_in_again_ends_the_session_that_the_browser_had(people: People) -> None:
    user, browser = people.add(), people.browser()
    browser.sign_in(user.email)
    before = token_of(browser)
    browser.sign_in(user.email)
    assert token_of(browser) != before
    assert [one.end_reason for one in people.sessions(user)] == ["replaced", None]


def test_the_row_of_a_session_does_not_hold_what_the_cookie_holds(people: People) -> None:
    user, browser = people.add(), people.browser()
    browser.sign_in(user.email)
    [row] = people.sessions(user)
    assert token_of(browser).encode() not in row.token_hash
    assert row.ip == browser.ip and row.agent == "Firefox/128 Linux"


def test_a_session_ends_when_nobody_uses_it_and_is_seen_once_a_minute_at_most(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    began = people.sessions(user)[0].seen_at
    people.clock.pass_(seconds=50)
    assert browser.get("/account").status_code == 200
    assert people.sessions(user)[0].seen_at == began
    people.clock.pass_(minutes=29)
    assert browser.get("/account").status_code == 200
    assert people.sessions(user)[0].seen_at == people.clock.at
    people.clock.pass_(minutes=30)
    assert browser.get("/account").location.startswith("/account/sign-in")


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    for _ in range(29):
        people.clock.pass_(minutes=24)
        assert browser.get("/account").status_code == 200
    people.clock.pass_(minutes=24)
    assert browser.get("/account").location.startswith("/account/sign-in")


def test_signing_out_ends_the_session_not_only_the_cookie(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    token = token_of(browser)
    answer = submit(browser, "/account/sign-out")
    assert (answer.status_code, answer.location) == (303, "/account/sign-in")
    assert "storage" in answer.headers["Clear-Site-Data"]
    assert [one.end_reason for one in people.sessions(user)] == ["signed_out"]
    browser.set_cookie("session", token, domain=browser.host)
    assert browser.get("/account").location.startswith("/account/sign-in")


def test_who_is_signed_in_already_is_taken_on(people: People) -> None:
    browser = people.signed_in(people.add(factor=True))
    assert browser.get("/account/sign-in?next=/account/history").location == "/account/history"


@pytest.mark.parametrize("wanted", ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"))
def test_nobody_is_sent_to_another_site_after_signing_in(people: People, wanted: str) -> None:
    assert people.browser().sign_in(people.add().email, next=wanted).location == "/home"


def test_a_brands_account_does_not_exist_on_another_brand(people: People) -> None:
    user = people.add("aurora")
    assert WRONG in people.browser("boreal").sign_in(user.email).text
    aurora = people.signed_in(user, factor="")
    boreal = people.browser("boreal")
    boreal.set_cookie("session", token_of(aurora), domain=boreal.host)
    assert boreal.get("/account").location.startswith("/account/sign-in")


def test_somebody_blocked_meanwhile_is_out_at_once(people: People) -> None:
    user = people.add(factor=True, role=Role.TRADER)
    browser = people.signed_in(user)
    with people.database.tenant(user.tenant_id) as session:
        session.merge(user).status = UserStatus.BLOCKED.value
    assert browser.get("/account").location.startswith("/account/sign-in")


def test_pages_of_accounts_are_kept_nowhere(people: People) -> None:
    answer = people.browser().get("/account/sign-in")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def token_of(browser: Browser) -> str:
    cookie = browser.get_cookie("session", domain=browser.host)
    assert cookie is not None
    return cookie.value


def test_flask_login_names_the_same_visitor_and_keeps_no_cookie_of_its_own(app: Flask, people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    url = f"http://{browser.host}/account"
    for cookies, known in ((f"session={token_of(browser)}", True), ("session=x; remember_token=1|x; unused=x", False)):
        with app.test_request_context(url, headers={"Cookie": cookies}):
            app.preprocess_request()
            assert current_user.is_authenticated is known
            assert not known or current_user.get_id() == str(user.id)


@pytest.mark.parametrize(
    ("address", "safe"),
    (
        ("https://aurora.example/", True),
        ("http://aurora.localhost:8000/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://[::1]:8000/", True),
        ("http://aurora.example/", False),
        ("http://localhost.evil.example/", False),
        ("http://192.0.2.1/", False),
    ),
)
def test_passwords_travel_over_tls_or_inside_one_machine_only(app: Flask, address: str, safe: bool) -> None:
    with app.test_request_context(address):
        assert may_carry_secrets() is safe
