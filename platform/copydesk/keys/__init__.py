"""Exchange keys of people: how they come in, what exchanges say of them, and how they end.

Owns the way of a key from the form to the vault, the daily question what it may do, and its destruction. Pages hand in
and read, and can open nothing; the desk in the listener examines. Must not know what is copied with a key.

What is done with keys is in `keys.connect` (their owners), `keys.examine` and `keys.watch` (the desk), `keys.revoke`
and `keys.store`: those know people and mail, and cost an import that roles which only hold keys do without.
"""

from copydesk.keys.entry import Entry, Problem, read_entry
from copydesk.keys.model import (
    EXPIRY_NOTICES,
    OPEN,
    UNDER_WAY,
    WITH_PASSPHRASE,
    Gone,
    Handed,
    Intake,
    IntakeState,
    KeyHealth,
    NewIntake,
    Trouble,
)
from copydesk.keys.news import CHANNEL, WAITS, KeyNews, changed, publish, publish_to, read_news
from copydesk.keys.versions import CHANGED, WAITING, changed_since, versions

__all__ = [
    "CHANGED",
    "CHANNEL",
    "EXPIRY_NOTICES",
    "OPEN",
    "UNDER_WAY",
    "WAITING",
    "WAITS",
    "WITH_PASSPHRASE",
    "Entry",
    "Gone",
    "Handed",
    "Intake",
    "IntakeState",
    "KeyHealth",
    "KeyNews",
    "NewIntake",
    "Problem",
    "Trouble",
    "changed",
    "changed_since",
    "publish",
    "publish_to",
    "read_entry",
    "read_news",
    "versions",
]
