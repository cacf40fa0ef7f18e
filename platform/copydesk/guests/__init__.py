"""Guests: people who try a brand with simulated money before they are anybody, and how they become somebody.

Owns the demo account that is opened for them, until when it is kept, how it is kept for good, and how it ends. A guest
is a follower without an address and a password, who holds accounts on the simulated exchange and no other. Must not
copy, and asks for no key: a guest's key goes the way of every key.

What is done is in `guests.opening`, `guests.keeping`, `guests.standing` and `guests.ending`: those know people and
mail, and cost an import that roles which start often do without.
"""

from copydesk.guests.model import (
    CLOSED_TO_GUESTS,
    WITHOUT_A_FACTOR,
    Checklist,
    DemoCopy,
    DemoState,
    DemoStep,
    GuestTerms,
    is_guest,
)

__all__ = [
    "CLOSED_TO_GUESTS",
    "WITHOUT_A_FACTOR",
    "Checklist",
    "DemoCopy",
    "DemoState",
    "DemoStep",
    "GuestTerms",
    "is_guest",
]
