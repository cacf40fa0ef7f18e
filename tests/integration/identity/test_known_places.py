"""New places: the first is believed, every other is asked about, and acts rest until it is answered."""

from __future__ import annotations

from datetime import timedelta

import pytest
from access_people import IP, NOW, AccessPeople
from copydesk.audit import Actor, ActorKind, read_entries
from copydesk.db import Database
from copydesk.identity import Role, User
from copydesk.identity.access import (
    HoldReason,
    Permission,
    Place,
    SignedIn,
    awaited_place,
    confirm_place,
    holds_of,
    note_sign_in,
    place_hold,
    places_of,
    resting,
)
from copydesk.kernel import NotFound
from sqlalchemy import select

LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
ELSEWHERE = "198.51.100.9"
DAY = timedelta(hours=24)


@pytest.fixture
def people(db: Database, request: pytest.FixtureRequest) -> AccessPeople:
    return AccessPeople(db, f"b{abs(hash(request.node.name)) % 10**9}")


def sign_in(
    people: AccessPeople, user_id: int, ip: str = IP, agent: str = LINUX, *, later: timedelta = DAY * 0
) -> Place:
    with people.database.tenant(people.tenant_id) as session:
        return note_sign_in(session, people.tenant_id, people.seal, SignedIn(user_id, ip, agent), at=NOW + later)


def held(people: AccessPeople, user_id: int, *, later: timedelta = DAY * 0) -> bool:
    with people.database.tenant(people.tenant_id) as session:
        holds = holds_of(session, user_id)
        told = session.scalars(select(User.held_until).where(User.id == user_id)).one()
    found = resting(Permission.KEYS_OWN, holds, NOW + later) is not None
    assert found is (told is not None and NOW + later < told)
    return found


def token(people: AccessPeople) -> str:
    return people.told_links()[-1].removeprefix("/account/location/")


def confirm(people: AccessPeople, secret: str, *, later: timedelta = DAY * 0) -> None:
    with people.database.tenant(people.tenant_id) as session:
        confirm_place(session, people.tenant_id, secret, Actor(ActorKind.NOBODY), at=NOW + later)


def test_the_first_place_is_believed_and_tells_nobody(people: AccessPeople) -> None:
    fred = people.person("fred")
    place = sign_in(people, fred)
    assert (place.new, place.confirmed_at) == (False, NOW)
    assert not held(people, fred)
    assert people.told_links() == []


@pytest.mark.parametrize(("ip", "agent"), [("203.0.113.250", LINUX), (IP, LINUX.replace("140", "141"))])
def test_a_neighboring_address_and_a_newer_browser_are_the_same_place(
    people: AccessPeople, ip: str, agent: str
) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    assert not sign_in(people, fred, ip, agent, later=timedelta(hours=1)).new
    assert not held(people, fred)


@pytest.mark.parametrize(("ip", "agent"), [(ELSEWHERE, LINUX), (IP, WINDOWS), ("2001:db8::1", LINUX)])
def test_another_network_or_browser_is_asked_about_and_acts_rest(people: AccessPeople, ip: str, agent: str) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    assert sign_in(people, fred, ip, agent).new
    assert held(people, fred)
    assert not held(people, fred, later=DAY)
    with people.database.tenant(people.tenant_id) as session:
        assert people.mails(session) == [("new_location", "fred")]


def test_the_link_frees_what_rests_and_works_once(people: AccessPeople) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    sign_in(people, fred, ELSEWHERE)
    secret = token(people)
    with people.database.tenant(people.tenant_id) as session:
        assert awaited_place(session, secret, at=NOW).network == "198.51.100.0/24"
    assert held(people, fred)
    confirm(people, secret)
    assert not held(people, fred)
    assert not sign_in(people, fred, ELSEWHERE).new
    with pytest.raises(NotFound):
        confirm(people, secret)
    with people.database.tenant(people.tenant_id) as session:
        assert {place.confirmed_at for place in places_of(session, fred)} == {NOW}
        assert [entry.act for entry in read_entries(session, people.tenant_id)] == ["location.confirmed"]


def test_a_link_that_is_too_old_or_made_up_frees_nothing(people: AccessPeople) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    sign_in(people, fred, ELSEWHERE)
    for secret, later in ((token(people), DAY), ("made-up", DAY * 0), ("", DAY * 0)):
        with pytest.raises(NotFound):
            confirm(people, secret, later=later)
    assert held(people, fred)


def test_a_link_frees_its_own_place_only(people: AccessPeople) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    sign_in(people, fred, ELSEWHERE)
    secret = token(people)
    sign_in(people, fred, IP, WINDOWS)
    confirm(people, secret)
    assert held(people, fred)
    confirm(people, token(people))
    assert not held(people, fred)


def test_a_confirmed_place_does_not_end_the_hold_of_a_reset_password(people: AccessPeople) -> None:
    fred = people.person("fred")
    sign_in(people, fred)
    with people.database.tenant(people.tenant_id) as session:
        place_hold(session, people.tenant_id, fred, HoldReason.PASSWORD_RESET, at=NOW)
    sign_in(people, fred, ELSEWHERE, later=timedelta(hours=2))
    confirm(people, token(people), later=timedelta(hours=2))
    assert held(people, fred, later=timedelta(hours=2))
    assert not held(people, fred, later=DAY)


def test_owners_are_told_of_a_new_place_of_staff_but_not_of_a_followers(people: AccessPeople) -> None:
    people.staff("owner", "owner")
    mara, fred = people.staff("mara", "support"), people.person("fred")
    for user in (mara, fred):
        sign_in(people, user)
        sign_in(people, user, ELSEWHERE)
    with people.database.tenant(people.tenant_id) as session:
        told = people.mails(session)
    assert told == [("new_location", "mara"), ("new_location_staff", "owner"), ("new_location", "fred")]


def test_one_brands_link_is_nothing_on_another(people: AccessPeople, db: Database) -> None:
    other = AccessPeople(db, f"{people.brand}-other")
    fred = people.person("fred", Role.TRADER)
    sign_in(people, fred)
    sign_in(people, fred, ELSEWHERE)
    secret = token(people)
    with pytest.raises(NotFound):
        confirm(other, secret)
    assert held(people, fred)
