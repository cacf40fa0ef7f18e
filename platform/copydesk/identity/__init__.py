"""Who is who: users of a brand. Must not know exchange keys, strategies or copies."""

from copydesk.identity.model import Role
from copydesk.identity.tables import User

__all__ = ["Role", "User"]
