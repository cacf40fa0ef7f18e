"""From where accounts may be used: nobody locks themselves out, and a list says no to everything else."""

from __future__ import annotations

import pytest
from access_people import IP, NOW, AccessPeople
from copydesk.db import Database
from copydesk.identity.access import allow_network, allowed_networks, allows_address, clear_networks, forbid_network
from copydesk.identity.access.networks import NETWORKS_MAX
from copydesk.kernel import NotFound, Refused

ELSEWHERE = "198.51.100.9"


@pytest.fixture
def people(db: Database, request: pytest.FixtureRequest) -> AccessPeople:
    return AccessPeople(db, f"b{abs(hash(request.node.name)) % 10**9}")


def allow(people: AccessPeople, user_id: int | None, network: str, *, own_ip: str = IP, note: str = "") -> int:
    with people.database.tenant(people.tenant_id) as session:
        added = allow_network(
            session, people.tenant_id, user_id, network, note=note, own_ip=own_ip, author_id=user_id, at=NOW
        )
        return added.id


def lets_in(people: AccessPeople, user_id: int, role: str, ip: str) -> bool:
    with people.database.tenant(people.tenant_id) as session:
        return allows_address(session, user_id, role=role, ip=ip)


def test_without_a_list_every_address_is_allowed(people: AccessPeople) -> None:
    assert lets_in(people, people.person("fred"), "follower", ELSEWHERE)


def test_with_a_list_only_what_lies_in_it_is(people: AccessPeople) -> None:
    fred, anna = people.person("fred"), people.person("anna")
    allow(people, fred, "203.0.113.0/24")
    allow(people, fred, "2001:db8::/48")
    found = [lets_in(people, fred, "follower", ip) for ip in (IP, "2001:db8::7", ELSEWHERE, "2001:db9::7", "")]
    assert found == [True, True, False, False, False]
    assert lets_in(people, anna, "follower", ELSEWHERE)


def test_staff_need_both_their_own_list_and_the_brands(people: AccessPeople) -> None:
    mara, fred = people.staff("mara"), people.person("fred")
    allow(people, None, "203.0.113.0/24")
    assert not lets_in(people, mara, "staff", ELSEWHERE)
    assert lets_in(people, fred, "follower", ELSEWHERE)
    allow(people, mara, "203.0.113.128/25", own_ip="203.0.113.200")
    assert [lets_in(people, mara, "staff", ip) for ip in (IP, "203.0.113.200")] == [False, True]


@pytest.mark.parametrize(
    ("network", "own_ip", "code"),
    [
        ("198.51.100.0/24", IP, "locks_out"),
        ("office", IP, "network_unreadable"),
        ("0.0.0.0/0", IP, "network_wide"),
    ],
)
def test_what_would_lock_out_or_is_no_network_is_not_added(
    people: AccessPeople, network: str, own_ip: str, code: str
) -> None:
    fred = people.person("fred")
    with pytest.raises(Refused) as refused:
        allow(people, fred, network, own_ip=own_ip)
    assert refused.value.code == code
    assert lets_in(people, fred, "follower", ELSEWHERE)


def test_the_entry_that_lets_one_in_is_not_removed_before_the_others(people: AccessPeople) -> None:
    fred = people.person("fred")
    here, elsewhere = allow(people, fred, "203.0.113.0/24"), allow(people, fred, ELSEWHERE)
    with people.database.tenant(people.tenant_id) as session:
        with pytest.raises(Refused) as refused:
            forbid_network(session, fred, here, own_ip=IP, author_id=fred)
        assert refused.value.code == "locks_out"
        forbid_network(session, fred, elsewhere, own_ip=IP, author_id=fred)
        forbid_network(session, fred, here, own_ip=IP, author_id=fred)
        assert allowed_networks(session, fred) == []


def test_an_entry_of_another_list_is_not_there(people: AccessPeople) -> None:
    fred, anna = people.person("fred"), people.person("anna")
    entry = allow(people, fred, IP)
    with people.database.tenant(people.tenant_id) as session:
        for other in (anna, None):
            with pytest.raises(NotFound):
                forbid_network(session, other, entry, own_ip=IP, author_id=other)


def test_the_same_network_twice_a_long_note_and_a_full_list_are_refused(people: AccessPeople) -> None:
    fred = people.person("fred")
    allow(people, fred, "203.0.113.0/24")
    for network, note, code in (("203.0.113.9/24", "", "network_listed"), (IP, "x" * 81, "note_long")):
        with pytest.raises(Refused) as refused:
            allow(people, fred, network, note=note)
        assert refused.value.code == code
    for number in range(NETWORKS_MAX - 1):
        allow(people, fred, f"10.0.{number}.0/24")
    with pytest.raises(Refused) as refused:
        allow(people, fred, "10.1.0.0/24")
    assert refused.value.code == "networks_full"


def test_who_locked_themselves_out_is_let_in_by_emptying_the_list(people: AccessPeople) -> None:
    fred = people.person("fred")
    allow(people, fred, IP)
    with people.database.tenant(people.tenant_id) as session:
        assert clear_networks(session, fred) == 1
    assert lets_in(people, fred, "follower", ELSEWHERE)
