"""Settings of guests: whether a brand has a demo without registration, and what it gives."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from copydesk.guests.model import GuestTerms
from copydesk.kernel import Setting, registry
from copydesk.tenancy import Tenant, setting_value

GUESTS_ENABLED = registry.declare(
    Setting(
        "guests.enabled",
        default=True,
        help="Whether visitors may try the site with simulated money, without registering. It takes an exchange of the "
        "brand in the environment `lab`, and an installation that runs the simulated exchange.",
    )
)
GUEST_BALANCE = registry.declare(
    Setting(
        "guests.balance",
        default=10_000,
        minimum=100,
        maximum=1_000_000,
        help="How much simulated money a guest begins with, in the brand's quote currency.",
    )
)
GUEST_DAYS = registry.declare(
    Setting(
        "guests.days",
        default=30,
        minimum=1,
        maximum=90,
        help="For how many days a guest's demo account is kept, and their browser is known.",
        unit="days",
    )
)
GUESTS_PER_ADDRESS_MAX = registry.declare(
    Setting(
        "guests.per_address_max",
        default=20,
        minimum=1,
        maximum=1_000,
        help="How many demo accounts may be opened from one network (a /24 of IPv4, a /64 of IPv6) within a day; each "
        "further one waits.",
        unit="accounts",
    )
)
GUESTS_OPEN_MAX = registry.declare(
    Setting(
        "guests.open_max",
        default=2_000,
        minimum=1,
        maximum=100_000,
        help="How many demo accounts of a brand may be open at once; further visitors are asked to register.",
        unit="accounts",
    )
)
LAB_CONTROL_URL = registry.declare(
    Setting(
        "guests.lab_control_url",
        default="",
        scope="installation",
        help="Control address of the simulated exchange, by which demo accounts are opened, such as "
        "http://127.0.0.1:8012; the environment variable COPYDESK_LAB_CONTROL overrides it. Its token is read from "
        "lab/token in the data directory.",
    )
)


def guest_terms(tenant: Tenant) -> GuestTerms:
    """Return what a brand gives its guests."""
    return GuestTerms(
        balance=Decimal(setting_value(tenant, GUEST_BALANCE, int)),
        lasts=timedelta(days=setting_value(tenant, GUEST_DAYS, int)),
        per_address_max=setting_value(tenant, GUESTS_PER_ADDRESS_MAX, int),
        open_max=setting_value(tenant, GUESTS_OPEN_MAX, int),
    )
