"""Whether a key may be used for copying: what it may do by the exchange's own word, or why it is refused."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial
from copydesk.venues.model import KeyScope
from copydesk.venues.port import Venue

_ATTEMPTS = 3


class KeyVerdict(NamedTuple):
    """`denial` None accepts the key. `scope` is None where the exchange refused the key itself, in the words `said`."""

    denial: Denial | None
    scope: KeyScope | None
    said: str = ""


async def key_verdict(venue: Venue, credentials: Credentials) -> KeyVerdict:
    """Ask the exchange what a key may do. Changes nothing there.

    Raises `Unavailable` while the exchange cannot be asked: the key has not been shown to be safe then.
    """
    await venue.warm(1)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            scope = await venue.key_scope(credentials)
        except VenueRefused as refusal:
            return KeyVerdict(Denial(refusal.code), None, str(refusal))
        except Unavailable as later:
            # A refused time stamp: the clock is asked for, and one that stays wrong is refused by name.
            if later.retry_after_s > 0 or attempt == _ATTEMPTS:
                raise
            await venue.warm(1)
        else:
            return KeyVerdict(scope.denial(), scope)
    raise AssertionError("the last attempt returns or raises")
