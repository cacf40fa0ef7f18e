"""Roles of staff: who gives and takes them, what changes at once, and what must always stay."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from access_people import NOW, AccessPeople
from copydesk.audit import read_entries
from copydesk.db import Database
from copydesk.identity import Invite, Role
from copydesk.identity.access import Permission, drop_role, permissions_of, role_lines, store_role
from copydesk.identity.access.people import (
    PeopleFilter,
    block,
    end_sessions_of,
    list_people,
    take_factors_away,
    unblock,
)
from copydesk.identity.access.team import Giver, member, require_may_invite, set_roles, take_up_grants
from copydesk.kernel import InvalidInput, NotFound, NotPermitted, Refused
from sqlalchemy import select

P = Permission


@pytest.fixture
def people(db: Database, request: pytest.FixtureRequest) -> AccessPeople:
    return AccessPeople(db, f"b{abs(hash(request.node.name)) % 10**9}")


def change(people: AccessPeople, giver: Giver, user_id: int, *names: str) -> tuple[str, ...]:
    with people.database.tenant(people.tenant_id) as session:
        return set_roles(session, people.tenant_id, people.seal, giver, user_id, names, at=NOW).roles


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Refused) as found:
        act()
    return found.value.code


def test_a_role_holds_at_the_next_request_and_ends_the_sessions_from_before(people: AccessPeople) -> None:
    owner, mara = people.staff("owner", "owner"), people.staff("mara")
    people.signed_in(mara)
    assert change(people, people.giver(owner), mara, "risk", "support") == ("risk", "support")
    assert people.open_sessions(mara) == 0
    with people.database.tenant(people.tenant_id) as session:
        found = permissions_of(session, mara, "staff")
        assert {P.KILL_SWITCH, P.SUPPORT_WRITE} <= found
        assert not found & {P.STAFF_GRANT, P.KEYS_OWN}
        acts = [(entry.act, entry.after) for entry in read_entries(session, people.tenant_id, subject=f"user:{mara}")]
        assert acts == [("staff.granted", {"role": "support"}), ("staff.granted", {"role": "risk"})]
        assert people.mails(session) == [("staff_changed", "mara")]


def test_other_owners_are_told_of_a_change(people: AccessPeople) -> None:
    owner, _other, mara = people.staff("owner", "owner"), people.staff("other", "owner"), people.staff("mara")
    change(people, people.giver(owner), mara, "risk")
    with people.database.tenant(people.tenant_id) as session:
        assert sorted(people.mails(session)) == [("staff_changed", "mara"), ("staff_changed", "other")]


def test_nobody_changes_their_own_roles(people: AccessPeople) -> None:
    owner = people.staff("owner", "owner")
    people.staff("second", "owner")
    assert refused(lambda: change(people, people.giver(owner), owner, "auditor")) == "own_roles"


def test_nobody_gives_or_takes_a_role_that_permits_more_than_their_own(people: AccessPeople) -> None:
    people.staff("owner", "owner")
    administrator, mara = people.staff("admin", "administrator"), people.staff("mara", "finance")
    giver = people.giver(administrator)
    assert refused(lambda: change(people, giver, mara, "owner")) == "beyond_reach"
    assert refused(lambda: change(people, giver, mara)) == "beyond_reach"
    assert change(people, giver, mara, "finance", "support") == ("finance", "support")


def test_without_the_permission_nobody_gives_anything(people: AccessPeople) -> None:
    auditor, mara = people.staff("auditor", "auditor"), people.staff("mara")
    assert refused(lambda: change(people, people.giver(auditor), mara, "auditor")) == "beyond_reach"


def test_an_end_user_gets_no_role_of_staff(people: AccessPeople) -> None:
    owner, follower = people.staff("owner", "owner"), people.person("fred")
    with pytest.raises(NotFound):
        change(people, people.giver(owner), follower, "support")


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(people: AccessPeople) -> None:
    owner, mara = people.staff("owner", "owner"), people.staff("mara")
    with pytest.raises(InvalidInput) as found:
        change(people, people.giver(owner), mara, "emperor")
    assert "owner, administrator" in str(found.value)
    assert '"emperor"' in str(found.value)


def test_the_last_owner_stays_and_is_not_blocked(people: AccessPeople) -> None:
    owner = people.staff("owner", "owner")
    assert refused(lambda: change(people, people.operator, owner, "auditor")) == "last_owner"
    with people.database.tenant(people.tenant_id) as session:
        assert refused(lambda: block(session, people.tenant_id, people.operator, owner, at=NOW)) == "last_owner"


def test_two_owners_who_demote_each_other_leave_one(people: AccessPeople) -> None:
    first, second = people.staff("first", "owner"), people.staff("second", "owner")
    givers = {second: people.giver(first), first: people.giver(second)}
    start, ends = threading.Barrier(2), []

    def demote(victim: int) -> None:
        start.wait()
        try:
            change(people, givers[victim], victim, "support")
        except Refused as refusal:
            ends.append(refusal.code)
        else:
            ends.append("done")

    threads = [threading.Thread(target=demote, args=(victim,)) for victim in givers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", "last_owner"]


def test_a_brands_own_set_of_permissions_works_like_a_role(people: AccessPeople) -> None:
    owner, mara = people.staff("owner", "owner"), people.staff("mara")
    with people.database.tenant(people.tenant_id) as session:
        store_role(session, people.tenant_id, "night-desk", ["risk:read", "risk:switch"], author_id=owner, at=NOW)
    change(people, people.giver(owner), mara, "night-desk")
    with people.database.tenant(people.tenant_id) as session:
        found = permissions_of(session, mara, "staff")
        assert {P.RISK_READ, P.KILL_SWITCH} <= found and P.USERS_READ not in found
        line = next(line for line in role_lines(session) if line.name == "night-desk")
        assert (line.members, line.own) == (1, True)
        assert refused(lambda: drop_role(session, "night-desk", at=NOW)) == "role_in_use"


@pytest.mark.parametrize(
    ("name", "permissions", "code"),
    [
        ("owner", ["risk:read"], "role_taken"),
        ("operator", ["risk:read"], "role_taken"),
        ("Night Desk", ["risk:read"], "role_name"),
        ("night", [], "permission_none"),
        ("night", ["keys:own"], "permission_foreign"),
        ("night", ["operate"], "permission_foreign"),
        ("night", ["risk:read", "everything"], "permission_foreign"),
    ],
)
def test_a_set_that_cannot_be_is_refused(people: AccessPeople, name: str, permissions: list[str], code: str) -> None:
    with people.database.tenant(people.tenant_id) as session:
        store = lambda: store_role(session, people.tenant_id, name, permissions, author_id=None, at=NOW)  # noqa: E731
        assert refused(store) == code


def test_one_brands_own_role_is_none_of_another(people: AccessPeople, db: Database) -> None:
    other = AccessPeople(db, f"{people.brand}-other")
    with db.tenant(people.tenant_id) as session:
        store_role(session, people.tenant_id, "night-desk", ["risk:read"], author_id=None, at=NOW)
    with db.tenant(other.tenant_id) as session:
        assert "night-desk" not in {line.name for line in role_lines(session)}
        assert refused(lambda: require_may_invite(session, other.operator, ["night-desk"])) == "role_unknown"


def test_staff_of_one_brand_are_nobody_on_another(people: AccessPeople, db: Database) -> None:
    other = AccessPeople(db, f"{people.brand}-other")
    mara = people.staff("mara", "support")
    with db.tenant(other.tenant_id) as session:
        assert not permissions_of(session, mara, "staff") & {P.USERS_READ}
        with pytest.raises(NotFound):
            member(session, mara)


def test_an_accepted_invitation_gives_the_roles_that_still_are(people: AccessPeople) -> None:
    mara = people.staff("mara")
    with people.database.tenant(people.tenant_id) as session:
        actor = people.operator.actor
        take_up_grants(session, people.tenant_id, actor, mara, ["risk", "gone", "support"], at=NOW)
    with people.database.tenant(people.tenant_id) as session:
        assert member(session, mara).roles == ("risk", "support")
        told = [entry.after for entry in read_entries(session, people.tenant_id, act="staff.granted")]
        assert told == [{"role": "support"}, {"role": "risk"}]


def test_a_role_that_somebody_is_invited_with_is_not_removed(people: AccessPeople) -> None:
    owner = people.staff("owner", "owner")
    with people.database.tenant(people.tenant_id) as session:
        store_role(session, people.tenant_id, "night-desk", ["risk:read"], author_id=owner, at=NOW)
    people.invited_by(owner, "support night-desk")
    with people.database.tenant(people.tenant_id) as session:
        assert refused(lambda: drop_role(session, "night-desk", at=NOW)) == "role_invited"
        drop_role(session, "night-desk", at=NOW + timedelta(days=7))


@pytest.mark.parametrize("act", ["block", "take roles", "give roles"])
def test_invitations_end_with_their_senders_right_to_vouch(people: AccessPeople, act: str) -> None:
    owner, mara = people.staff("owner", "owner"), people.staff("mara", "administrator")
    number, others = people.invited_by(mara, "support"), people.invited_by(owner, "support")
    if act == "block":
        with people.database.tenant(people.tenant_id) as session:
            block(session, people.tenant_id, people.giver(owner), mara, at=NOW)
    else:
        change(people, people.giver(owner), mara, *(["auditor"] if act == "take roles" else ["administrator", "risk"]))
    with people.database.tenant(people.tenant_id) as session:
        standing = session.scalars(select(Invite.id).where(Invite.revoked_at.is_(None)).order_by(Invite.id)).all()
        told = [entry.subject for entry in read_entries(session, people.tenant_id, act="invite.revoked")]
    assert (list(standing), told) == (
        ([number, others], []) if act == "give roles" else ([others], [f"invite:{number}"])
    )


def test_a_blocked_person_is_signed_out_and_can_be_let_in_again(people: AccessPeople) -> None:
    owner, fred = people.staff("owner", "owner"), people.person("fred")
    people.signed_in(fred)
    with people.database.tenant(people.tenant_id) as session:
        assert block(session, people.tenant_id, people.giver(owner), fred, at=NOW).status == "blocked"
    assert people.open_sessions(fred) == 0
    with people.database.tenant(people.tenant_id) as session:
        again = lambda: block(session, people.tenant_id, people.giver(owner), fred, at=NOW)  # noqa: E731
        assert refused(again) == "wrong_state"
        assert unblock(session, people.tenant_id, people.giver(owner), fred, at=NOW).status == "active"


def test_staff_act_on_nobody_who_may_do_more_and_not_on_themselves(people: AccessPeople) -> None:
    owner, compliance = people.staff("owner", "owner"), people.staff("compliance", "compliance")
    operator, fred = people.person("ops", Role.OPERATOR), people.person("fred")
    giver = people.giver(compliance)
    with people.database.tenant(people.tenant_id) as session:
        for victim, code in ((owner, "beyond_reach"), (operator, "beyond_reach"), (compliance, "own_account")):
            assert refused(lambda v=victim: end_sessions_of(session, people.tenant_id, giver, v, at=NOW)) == code
        assert end_sessions_of(session, people.tenant_id, giver, fred, at=NOW) == 0


def test_looking_at_people_is_recorded_without_what_was_searched_for(people: AccessPeople) -> None:
    owner = people.staff("owner", "owner")
    people.person("fred")
    people.person("f_ed")
    with people.database.tenant(people.tenant_id) as session:
        wanted = PeopleFilter(search="F_ED@", role="follower")
        found = list_people(session, people.tenant_id, people.giver(owner), wanted, at=NOW)
        assert [person.display_name for person in found] == ["F_Ed"]
        (entry,) = read_entries(session, people.tenant_id, act="users.listed")
        assert entry.after == {"role": "follower", "status": "", "searched": True, "shown": 1}
        assert entry.actor.user_id == owner


def test_who_lost_every_factor_is_signed_out_told_and_held(people: AccessPeople) -> None:
    mara = people.staff("mara", "support")
    people.signed_in(mara)
    with people.database.tenant(people.tenant_id) as session:
        take_factors_away(session, people.tenant_id, people.seal, people.operator, mara, at=NOW)
        assert people.mails(session) == [("factor_removed", "mara")]
        acts = {entry.act for entry in read_entries(session, people.tenant_id, subject=f"user:{mara}")}
        assert acts == {"factors.erased"}
    assert people.open_sessions(mara) == 0


def test_only_who_could_give_a_role_invites_with_it(people: AccessPeople) -> None:
    administrator = people.staff("admin", "administrator")
    with people.database.tenant(people.tenant_id) as session:
        giver = people.giver(administrator)
        require_may_invite(session, giver, ["support"])
        with pytest.raises(NotPermitted):
            require_may_invite(session, giver, ["owner"])
        assert refused(lambda: require_may_invite(session, giver, [])) == "role_none"
