"""What people are told, and how: notices, preferences, quiet hours, digests, channels and the log of deliveries.

Reads what others have stored, stores one notice for each thing that concerns somebody, and sends it by the channels
that they want. Decides nothing about trading, and has no words: the sites say a notice in the reader's language.
"""

from copydesk.notices.model import (
    ALWAYS,
    DEFAULTS,
    MAILED_ALREADY,
    URGENT,
    Channel,
    DeliveryState,
    Digest,
    Event,
    Habit,
    Notice,
    NoticeKind,
    Reason,
    Words,
)
from copydesk.notices.port import Wordsmith

__all__ = [
    "ALWAYS",
    "DEFAULTS",
    "MAILED_ALREADY",
    "URGENT",
    "Channel",
    "DeliveryState",
    "Digest",
    "Event",
    "Habit",
    "Notice",
    "NoticeKind",
    "Reason",
    "Words",
    "Wordsmith",
]
