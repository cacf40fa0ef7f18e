"""Which role may do what: the separations that must hold, whatever else is added."""

from __future__ import annotations

import pytest
from copydesk.identity import Role
from copydesk.identity.access import GRANTABLE, ROLE_PERMISSIONS, STAFF_ROLES, Permission, within_reach
from copydesk.identity.access.permissions import EVERYBODY, OPERATOR, SIGNED_IN, STAFF, TRADING, permissions_of_roles

P = Permission
NOT_STAFF = ("follower", "trader")
OF_PLATFORM = frozenset({P.SETTINGS_WRITE, P.SETTINGS_READ, P.FEES_WRITE, P.PAYOUTS_WRITE, P.KILL_SWITCH, P.OPERATE})
OF_FOLLOWERS = frozenset({P.USERS_READ, P.RISK_READ, P.RISK_OWN, P.SUBSCRIPTIONS_OWN, P.SUPPORT_READ, P.AUDIT_READ})


def test_nobody_has_only_what_is_everybodys() -> None:
    assert permissions_of_roles("", ()) == EVERYBODY == {P.PUBLIC, P.VISIT}


def test_a_trader_cannot_reach_what_is_a_followers() -> None:
    assert not ROLE_PERMISSIONS["trader"] & OF_FOLLOWERS


def test_a_follower_cannot_reach_what_is_a_traders_or_the_brands() -> None:
    assert not ROLE_PERMISSIONS["follower"] & (GRANTABLE | OF_PLATFORM | {P.STRATEGIES_OWN, P.PAYOUTS_OWN})


@pytest.mark.parametrize("role", NOT_STAFF)
def test_end_users_change_nothing_of_the_platform(role: str) -> None:
    assert not ROLE_PERMISSIONS[role] & (OF_PLATFORM | {P.STAFF_AREA, P.STAFF_GRANT, P.ALLOWLIST_WRITE})


@pytest.mark.parametrize("role", [*STAFF_ROLES, "operator"])
def test_nobody_of_the_staff_can_trade_or_hold_keys(role: str) -> None:
    assert not ROLE_PERMISSIONS[role] & TRADING


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_no_role_of_a_brand_operates_the_platform(role: str) -> None:
    assert P.OPERATE not in ROLE_PERMISSIONS[role]


def test_a_brands_own_set_can_hold_nothing_that_trades_and_nothing_of_the_platform() -> None:
    assert not GRANTABLE & (TRADING | SIGNED_IN | {P.OPERATE, P.STAFF_AREA})


def test_the_auditor_changes_nothing() -> None:
    assert all(permission.endswith(":read") for permission in STAFF_ROLES["auditor"])


def test_only_an_owner_has_every_permission_of_a_brand() -> None:
    assert [name for name, permissions in STAFF_ROLES.items() if permissions == GRANTABLE] == ["owner"]


def test_whoever_may_write_may_read_the_same() -> None:
    for name, permissions in STAFF_ROLES.items():
        for permission in permissions:
            read = f"{permission.partition(':')[0]}:read"
            if permission.endswith(":write") and read in set(Permission):
                assert name == "finance" or Permission(read) in permissions, (name, permission)


def test_grants_count_for_staff_only() -> None:
    for role in Role:
        found = permissions_of_roles(role, [GRANTABLE])
        assert (found >= GRANTABLE) is (role is Role.STAFF)


def test_a_grant_of_what_cannot_be_granted_permits_nothing() -> None:
    assert permissions_of_roles("staff", [TRADING | {P.OPERATE}]) == STAFF


def test_nobody_gives_more_than_they_have() -> None:
    administrator = ROLE_PERMISSIONS["administrator"]
    assert within_reach(administrator, STAFF_ROLES["support"])
    assert not within_reach(administrator, STAFF_ROLES["owner"])
    assert not within_reach(ROLE_PERMISSIONS["auditor"], STAFF_ROLES["auditor"])
    assert within_reach(OPERATOR, STAFF_ROLES["owner"])


def test_every_permission_is_somebodys() -> None:
    assert frozenset().union(*ROLE_PERMISSIONS.values()) == set(Permission)
