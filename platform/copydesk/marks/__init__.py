"""Public prices shared through Redis: what the one feed of an exchange writes, and every role reads.

Owns the keys and their form. Prices are public: no key holds anything of a brand, nor of who wants to know. Opens no
connection to an exchange, and never answers with a price that is too old.
"""

from copydesk.marks.bearing import Bearing
from copydesk.marks.coming import ComingFunding
from copydesk.marks.form import AGE_MS_MAX, CHANNEL, FeedAge, FreshPrice, Unrest, marks_key, place_name
from copydesk.marks.listings import Listings
from copydesk.marks.store import Marks, MarkWriter, epoch_ms

__all__ = [
    "AGE_MS_MAX",
    "CHANNEL",
    "Bearing",
    "ComingFunding",
    "FeedAge",
    "FreshPrice",
    "Listings",
    "MarkWriter",
    "Marks",
    "Unrest",
    "epoch_ms",
    "marks_key",
    "place_name",
]
