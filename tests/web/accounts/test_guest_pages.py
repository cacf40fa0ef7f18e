"""What a guest may do and may not, how the account is kept, what is left before going live, and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from account_people import PASSWORD, Browser, MovingClock, People
from copydesk.audit import OPERATOR, Actor, ActorKind
from copydesk.guests.ending import PATIENCE, Ended, due_guests, end_guest
from copydesk.guests.tables import GuestDemo
from copydesk.identity import User, UserStatus
from copydesk.identity.legal import Draft, LegalKind, publish
from copydesk.kernel import Refused
from copydesk.keys import Handed, NewIntake
from copydesk.keys.connect import hand_in
from copydesk.notices.leaving import forget_reader
from copydesk.replication.room import BeyondTerms, require_terms
from copydesk.replication.tables import Strategy, Subscription
from copydesk.studio.tables import StrategyTerms
from copydesk.trading import Environment
from copydesk.vault import Account
from copydesk.workers.clerk_guests import Departures
from flask import Flask
from form_posts import submit
from guest_people import PaperLab, begun, connected, copies, user_of, worker_of
from site_seed import FakeRuntime
from sqlalchemy import delete, select, text, update


@pytest.fixture(scope="module")
def runtime(runtime: FakeRuntime) -> FakeRuntime:
    made = replace(runtime, lab_door=PaperLab())
    made.intake_opener.ready()
    return made


@pytest.fixture
def guest(people: People) -> Browser:
    """Somebody who has just begun a demo whose key was accepted."""
    return begun(people)


@pytest.mark.parametrize(
    "path",
    (
        *("/account/factors", "/account/factors/totp", "/account/password", "/account/close"),
        *("/account/allowlist", "/keys/new/okx/enter"),
    ),
)
def test_what_stands_on_an_address_or_a_factor_leads_a_guest_to_keeping(guest: Browser, path: str) -> None:
    answer = guest.get(path)
    assert answer.status_code == 303 and answer.location.startswith("/guest/keep?next=")
    assert "no second factor" in guest.get(answer.location).text
    refused = submit(guest, path)
    assert refused.status_code == 405 or (refused.status_code == 403 and "Keep the account first" in refused.text)


def test_a_guest_sees_what_followers_see_though_the_brand_wants_a_factor(guest: Browser) -> None:
    for path in ("/account", "/keys", "/account/sessions", "/account/statements", "/account/export"):
        assert guest.get(path).status_code == 200, path
    page = guest.get("/account").text
    assert "Keep this account" in page and "kept until" in page and "Sign out" not in page


def test_a_guest_is_no_staff_and_no_trader(guest: Browser) -> None:
    for path in ("/staff", "/risk", "/panel", "/studio", "/terminal"):
        assert guest.get(path).status_code in {303, 403}, path


def test_a_guest_with_an_account_signs_in_and_is_told_what_is_left_behind(guest: Browser, people: People) -> None:
    assert "leaves your demo behind" in guest.get("/account/sign-in").text
    member = people.add(factor=True)
    assert guest.sign_in(member.email).status_code == 303
    assert "kept until" not in guest.get("/").text


def test_a_guest_never_connects_a_real_account(guest: Browser, people: People) -> None:
    user = user_of(people)
    actor, runtime = Actor(ActorKind.USER, user.id), people.runtime
    with people.database.tenant(user.tenant_id) as session, pytest.raises(Refused) as refused:
        new = NewIntake(user.id, "okx", Environment.LIVE, "Real")
        hand_in(session, runtime.intake, new, Handed("k" * 36, "s" * 32), actor=actor, at=people.clock.at)
    assert refused.value.code == "guest"


def test_a_network_opens_so_many_demos_a_day(people: People, clock: MovingClock) -> None:
    many = people.browser()
    assert submit(many, "/guest").status_code == 303
    many.delete_cookie("session", domain=many.host)
    with people.database.tenant(people.runtime.tenant_ids["aurora"]) as session:
        session.execute(text("UPDATE sign_in_throttle SET failures = 20 WHERE scope = 'guest_network'"))
    assert submit(many, "/guest").status_code == 303, "the last that is free"
    many.delete_cookie("session", domain=many.host)
    late = submit(many, "/guest")
    assert late.status_code == 429 and "from your network" in late.text and int(late.headers["Retry-After"]) > 60
    assert submit(people.browser(), "/guest").status_code == 303
    clock.pass_(days=1, hours=1)
    assert submit(many, "/guest").status_code == 303


def test_a_kept_account_is_registered_with_all_that_it_copies(guest: Browser, people: People) -> None:
    user, email = user_of(people), "kept@post.example"
    subscription = copies(people, user, connected(people, user))
    wanted = {"email": "Kept@Post.Example", "password": PASSWORD}
    assert submit(guest, "/guest/keep", wanted, page="/guest/keep").location == "/guest/keep/sent"
    assert people.find("aurora", email) is None, "nothing changes before the address's owner says so"
    link = people.last_link("aurora", email)
    other = people.browser()
    assert email in other.get(link).text and people.find("aurora", email) is None
    answer = submit(other, link, page=link)
    assert answer.location == "/account/sign-in?told=confirmed&next=%2Fguest%2Flive"
    kept = people.fresh(user)
    assert (kept.email, kept.guest_until, kept.status) == (email, None, UserStatus.ACTIVE)
    assert kept.email_verified_at == people.clock.at
    assert guest.get("/keys").location.startswith("/account/sign-in"), "the demo's browser signs in anew"
    assert other.get(link).status_code == 410
    assert other.sign_in(email).status_code == 303
    assert other.get("/keys").location.startswith("/account/factors"), "from now on a second factor is wanted"
    assert "Dawn Runner" in other.get("/guest/live").text
    with people.database.tenant(user.tenant_id) as session:
        assert session.get_one(Subscription, (user.tenant_id, subscription)).state == "synced"
    assert people.acts("aurora", f"user:{user.id}")[:3] == ["guest.opened", "guest.keep_asked", "guest.kept"]


def test_an_address_that_has_an_account_is_told_to_its_owner_only(guest: Browser, people: People) -> None:
    owner = people.add()
    answer = submit(guest, "/guest/keep", {"email": owner.email, "password": PASSWORD}, page="/guest/keep")
    assert answer.location == "/guest/keep/sent"
    assert [kind for kind, _ in people.mails("aurora", owner.email)] == ["already_registered"]
    assert people.fresh(owner).password_hash == owner.password_hash
    assert user_of(people).guest_until is not None


def test_who_never_confirmed_an_address_gives_way_to_who_reads_its_mail(guest: Browser, people: People) -> None:
    email = "claimed@post.example"
    squatter = people.add(email=email, status=UserStatus.PENDING.value)
    user = user_of(people)
    submit(guest, "/guest/keep", {"email": email, "password": PASSWORD}, page="/guest/keep")
    link = people.last_link("aurora", email)
    assert submit(people.browser(), link, page=link).status_code == 303
    assert people.fresh(user).email == email
    assert people.fresh(squatter).status == UserStatus.CLOSED


def test_a_form_that_is_wrong_keeps_what_was_typed(guest: Browser) -> None:
    answer = submit(guest, "/guest/keep", {"email": "no address", "password": "short"}, page="/guest/keep")
    assert answer.status_code == 422
    assert 'value="no address"' in answer.text and "name@example.com" in answer.text and "At least" in answer.text


def test_an_invited_brand_lets_guests_in_but_keeps_none(people: People) -> None:
    browser = begun(people, "boreal")
    assert "by invitation" in browser.get("/guest/keep").text
    answer = submit(browser, "/guest/keep", {"email": "a@post.example", "password": PASSWORD})
    assert answer.status_code == 403


def test_the_checklist_names_what_is_left_and_carries_the_terms_over(guest: Browser, people: People) -> None:
    user = user_of(people)
    copies(people, user, connected(people, user))
    page = guest.get("/guest/live").text
    assert page.count("check--done") == 0 and "750.00" in page and "1.2" in page and "Copy it on the same" not in page
    with people.database.tenant(user.tenant_id) as session:
        known = {"guest_until": None, "email": "going@post.example", "email_verified_at": people.clock.at}
        known |= {"password_hash": people.runtime.hashing.hash(PASSWORD)}
        session.execute(update(User).where(User.id == user.id).values(known))
    own = connected(people, user, demo=False)
    browser = people.browser()
    browser.sign_in("going@post.example")
    page = browser.get("/guest/live").text
    assert page.count("check--done") == 2 and "/account/factors" in page, "the second factor is still to come"
    done = people.add(factor=True)
    with people.database.tenant(user.tenant_id) as session:
        session.execute(
            text("UPDATE totp_secret SET user_id = :to WHERE user_id = :of"), {"to": user.id, "of": done.id}
        )
    people.set_session(user, factor="totp")
    page = browser.get("/guest/live").text
    assert page.count("check--done") == 3
    assert f"/strategies/dawn/copy?account={own}&amp;amount=750&amp;sizing=equity_ratio" in page


def test_who_never_had_a_demo_has_no_way_from_it(people: People) -> None:
    assert people.signed_in(people.add(factor=True)).get("/guest/live").status_code == 404


def test_a_demo_whose_time_is_up_closes_what_it_copies_and_is_forgotten(
    guest: Browser, people: People, clock: MovingClock
) -> None:
    user = user_of(people)
    account = connected(people, user)
    subscription = copies(people, user, account)
    assert swept(people, user) == Ended(), "nobody before their time"
    clock.pass_(days=30, minutes=1)
    assert swept(people, user).leaving
    assert people.fresh(user).status == UserStatus.ACTIVE and swept(people, user) == Ended()
    with people.database.tenant(user.tenant_id) as session:
        one = session.get_one(Subscription, (user.tenant_id, subscription))
        assert (one.state, one.end_mode) == ("ending", "close_now")
        one.state = "ended"
    assert [key.account_id for key in swept(people, user).keys] == [account]
    gone = people.fresh(user)
    assert (gone.status, gone.guest_until, gone.display_name) == (UserStatus.CLOSED, None, "–")
    with people.database.tenant(user.tenant_id) as session:
        assert session.get(GuestDemo, (user.tenant_id, user.id)) is None
        assert session.get_one(Account, (user.tenant_id, account)).sealed_key is None


def test_the_worker_looks_every_ten_minutes_and_not_at_its_start(
    guest: Browser, people: People, clock: MovingClock
) -> None:
    user, runtime = user_of(people), worker_of(people)
    departures = Departures(runtime, clock, threading.Event())
    account = connected(people, user)
    clock.pass_(days=30)
    assert departures.look() >= 1 and people.fresh(user).status == UserStatus.CLOSED
    with people.database.tenant(user.tenant_id) as session:
        assert session.get_one(Account, (user.tenant_id, account)).sealed_key is None
    begun(people)
    late = user_of(people)
    with people.database.tenant(late.tenant_id) as session:
        session.execute(update(User).where(User.id == late.id).values(guest_until=clock.at))
    assert departures.look() == 0, "too soon"
    clock.pass_(minutes=10)
    assert departures.look() == 1
    runtime.close()


def test_what_does_not_close_in_two_days_is_left_to_the_simulated_exchange(
    guest: Browser, people: People, clock: MovingClock
) -> None:
    user = user_of(people)
    copies(people, user, connected(people, user))
    clock.pass_(days=30, minutes=1)
    assert swept(people, user).leaving
    clock.at += PATIENCE + timedelta(minutes=1)
    swept(people, user)
    assert people.fresh(user).status == UserStatus.CLOSED


def test_a_guest_may_end_the_demo_at_once(guest: Browser, people: People) -> None:
    user = user_of(people)
    answer = submit(guest, "/guest/end")
    assert answer.location == "/" and guest.get("/keys").location.startswith("/account/sign-in")
    assert swept(people, user).closed and people.fresh(user).status == UserStatus.CLOSED


def test_guests_take_nobodys_place_and_need_none(people: People) -> None:
    begun(people)
    guest = user_of(people)
    with people.database.tenant(guest.tenant_id) as session:
        session.execute(update(Subscription).values(state="ended"))
    copies(people, guest, connected(people, guest))
    follower, late = people.add(), people.add()
    with people.database.tenant(guest.tenant_id) as session:
        strategy = session.scalars(select(Strategy)).one()
        terms = StrategyTerms(tenant_id=guest.tenant_id, strategy_id=strategy.id, followers_max=1, shows={})
        terms.profit_share, terms.min_allocation, terms.submitted_at = Decimal(0), Decimal(10), people.clock.at
        session.add(terms)
    own, another = connected(people, follower, demo=False), connected(people, late, demo=False)
    room_for(people, strategy, own)
    copies(people, follower, own)
    with pytest.raises(BeyondTerms):
        room_for(people, strategy, another)
    begun(people)
    newest = user_of(people)
    room_for(people, strategy, connected(people, newest))
    with people.database.tenant(guest.tenant_id) as session:
        session.execute(delete(StrategyTerms))


def room_for(people: People, strategy: Strategy, account_id: int) -> None:
    with people.database.tenant(strategy.tenant_id) as session:
        require_terms(session, strategy.id, account_id, Decimal(100))


@pytest.fixture
def texts(people: People, app: Flask) -> Iterator[int]:
    """Boreal asks to agree to its terms."""
    tenant_id = people.runtime.tenant_ids["boreal"]
    with people.database.tenant(tenant_id) as session:
        draft = Draft(LegalKind.TERMS, {"en": "# Terms\n\nBe fair."}, material=True)
        version = publish(session, tenant_id, draft, actor=OPERATOR, author="Mara", at=people.clock.at)
    app.extensions["copydesk_legal"].forget(tenant_id)
    yield version.id


def test_texts_are_agreed_to_by_the_button_of_a_short_page(people: People, texts: int) -> None:
    browser = people.browser("boreal")
    assert submit(browser, "/guest", {"next": "/desk"}).location == "/guest?next=%2Fdesk"
    page = browser.get("/guest?next=/desk").text
    assert "I agree to these texts" in page and f'value="{texts}"' in page and "/legal/terms/1" in page
    assert submit(browser, "/guest", {"legal": "999"}).status_code == 422
    assert submit(browser, "/guest", {"legal": str(texts)}, page="/guest").status_code == 303
    user = user_of(people, "boreal")
    with people.database.tenant(user.tenant_id) as session:
        via = session.scalars(text("SELECT via FROM legal_acceptance WHERE user_id = :id"), {"id": user.id}).one()
    assert (via, user.legal_accepted_id) == ("guest", texts)


def swept(people: People, user: User) -> Ended:
    """Do what the worker does about somebody's demo."""
    with people.database.tenant(user.tenant_id) as session:
        due = user.id in due_guests(session, at=people.clock.at)
    with people.database.tenant(user.tenant_id) as session:
        return end_guest(session, user.id, forget_reader, at=people.clock.at) if due else Ended()
