"""A new password: by a link, which opens nothing by itself, or by the old one."""

from __future__ import annotations

import re

from account_people import PASSWORD, People, counted_statements
from copydesk.identity import Role, User, UserStatus
from copydesk.web.csrf import FIELD
from flask import Flask
from form_posts import submit, token_in
from noticing import Ear

NEW = "brisk heron under 9 willows"
_VARIES = re.compile(r'name="csrf_token" value="[^"]+"|nonce="[^"]+"')


def test_a_link_sets_a_new_password_once_and_signs_out_everywhere(people: People) -> None:
    user = people.add(factor=True)
    elsewhere, browser = people.signed_in(user), people.browser()
    link = reset_link(people, user)
    assert browser.get(link).status_code == 200
    assert browser.get(link).status_code == 200, "opening a link uses nothing up"
    assert submit(browser, link, {"password": NEW}, page=link).location == "/account/sign-in?told=reset"
    assert elsewhere.get("/account").location.startswith("/account/sign-in")
    assert submit(browser, link, {"password": "another password 17"}).status_code == 410
    assert browser.sign_in(user.email).status_code == 422
    assert browser.sign_in(user.email, NEW).status_code == 303


def test_a_reset_never_goes_round_the_second_factor(people: People) -> None:
    user, browser = people.add(factor=True), people.browser()
    link = reset_link(people, user)
    answer = submit(browser, link, {"password": NEW}, page=link)
    assert not [one for one in answer.headers.getlist("Set-Cookie") if one.startswith("session=") and "=;" not in one]
    assert browser.sign_in(user.email, NEW).location == "/account/factors/verify"
    assert browser.get("/account").location.startswith("/account/factors/verify")


def test_after_a_reset_key_changes_and_payouts_rest_for_a_day(people: People) -> None:
    user = people.add(factor=True)
    ear = Ear(people.runtime.database, people.runtime.tenant_ids["aurora"], people.clock)
    link = reset_link(people, user)
    submit(people.browser(), link, {"password": NEW}, page=link)
    held = people.fresh(user).held_until
    assert held is not None and (held - people.clock.at).total_seconds() == 24 * 3600
    kind, facts = people.mails("aurora", user.email)[-1]
    assert kind == "password_changed" and facts["held_until"] == held.isoformat()
    assert ear.told(user.id) == ["security"]
    acts = people.acts("aurora", f"user:{user.id}")
    assert acts == ["password.reset_asked", "password.reset"]


def test_an_unknown_address_is_answered_as_a_known_one(people: People) -> None:
    user = people.add()
    known = submit(people.browser(), "/account/forgot", {"email": user.email})
    unknown = submit(people.browser(), "/account/forgot", {"email": "nobody@post.example"})
    assert (
        (known.status_code, known.location) == (unknown.status_code, unknown.location) == (303, "/account/forgot/sent")
    )
    assert _VARIES.sub("", known.text) == _VARIES.sub("", unknown.text)
    assert people.mails("aurora", "nobody@post.example") == []


def test_an_unknown_address_costs_as_much_as_a_known_one(app: Flask, people: People) -> None:
    """Whoever measures how long the answer takes learns no more than who reads it."""
    work = []
    for email in (people.add().email, "nobody3@post.example"):
        with counted_statements(app) as statements:
            submit(people.browser(), "/account/forgot", {"email": email})
        work.append([statement.partition(" VALUES ")[0][:60] for statement in statements])
    known, unknown = work
    assert unknown == [one.replace("RELEASE", "ROLLBACK TO") for one in known]


def test_blocked_and_closed_accounts_get_no_link(people: People) -> None:
    for status in (UserStatus.BLOCKED, UserStatus.CLOSED):
        user = people.add(status=status.value)
        submit(people.browser(), "/account/forgot", {"email": user.email})
        assert people.mails("aurora", user.email) == []


def test_a_newer_link_ends_the_older_one_and_links_run_out(people: People) -> None:
    user, browser = people.add(), people.browser()
    first, second = reset_link(people, user), reset_link(people, user)
    assert browser.get(first).status_code == 410
    assert browser.get(second).status_code == 200
    people.clock.pass_(minutes=61)
    assert browser.get(second).status_code == 410


def test_a_reset_says_what_is_wrong_and_keeps_the_link_good(people: People) -> None:
    user, browser = people.add(role=Role.STAFF), people.browser()
    link = reset_link(people, user)
    answer = submit(browser, link, {"password": "tide lamp 2"}, page=link)
    assert answer.status_code == 422 and "at least 12 characters" in answer.text
    assert "tide lamp 2" not in answer.text
    assert submit(browser, link, {"password": NEW}, page=link).status_code == 303


def test_who_knows_the_old_password_sets_a_new_one_and_stays_signed_in_here_only(people: People) -> None:
    user = people.add(factor=True)
    elsewhere = people.signed_in(user)
    browser = people.signed_in(user)
    answer = submit(browser, "/account/password", {"old": PASSWORD, "new": NEW}, page="/account/password")
    assert answer.status_code == 200 and "Your password is changed." in answer.text
    assert NEW not in answer.text and PASSWORD not in answer.text
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").location.startswith("/account/sign-in")
    assert people.browser().sign_in(user.email, NEW).status_code == 303
    assert people.mails("aurora", user.email)[-1][0] == "password_changed"


def test_after_a_change_a_copy_of_the_cookie_is_worthless_and_the_page_goes_on_working(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    copied = people.with_cookie_of(browser)
    answer = submit(browser, "/account/password", {"old": PASSWORD, "new": NEW}, page="/account/password")
    assert [one.get("/account").status_code for one in (browser, copied)] == [200, 303]
    again = {FIELD: token_in(answer.text), "old": PASSWORD, "new": NEW}
    assert "This is not your password." in browser.post("/account/password", data=again).text


def test_a_change_needs_the_old_password_and_another_new_one(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    answers = [
        submit(browser, "/account/password", typed)
        for typed in ({"old": "not it at all", "new": NEW}, {"old": PASSWORD, "new": PASSWORD}, {})
    ]
    assert [one.status_code for one in answers] == [422] * 3
    assert "This is not your password." in answers[0].text
    assert "Choose another password than the one that you have now." in answers[1].text
    assert "Enter the password that you have now." in answers[2].text and "Enter a password." in answers[2].text


def test_guessing_the_old_password_makes_one_wait(people: People) -> None:
    user = people.add(factor=True)
    browser = people.signed_in(user)
    for _ in range(6):
        submit(browser, "/account/password", {"old": "not it at all", "new": NEW})
    assert submit(browser, "/account/password", {"old": PASSWORD, "new": NEW}).status_code == 429


def reset_link(people: People, user: User) -> str:
    submit(people.browser(), "/account/forgot", {"email": user.email})
    return people.last_link("aurora", user.email)
