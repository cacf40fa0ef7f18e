"""Becoming somebody: registration, the link that confirms an address, invitations."""

from __future__ import annotations

import re

import pytest
from account_people import PASSWORD, People, counted_statements
from copydesk.audit import OPERATOR, Actor, ActorKind
from copydesk.identity import Invite, Role, User, UserStatus
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.invitations import Invitation, invite, open_invites, revoke_invite
from flask import Flask
from form_posts import form_token, submit
from sqlalchemy import select, update
from werkzeug.test import TestResponse

GOOD = {"display_name": "Ada Moor", "role": "follower", "password": PASSWORD}
_VARIES = re.compile(r'name="csrf_token" value="[^"]+"|nonce="[^"]+"')


def test_whoever_registers_confirms_the_address_and_signs_in(people: People) -> None:
    browser, email = people.browser(), "ada@post.example"
    answer = register(people, email="  Ada@Post.Example ")
    assert (answer.status_code, answer.location) == (303, "/account/register/sent")
    user = people.find("aurora", email)
    assert user is not None and user.status == UserStatus.PENDING and user.role == Role.FOLLOWER
    link = people.last_link("aurora", email)
    assert browser.get(link).status_code == 200
    assert people.find("aurora", email).status == UserStatus.PENDING, "opening a link must confirm nothing"  # type: ignore[union-attr]
    assert submit(browser, link, page=link).location == "/account/sign-in?told=confirmed"
    assert browser.sign_in(email).status_code == 303
    assert browser.get(link).status_code == 410
    acts = people.acts("aurora", f"user:{user.id}")
    assert acts == ["user.registered", "email.verified"]


def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(people: People) -> None:
    user = people.add()
    known, fresh = register(people, email=user.email), register(people, email="fresh@post.example")
    assert (known.status_code, known.location) == (fresh.status_code, fresh.location)
    assert _VARIES.sub("", known.text) == _VARIES.sub("", fresh.text)
    assert [kind for kind, _ in people.mails("aurora", user.email)] == ["already_registered"]
    assert people.fresh(user).display_name == user.display_name
    assert people.browser().sign_in(user.email).status_code == 303


def test_a_known_address_costs_as_much_as_a_new_one(app: Flask, people: People) -> None:
    """Whoever measures how long the answer takes learns no more than who reads it."""
    work = []
    for email in (people.add().email, "costs@post.example"):
        with counted_statements(app) as statements:
            register(people, email=email)
        work.append([statement.partition(" VALUES ")[0][:60] for statement in statements])
    known, fresh = work
    assert len(known) == len(fresh)
    assert known == [one.replace("RELEASE", "ROLLBACK TO") for one in fresh]


@pytest.mark.parametrize("order", ((0, 1), (1, 0)), ids=("stranger first", "stranger last"))
def test_of_two_who_register_an_address_the_one_who_reads_its_mail_chooses(
    people: People, order: tuple[int, int]
) -> None:
    """Nobody prepares an account for somebody else, who would confirm it with a stranger's password."""
    email, passwords = f"both{order[0]}@post.example", ("a strangers password 1", PASSWORD)
    for who in order:
        register(people, email=email, password=passwords[who])
    link, browser = people.last_link("aurora", email), people.browser()
    bare = submit(browser, link, page=link)
    assert bare.status_code == 422 and "Enter a password." in bare.text
    assert submit(browser, link, {"password": "heron under 9 willows"}, page=link).status_code == 303
    assert [people.browser().sign_in(email, one).status_code for one in passwords] == [422, 422]
    assert people.browser().sign_in(email, "heron under 9 willows").status_code == 303


def test_a_stranger_who_may_cause_no_more_mails_changes_nothing(people: People) -> None:
    """Otherwise the link that somebody has already would confirm what a stranger typed since."""
    email = "quiet@post.example"
    for _ in range(4):
        register(people, email=email)
    link = people.last_link("aurora", email)
    register(people, email=email, display_name="Somebody Else", role="trader")
    user = people.find("aurora", email)
    assert user is not None and (user.display_name, user.role) == ("Ada Moor", Role.FOLLOWER)
    page = people.browser().get(link).text
    assert "Ada Moor" in page and "Follower" in page


