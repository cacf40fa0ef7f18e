"""Words of staff pages: what permissions and roles are called, and why something was refused."""

from __future__ import annotations

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import Refused

P = Permission


def refusal_words(refusal: Refused, *, found: str = "", address: str = "") -> str:
    """Say in the visitor's language why a form was refused; what has no words here says it itself."""
    sentences = {
        "network_unreadable": gettext(
            "Network: expected an address or a network such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48, "
            'found "%(found)s".',
            found=found,
        ),
        "network_wide": gettext(
            "Network: %(found)s lets nearly everybody in; expected /8 or longer, with IPv6 /16 or longer.", found=found
        ),
        "network_listed": gettext("Network: %(found)s is on the list already.", found=found),
        "networks_full": gettext("Network: the list is full; remove an entry first."),
        "note_long": gettext("Note: expected at most 80 characters."),
        "locks_out": gettext(
            "Network: expected one that contains %(address)s, the address that you use now; without it this list would "
            "lock you out.",
            address=address,
        ),
        "role_unknown": gettext('Role: there is no role "%(found)s".', found=found),
        "role_name": gettext(
            'Name: expected 2 to 30 small letters, digits, "-" or "_", beginning with a letter, found "%(found)s".',
            found=found,
        ),
        "role_taken": gettext('Name: there is a role "%(found)s" already.', found=found),
        "roles_full": gettext("Name: there are as many roles of your own as can be; remove one first."),
        "role_in_use": gettext("Somebody still has this role; take it away from them first."),
        "role_invited": gettext("Somebody is invited with this role; take the invitation back first."),
        "owner_only": gettext(
            "Network: only an owner begins this list, or takes an entry off while others stay: it shuts addresses out."
        ),
        "role_none": gettext("Roles: choose at least one."),
        "permission_none": gettext("Permissions: choose at least one."),
        "permission_foreign": gettext("Permissions: staff cannot have one of those that you chose."),
        "own_roles": gettext("Nobody changes their own roles: ask another member of staff."),
        "own_account": gettext("This is your own account: use its own pages."),
        "beyond_reach": gettext("Nobody gives, takes or acts on more than they may do themselves."),
        "last_owner": gettext("This is the last owner of the brand: make somebody else an owner first."),
        "not_staff": gettext("Roles are for members of the brand's staff."),
        "place_range": gettext('Place: expected a number from 1 to 1,000, found "%(found)s".', found=found),
        "reason_length": gettext("Reason: expected 10 to 300 characters."),
        "figures_none": gettext("This strategy has no figures yet; it can be adjusted once it has."),
        "wrong_state": gettext("The account is in another state by now; look at it again."),
    }
    return str(sentences.get(refusal.code) or refusal)


def permission_words(permission: Permission) -> str:
    """Say what a permission of staff lets its holder do."""
    words = {
        P.RISK_READ: gettext("See the risk desk"),
        P.RISK_WRITE: gettext("Change risk limits"),
        P.KILL_SWITCH: gettext("Throw and lift kill switches"),
        P.USERS_READ: gettext("See people and their accounts"),
        P.USERS_WRITE: gettext("Block people and end their sessions"),
        P.SUPPORT_READ: gettext("Read support cases"),
        P.SUPPORT_WRITE: gettext("Answer support cases"),
        P.STRATEGIES_REVIEW: gettext("Approve and suspend strategies"),
        P.COMPLIANCE_READ: gettext("Read identity checks"),
        P.COMPLIANCE_WRITE: gettext("Decide identity checks"),
        P.FINANCE_READ: gettext("See fees and payouts"),
        P.FEES_WRITE: gettext("Change fees"),
        P.PAYOUTS_WRITE: gettext("Release payouts"),
        P.SETTINGS_READ: gettext("See the brand's settings"),
        P.SETTINGS_WRITE: gettext("Change the brand's settings"),
        P.STAFF_READ: gettext("See the team"),
        P.STAFF_GRANT: gettext("Invite staff and change roles"),
        P.ALLOWLIST_WRITE: gettext("Change from where staff sign in"),
        P.AUDIT_READ: gettext("Read the record of who did what"),
    }
    return str(words.get(permission, permission))


def role_words(name: str) -> str:
    """Name a role; a brand's own role is called what the brand called it."""
    words = {
        "owner": gettext("Owner"),
        "administrator": gettext("Administrator"),
        "compliance": gettext("Compliance"),
        "support": gettext("Support"),
        "finance": gettext("Finance"),
        "risk": gettext("Risk"),
        "auditor": gettext("Auditor"),
        "follower": gettext("Follower"),
        "trader": gettext("Trader"),
        "staff": gettext("Staff"),
        "operator": gettext("Platform operator"),
    }
    return str(words.get(name, name))


def status_words(status: str) -> str:
    """Name the state of an account."""
    words = {
        "pending": gettext("Unconfirmed"),
        "active": gettext("Active"),
        "blocked": gettext("Blocked"),
        "closed": gettext("Closed"),
    }
    return str(words.get(status, status))
