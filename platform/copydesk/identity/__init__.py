"""Who is who: people of a brand, their passwords, sessions, ways in. Knows no exchange keys, strategies or copies.

What costs an import of its own is not brought along here: password hashes are in `identity.hashing`, what makes a good
password in `identity.passwords`. Second factors are in `identity.factors`, what follows from being somebody in
`identity.access`.
"""

from copydesk.identity.model import (
    EndReason,
    Origin,
    Role,
    SessionLimits,
    SignInOutcome,
    UserStatus,
    Visitor,
)
from copydesk.identity.tables import Invite, SignIn, SignInThrottle, User, UserSession, UserToken

__all__ = [
    "EndReason",
    "Invite",
    "Origin",
    "Role",
    "SessionLimits",
    "SignIn",
    "SignInOutcome",
    "SignInThrottle",
    "User",
    "UserSession",
    "UserStatus",
    "UserToken",
    "Visitor",
]
