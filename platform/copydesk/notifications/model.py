"""Values of mail: what kinds there are, what each tells, how far one has come, and a finished letter. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from copydesk.kernel import Unavailable

# How long a mail that has left, or never will, is kept: long enough to answer "did you write to me?".
RETENTION = timedelta(days=30)
# The fact that is an address: a path of the brand's own site, beginning with a single slash.
LINK = "link"
# How the addresses of guests end, who gave none: no mail server takes it (RFC 2606).
NO_MAIL = "@guest.invalid"


class Kind(StrEnum):
    """What a message tells."""

    VERIFY_EMAIL = "verify_email"
    ALREADY_REGISTERED = "already_registered"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a message
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a message
    NEW_LOCATION = "new_location"
    NEW_LOCATION_STAFF = "new_location_staff"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_USED = "recovery_used"
    INVITED = "invited"
    INVITED_STAFF = "invited_staff"
    ACCOUNT_CLOSED = "account_closed"
    KEY_CONNECTED = "key_connected"
    KEY_REFUSED = "key_refused"
    KEY_DISARMED = "key_disarmed"
    KEY_EXPIRES = "key_expires"
    STAFF_CHANGED = "staff_changed"
    SETTINGS_WAIT = "settings_wait"
    FIGURES_DIFFER = "figures_differ"
    STEP_UP_CODE = "step_up_code"
    NOTICE = "notice"  # What `copydesk.notices` tells: one of them, or a digest.


# The facts that a kind's text can say. All may be left out; a sentence without its facts is left out too.
KINDS: Mapping[Kind, frozenset[str]] = {
    Kind.VERIFY_EMAIL: frozenset({LINK, "hours"}),
    Kind.ALREADY_REGISTERED: frozenset({LINK}),
    Kind.RESET_PASSWORD: frozenset({LINK, "minutes", "hours"}),
    Kind.PASSWORD_CHANGED: frozenset({LINK, "at", "ip", "held_until"}),
    Kind.NEW_LOCATION: frozenset({LINK, "at", "ip", "agent", "held_until"}),
    Kind.NEW_LOCATION_STAFF: frozenset({LINK, "at", "ip", "agent", "who"}),
    Kind.FACTOR_ADDED: frozenset({LINK, "at", "ip", "factor"}),
    Kind.FACTOR_REMOVED: frozenset({LINK, "at", "ip", "factor", "held_until"}),
    Kind.RECOVERY_USED: frozenset({LINK, "at", "ip", "left"}),
    Kind.INVITED: frozenset({LINK, "hours"}),
    Kind.INVITED_STAFF: frozenset({LINK, "hours", "role"}),
    Kind.ACCOUNT_CLOSED: frozenset({LINK, "at"}),
    Kind.KEY_CONNECTED: frozenset({LINK, "exchange", "label"}),
    Kind.KEY_REFUSED: frozenset({LINK, "exchange", "label", "right", "reason"}),
    Kind.KEY_DISARMED: frozenset({LINK, "exchange", "label", "right", "reason"}),
    Kind.KEY_EXPIRES: frozenset({LINK, "exchange", "label", "days"}),
    Kind.STAFF_CHANGED: frozenset({LINK, "at", "who", "role", "change"}),
    Kind.SETTINGS_WAIT: frozenset({LINK, "at", "who", "reason"}),
    Kind.FIGURES_DIFFER: frozenset({LINK, "at", "count", "strategy"}),
    Kind.STEP_UP_CODE: frozenset({"code", "minutes"}),
    # `notices` is read with `copydesk.notices.letters.notices_in`.
    Kind.NOTICE: frozenset({LINK, "count", "more", "notices"}),
}


class MailState(StrEnum):
    """How far a mail has come."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"  # A mail server said no for good.
    GIVEN_UP = "given_up"  # It was tried as often as allowed.


class Postponed(Unavailable):
    """Say that one letter was not taken now, and may be later; others may be taken meanwhile."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail that is due, as the postman took it: `attempt` counts from 1. Secret facts are never shown."""

    id: int
    tenant_id: int
    to: str
    kind: Kind
    locale: str
    facts: Mapping[str, str]
    secret_facts: Mapping[str, str] = field(repr=False)
    queued_at: datetime
    attempt: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it leaves. Bodies may hold a link that signs somebody in, so that they are never shown."""

    id: int
    to: str
    sender_name: str
    sender: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    lang: str
    at: datetime
