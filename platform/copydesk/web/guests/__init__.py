"""The pages of the demo without registration: beginning, keeping the account, going live, ending.

Views parse a form, call one use case of `guests` and render; whatever is decided is decided there.
"""

from copydesk.web.guests import beginning, keeping, leaving, opening
from copydesk.web.guests.blueprint import guests

__all__ = ["beginning", "guests", "keeping", "leaving", "opening"]
