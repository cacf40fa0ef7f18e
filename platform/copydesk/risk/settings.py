"""Settings of risk: the limits of the platform and of brands, and the profiles that followers pick from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from copydesk.kernel import Setting, registry
from copydesk.risk.configured import (
    PLATFORM_LIMITS_KEY,
    PROFILE_KEYS,
    brand_misfits,
    platform_misfits,
    profile_misfits,
)
from copydesk.risk.profiles import PROFILES, Profile
from copydesk.risk.protection import ProtectionTerms
from copydesk.risk.trust import TrustTerms
from copydesk.tenancy import Tenant, setting_value

PLATFORM_LIMITS = registry.declare(
    Setting(
        PLATFORM_LIMITS_KEY,
        default=[],
        scope="installation",
        help="Limits that hold for every subscription of every brand, one line each (algorithms/risk.md). "
        "Nobody may set a looser one. Limits on orders cost each signal a look at its followers' books.",
        check=platform_misfits,
    )
)
LIMITS = registry.declare(
    Setting(
        "risk.limits",
        default=[],
        help="Limits that hold for every subscription of the brand, one line each; none may be looser than the "
        "platform's.",
        check=brand_misfits,
        sensitive=True,
    )
)


def _profile(profile: Profile, dares: str) -> Setting:
    return registry.declare(
        Setting(
            PROFILE_KEYS[profile],
            default=list(PROFILES[profile]),
            help=f"The limits of a follower who dares {dares}; {{currency}} stands for the brand's. A subscription has "
            "them from when it picks the profile.",
            check=profile_misfits,
            sensitive=True,
        )
    )


PROFILE_LINES: Mapping[Profile, Setting] = {
    Profile.CONSERVATIVE: _profile(Profile.CONSERVATIVE, "little"),
    Profile.BALANCED: _profile(Profile.BALANCED, "some"),
    Profile.AGGRESSIVE: _profile(Profile.AGGRESSIVE, "much"),
}


def _trust(name: str, default: int, bounds: tuple[int, int], says: str) -> Setting:
    low, high = bounds
    setting = Setting(f"risk.{name}", default=default, minimum=low, maximum=high, scope="installation", help=says)
    return registry.declare(setting)


PRICE_AGE_MS_MAX = _trust(
    "price_age_ms_max", 5_000, (500, 60_000), "How old, in milliseconds, a price may be that fires a stop."
)
PRICE_TOLERANCE_BPS = _trust(
    "price_tolerance_bps",
    100,
    (1, 1_000),
    "How far, in basis points, two sources of a price may be apart and still agree.",
)
PRICE_CONFIRM_MS = _trust(
    "price_confirm_ms",
    600,
    (100, 60_000),
    "How long, in milliseconds, a price must have stood before a stop fires on it where no second source agrees.",
)
PRICE_CONFIRM_TICKS = _trust(
    "price_confirm_ticks", 3, (1, 100), "How many further prices a source must have told in that time."
)
PRICE_JUMP_BPS = _trust(
    "price_jump_bps",
    500,
    (10, 5_000),
    "How far, in basis points, a source that is alone may have moved from the last trusted price to be believed.",
)


VOLATILITY_BPS_MAX = registry.declare(
    Setting(
        "risk.volatility_bps_max",
        default=500,
        minimum=10,
        maximum=10_000,
        scope="installation",
        help="How far apart, in basis points of the lowest, prices of an instrument may lie within "
        "`risk.volatility_window_s`; beyond that nothing is opened of it until they have been closer for that long.",
    )
)
VOLATILITY_WINDOW_S = registry.declare(
    Setting(
        "risk.volatility_window_s",
        default=60,
        minimum=5,
        maximum=3_600,
        scope="installation",
        help="Over how many seconds the prices of an instrument are compared with each other.",
    )
)


def trust_terms(number: Callable[[Setting], int]) -> TrustTerms:
    """Return when prices are to be believed, as the installation has it."""
    return TrustTerms(
        age_ms_max=number(PRICE_AGE_MS_MAX),
        tolerance=Decimal(number(PRICE_TOLERANCE_BPS)) / 10_000,
        confirm_ms=number(PRICE_CONFIRM_MS),
        confirm_ticks=number(PRICE_CONFIRM_TICKS),
        jump=Decimal(number(PRICE_JUMP_BPS)) / 10_000,
    )


PROTECTIVE_STOPS = registry.declare(
    Setting(
        "risk.protective_stops",
        default=True,
        help="Keep a stop at the exchange for each copied position of a perpetual, for the time in which nobody of us "
        "watches (algorithms/risk.md).",
        sensitive=True,
    )
)
PROTECTIVE_SHARE_BPS = registry.declare(
    Setting(
        "risk.protective_share_bps",
        default=5_000,
        minimum=100,
        maximum=9_500,
        help="How much of its entry price, in basis points, a position may lose at most until its stop at the exchange "
        "acts, where no limit acts sooner.",
        sensitive=True,
        unit="bps",
    )
)
PROTECTIVE_BEHIND_BPS = registry.declare(
    Setting(
        "risk.protective_behind_bps",
        default=100,
        minimum=10,
        maximum=2_000,
        help="How far behind the nearest limit that closes a position its stop at the exchange lies, in basis points "
        "of the price: our own stops act first.",
        sensitive=True,
        unit="bps",
    )
)
PROTECTIVE_VERIFY_S = registry.declare(
    Setting(
        "risk.protective_verify_s",
        default=60,
        minimum=1,
        maximum=3_600,
        scope="installation",
        help="How often, in seconds, an exchange is asked whether a stop still rests there.",
    )
)


def protection_terms(tenant: Tenant) -> ProtectionTerms | None:
    """Return where a brand's stops at exchanges lie; None where it wants none."""
    if not setting_value(tenant, PROTECTIVE_STOPS, bool):
        return None
    share, behind = (setting_value(tenant, one, int) for one in (PROTECTIVE_SHARE_BPS, PROTECTIVE_BEHIND_BPS))
    return ProtectionTerms(Decimal(share).scaleb(-4), Decimal(behind).scaleb(-4))