def test_one_who_registers_alone_keeps_their_password_at_the_confirmation(people: People) -> None:
    register(people, email="alone@post.example")
    link, browser = people.last_link("aurora", "alone@post.example"), people.browser()
    assert 'type="password"' not in browser.get(link).text
    submit(browser, link, {"password": "another password 17"}, page=link)
    assert browser.sign_in("alone@post.example").status_code == 303


def test_all_that_is_wrong_is_said_at_once_and_what_was_typed_stays(people: People) -> None:
    answer = register(people, email="not an address", display_name="x" * 61, password="short", role="owner")
    assert answer.status_code == 422
    for sentence in (
        "E-mail: an address such as name@example.com is expected.",
        "Name: at most 60 characters are expected, found 61.",
        "Choose whether you want to copy traders or to be copied.",
        "Password: at least 10 characters are expected.",
    ):
        assert sentence in answer.text
    assert 'value="not an address"' in answer.text and "x" * 61 in answer.text
    assert 'value="short"' not in answer.text


@pytest.mark.parametrize(
    ("password", "told"),
    (
        ("1234567890", "is on lists that attackers try first"),
        ("ada.moor-ada.moor", "too much like your name"),
        ("aurora-2026", "too much like your name"),
        ("lkjhgfdsa0987", "easy to guess"),
        ("x" * 129, "at most 128 characters"),
    ),
)
def test_a_password_that_others_know_is_not_taken(people: People, password: str, told: str) -> None:
    answer = register(people, email="ada.m@post.example", password=password)
    assert answer.status_code == 422 and told in answer.text


def test_the_form_speaks_the_visitors_language_about_its_fields(people: People) -> None:
    browser = people.browser()
    answer = browser.get("/account/register", headers={"Accept-Language": "de"})
    assert '<html lang="de"' in answer.text


def test_somebody_who_asks_for_many_mails_gets_a_few(people: People) -> None:
    for _ in range(6):
        register(people, email="many@post.example")
    assert len(people.mails("aurora", "many@post.example")) == 4
    assert people.browser().get(people.last_link("aurora", "many@post.example")).status_code == 200


def test_passwords_are_judged_for_one_network_so_many_times_only(people: People) -> None:
    browser = people.browser()
    typed = {**GOOD, "email": "busy@post.example", "password": "short", "csrf_token": form_token(browser)}
    answers = [browser.post("/account/register", data=typed) for _ in range(22)]
    assert [one.status_code for one in answers] == [422] * 21 + [429]
    assert "Password: at least 10 characters" in answers[20].text
    assert "Wait 10 seconds." in answers[21].text and 'value="busy@post.example"' in answers[21].text


def test_a_brand_that_invites_lets_nobody_register(people: People) -> None:
    browser = people.browser("boreal")
    page = browser.get("/account/register")
    assert page.status_code == 403 and "by invitation" in page.text
    answer = submit(browser, "/account/register", {**GOOD, "email": "in@post.example"})
    assert answer.status_code == 403
    assert people.find("boreal", "in@post.example") is None
    assert "Create an account" not in browser.get("/account/sign-in").text


def test_whoever_is_invited_gets_in_once_under_that_address_only(people: People) -> None:
    link = invited(people, Invitation("guest@post.example", Role.TRADER))
    browser = people.browser("boreal")
    page = browser.get(link)
    assert page.status_code == 200 and "guest@post.example" in page.text
    answer = submit(browser, link, {**GOOD, "email": "other@post.example"}, page=link)
    assert answer.location == "/account/sign-in?told=joined"
    user = people.find("boreal", "guest@post.example")
    assert user is not None and user.role == Role.TRADER and user.status == UserStatus.ACTIVE
    assert people.find("boreal", "other@post.example") is None
    assert submit(browser, link, GOOD).status_code == 410
    assert browser.sign_in("guest@post.example").status_code == 303


def test_invited_staff_get_their_roles_and_need_longer_passwords(people: People) -> None:
    link = invited(people, Invitation("team@post.example", Role.STAFF, ("support", "risk")))
    browser = people.browser("boreal")
    short = submit(browser, link, {**GOOD, "password": "tide lamp 2"}, page=link)
    assert short.status_code == 422 and "at least 12 characters" in short.text
    assert 'value="Ada Moor"' in short.text
    assert submit(browser, link, GOOD, page=link).status_code == 303
    assert [kind for kind, _ in people.mails("boreal", "team@post.example")] == ["invited_staff"]


