"""The staff pages of a brand: its people, its team and roles, allowed addresses, and the record of who did what.

The two access pages of one's own account, allowed addresses and the link that confirms a new place, are here too.
"""

from copydesk.web.staff import allowlist, front, own, people, ranking, record, roles, statements, strategies, team
from copydesk.web.staff.blueprint import own_access, staff

__all__ = [
    "allowlist",
    "front",
    "own",
    "own_access",
    "people",
    "ranking",
    "record",
    "roles",
    "staff",
    "statements",
    "strategies",
    "team",
]
