"""Settings of accounts: who may register, how long sessions last, what passwords and sign-ins cost."""

from __future__ import annotations

from datetime import timedelta

from copydesk.identity.model import SessionLimits
from copydesk.kernel import Setting, registry
from copydesk.tenancy import Tenant, setting_value

REGISTRATION = registry.declare(
    Setting(
        "identity.registration",
        default="open",
        choices=("open", "invite", "closed"),
        help="Who may register: everybody, only who was invited, or nobody.",
    )
)
SECOND_FACTOR = registry.declare(
    Setting(
        "identity.second_factor",
        default="required",
        choices=("required", "optional"),
        help="Whether followers and traders need a second factor before anything else; staff always do.",
        sensitive=True,
    )
)
TEXT_MESSAGES = registry.declare(
    Setting(
        "identity.text_messages",
        default="off",
        choices=("off", "files"),
        help="How codes get to phones, the fallback beside a stronger second factor: not at all, or into files under "
        "var/sms/ for development and demos.",
        panel=False,
    )
)
SESSION_IDLE_MIN = registry.declare(
    Setting(
        "identity.session_idle_min",
        default=30,
        minimum=5,
        maximum=1_440,
        help="After how many minutes without a request a session ends.",
        unit="min",
    )
)
SESSION_HOURS_MAX = registry.declare(
    Setting(
        "identity.session_hours_max",
        default=12,
        minimum=1,
        maximum=720,
        help="After how many hours a session ends at the latest.",
        unit="h",
    )
)
PASSWORD_LENGTH_MIN = registry.declare(
    Setting(
        "identity.password_length_min",
        default=10,
        minimum=8,
        maximum=64,
        help="How many characters a password has at least; those of staff have at least 12.",
        unit="characters",
    )
)
HISTORY_DAYS = registry.declare(
    Setting(
        "identity.history_days",
        default=180,
        minimum=30,
        maximum=730,
        help="For how many days it is kept who tried to sign in, when and from where.",
        unit="days",
    )
)
HASH_THREADS = registry.declare(
    Setting(
        "identity.hash_threads",
        default=1,
        minimum=1,
        maximum=16,
        scope="installation",
        help="How many passwords each web process checks at once; every check takes 19 MiB and a processor.",
    )
)
HASHES_WAITING_MAX = registry.declare(
    Setting(
        "identity.hashes_waiting_max",
        default=4,
        minimum=0,
        maximum=64,
        scope="installation",
        help="How many further sign-ins may wait in a web process for their password's check; more are asked to come "
        "again in a moment, so that the other pages go on being served.",
    )
)


def session_limits(tenant: Tenant) -> SessionLimits:
    """Return how long sessions of a brand last."""
    idle = timedelta(minutes=setting_value(tenant, SESSION_IDLE_MIN, int))
    return SessionLimits(idle, timedelta(hours=setting_value(tenant, SESSION_HOURS_MAX, int)))
