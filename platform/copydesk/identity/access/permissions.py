"""What somebody may be permitted to do, and which permissions come with which role. Pure.

Every view declares one permission (`web.access.needs`). Nothing is permitted because of a role's name: a role is a set
of permissions, and a brand may name sets of its own out of `GRANTABLE`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from enum import StrEnum


class Permission(StrEnum):
    """One thing that may be done. The word before the colon is what it is about, the one after it what is done.

    `PUBLIC` and `VISIT` are everybody's: a page for all, and the doors of accounts (sign-in, registration, links out of
    mails). `SECOND_STEP` is held by whoever gave the right password, before the second factor. What ends in `:own`
    reaches nobody else's rows, whoever holds it.
    """

    PUBLIC = "public"
    VISIT = "visit"
    SECOND_STEP = "second_step"
    ACCOUNT_OWN = "account:own"
    FACTORS_OWN = "factors:own"
    ADDRESSES_OWN = "addresses:own"
    KEYS_OWN = "keys:own"
    SUBSCRIPTIONS_OWN = "subscriptions:own"
    STRATEGIES_OWN = "strategies:own"
    RISK_OWN = "risk:own"
    PAYOUTS_OWN = "payouts:own"
    RISK_READ = "risk:read"
    RISK_WRITE = "risk:write"
    KILL_SWITCH = "risk:switch"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    SUPPORT_READ = "support:read"
    SUPPORT_WRITE = "support:write"
    STRATEGIES_REVIEW = "strategies:review"
    COMPLIANCE_READ = "compliance:read"
    COMPLIANCE_WRITE = "compliance:write"
    FINANCE_READ = "finance:read"
    FEES_WRITE = "fees:write"
    PAYOUTS_WRITE = "payouts:write"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    STAFF_AREA = "staff:area"
    STAFF_READ = "staff:read"
    STAFF_GRANT = "staff:grant"
    ALLOWLIST_WRITE = "allowlist:write"
    AUDIT_READ = "audit:read"
    OPERATE = "operate"


P = Permission
EVERYBODY = frozenset({P.PUBLIC, P.VISIT})
SIGNED_IN = EVERYBODY | {P.SECOND_STEP, P.ACCOUNT_OWN, P.FACTORS_OWN, P.ADDRESSES_OWN}
FOLLOWER = SIGNED_IN | {P.KEYS_OWN, P.SUBSCRIPTIONS_OWN, P.RISK_OWN}
TRADER = SIGNED_IN | {P.KEYS_OWN, P.STRATEGIES_OWN, P.PAYOUTS_OWN}
# What all staff have, whatever they were granted: the front page of the staff pages, which lists the rest.
STAFF = SIGNED_IN | {P.STAFF_AREA}

# What trades or holds keys. Nobody who looks after other people's accounts has any of it.
TRADING = frozenset({P.KEYS_OWN, P.SUBSCRIPTIONS_OWN, P.STRATEGIES_OWN, P.RISK_OWN, P.PAYOUTS_OWN})
# What a brand's own sets of permissions may be made of: nothing that trades, and not the platform itself.
GRANTABLE = frozenset(
    {
        *(P.RISK_READ, P.RISK_WRITE, P.KILL_SWITCH),
        *(P.USERS_READ, P.USERS_WRITE, P.SUPPORT_READ, P.SUPPORT_WRITE, P.STRATEGIES_REVIEW),
        *(P.COMPLIANCE_READ, P.COMPLIANCE_WRITE, P.FINANCE_READ, P.FEES_WRITE, P.PAYOUTS_WRITE),
        *(P.SETTINGS_READ, P.SETTINGS_WRITE, P.STAFF_READ, P.STAFF_GRANT, P.ALLOWLIST_WRITE, P.AUDIT_READ),
    }
)
_READS = frozenset(permission for permission in GRANTABLE if permission.endswith(":read"))

STAFF_ROLES: Mapping[str, frozenset[Permission]] = {
    "owner": GRANTABLE,
    "administrator": GRANTABLE - {P.PAYOUTS_WRITE, P.FEES_WRITE},
    "compliance": frozenset(
        {P.USERS_READ, P.USERS_WRITE, P.COMPLIANCE_READ, P.COMPLIANCE_WRITE, P.STRATEGIES_REVIEW, P.AUDIT_READ}
    ),
    "support": frozenset({P.USERS_READ, P.SUPPORT_READ, P.SUPPORT_WRITE}),
    "finance": frozenset({P.FINANCE_READ, P.FEES_WRITE, P.PAYOUTS_WRITE}),
    "risk": frozenset({P.RISK_READ, P.RISK_WRITE, P.KILL_SWITCH, P.STRATEGIES_REVIEW}),
    "auditor": _READS,
}
"""The roles that every brand has. A brand's own sets stand beside them under names of its own."""

OPERATOR = STAFF | {P.OPERATE, P.RISK_READ, P.KILL_SWITCH, P.STAFF_READ, P.STAFF_GRANT, P.AUDIT_READ}
ROLE_PERMISSIONS: Mapping[str, frozenset[Permission]] = {
    "follower": FOLLOWER,
    "trader": TRADER,
    **{name: STAFF | permissions for name, permissions in STAFF_ROLES.items()},
    "operator": OPERATOR,
}
"""Every role with all that it permits, those that end users have and those of staff."""


def permissions_of_roles(role: str, granted: Iterable[frozenset[Permission]]) -> frozenset[Permission]:
    """Return what a person may do: their role decides, and only staff have besides what they were granted."""
    if role != "staff":
        return ROLE_PERMISSIONS.get(role, EVERYBODY)
    return STAFF.union(*granted) & (STAFF | GRANTABLE)


def within_reach(giver: Set[Permission], given: Set[Permission]) -> bool:
    """Tell whether somebody may give these permissions: nobody gives, or takes, more than they have themselves.

    An operator, who has no brand's permissions, may: they put a brand's first owner in place.
    """
    return P.STAFF_GRANT in giver and (P.OPERATE in giver or given <= giver)