def test_an_invitation_that_was_taken_back_opens_nothing(people: People) -> None:
    link = invited(people, Invitation("gone@post.example", Role.FOLLOWER))
    at = people.clock.now()
    with people.database.tenant(people.runtime.tenant_ids["boreal"]) as session:
        [one] = [found for found in open_invites(session, at=at) if found.email == "gone@post.example"]
        assert revoke_invite(session, one.id, actor=OPERATOR, at=at)
    assert people.browser("boreal").get(link).status_code == 410


@pytest.mark.parametrize("change", ({"status": "blocked"}, {"role": "follower"}, {}), ids=("blocked", "left", "stays"))
def test_an_invitation_is_worth_what_its_sender_may_give_when_it_is_taken_up(
    people: People, change: dict[str, str]
) -> None:
    sender = staff(people, "administrator")
    email = f"late{sender.id}@post.example"
    link = invited(people, Invitation(email, Role.STAFF, ("administrator",)), by=sender)
    with people.database.tenant(sender.tenant_id) as session:
        session.execute(update(User).where(User.id == sender.id).values({"locale": "en", **change}))
    stands, browser = not change, people.browser("boreal")
    assert browser.get(link).status_code == (200 if stands else 410)
    assert submit(browser, link, GOOD).status_code == (303 if stands else 410)
    assert (people.find("boreal", email) is not None) == stands


def test_an_invitation_to_more_than_its_sender_may_give_by_now_is_over(people: People) -> None:
    sender = staff(people, "owner")
    link = invited(people, Invitation("more@post.example", Role.STAFF, ("owner",)), by=sender)
    with people.database.tenant(sender.tenant_id) as session:
        session.execute(update(StaffGrant).where(StaffGrant.user_id == sender.id).values(role="support"))
    page = people.browser("boreal").get(link)
    assert page.status_code == 410 and "Ask whoever invited you" in page.text


def test_invitations_end_with_the_account_of_who_sent_them(people: People) -> None:
    sender = staff(people, "administrator")
    invited(people, Invitation("orphan@post.example", Role.STAFF, ("support",)), by=sender)
    browser = people.signed_in(sender, "boreal")
    assert submit(browser, "/account/close", {"password": PASSWORD, "understood": "yes"}).status_code == 303
    with people.database.tenant(sender.tenant_id) as session:
        assert [one.email for one in open_invites(session, at=people.clock.now()) if one.invited_by == sender.id] == []
    [number] = invites_of(people, "orphan@post.example")
    assert people.acts("boreal", f"invite:{number}") == ["invite.sent", "invite.revoked"]


def test_links_run_out(people: People) -> None:
    register(people, email="slow@post.example")
    link = people.last_link("aurora", "slow@post.example")
    invitation = invited(people, Invitation("slow@post.example", Role.FOLLOWER))
    people.clock.pass_(hours=25)
    browser = people.browser()
    assert browser.get(link).status_code == 410
    assert submit(browser, link).status_code == 410
    people.clock.pass_(days=7)
    assert people.browser("boreal").get(invitation).status_code == 410


def register(people: People, **typed: str) -> TestResponse:
    return submit(people.browser(), "/account/register", {**GOOD, **typed})


def staff(people: People, role: str) -> User:
    """Store a member of Boreal's staff."""
    user = people.add("boreal", role=Role.STAFF, factor=True)
    with people.database.tenant(user.tenant_id) as session:
        session.add(StaffGrant(tenant_id=user.tenant_id, user_id=user.id, role=role, at=people.clock.at))
    return user


def invites_of(people: People, email: str) -> list[int]:
    with people.database.tenant(people.runtime.tenant_ids["boreal"]) as session:
        return list(session.scalars(select(Invite.id).where(Invite.email == email)))


def invited(people: People, invitation: Invitation, *, by: User | None = None) -> str:
    """Invite somebody to Boreal and return the link in their mail."""
    actor = OPERATOR if by is None else Actor(ActorKind.USER, by.id)
    with people.database.tenant(people.runtime.tenant_ids["boreal"]) as session:
        invite(session, people.runtime.identity_vault, invitation, actor=actor, at=people.clock.now())
    return people.last_link("boreal", invitation.email)
