"""What a role may do, from where, and what rests for a while after something unusual.

Must not look at passwords or factors: `identity` proves who somebody is, this says what follows from it.
"""

from copydesk.identity.access.allowing import (
    AllowedNetwork,
    allow_network,
    allowed_networks,
    allows_address,
    clear_networks,
    forbid_network,
    tell_owners,
)
from copydesk.identity.access.holding import holds_of, lift_holds, place_hold
from copydesk.identity.access.holds import RULES, Hold, HoldReason, resting
from copydesk.identity.access.permissions import (
    GRANTABLE,
    ROLE_PERMISSIONS,
    STAFF_ROLES,
    Permission,
    within_reach,
)
from copydesk.identity.access.places import (
    Place,
    SignedIn,
    awaited_place,
    confirm_place,
    note_sign_in,
    owners,
    places_of,
)
from copydesk.identity.access.roles import (
    RoleLine,
    drop_role,
    permissions_of,
    require_role,
    role_lines,
    roles_of,
    store_role,
)

__all__ = [
    "GRANTABLE",
    "ROLE_PERMISSIONS",
    "RULES",
    "STAFF_ROLES",
    "AllowedNetwork",
    "Hold",
    "HoldReason",
    "Permission",
    "Place",
    "RoleLine",
    "SignedIn",
    "allow_network",
    "allowed_networks",
    "allows_address",
    "awaited_place",
    "clear_networks",
    "confirm_place",
    "drop_role",
    "forbid_network",
    "holds_of",
    "lift_holds",
    "note_sign_in",
    "owners",
    "permissions_of",
    "place_hold",
    "places_of",
    "require_role",
    "resting",
    "role_lines",
    "roles_of",
    "store_role",
    "tell_owners",
    "within_reach",
]
