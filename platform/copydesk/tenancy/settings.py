"""Settings of tenancy itself, and the one list of modules that declare settings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from decimal import Decimal

from copydesk.kernel import Misfit, Said, Setting, SettingRegistry, registry

REFRESH_INTERVAL_MS = registry.declare(
    Setting(
        "tenancy.refresh_interval_ms",
        default=1000,
        help="Look for changed tenant files at most this often, in milliseconds.",
        scope="installation",
        minimum=0,
        maximum=600_000,
        unit="ms",
    )
)
FEATURE_DESK = registry.declare(
    Setting("features.desk", default=True, help="Show the live desk page to visitors without an account.")
)
FEATURE_LEADERBOARD = registry.declare(
    Setting("features.leaderboard", default=True, help="Show the public list of strategies with return and drawdown.")
)
FEATURE_API = registry.declare(
    Setting("features.api", default=True, help="Answer programs under /api/v1 with what the public pages show.")
)

_RATIO, _RATIO_MAX = "fees.profit_share_ratio", "fees.profit_share_ratio_max"


def _share(value: Decimal, said: Said) -> Iterable[Misfit]:
    most = said(_RATIO_MAX)
    if isinstance(most, int | Decimal) and value > most:
        yield Misfit(f"at most {most}, the value of {_RATIO_MAX}", str(value))


def _share_max(value: Decimal, said: Said) -> Iterable[Misfit]:
    share = said(_RATIO)
    if isinstance(share, int | Decimal) and value < share:
        yield Misfit(f"at least {share}, the value of {_RATIO}", str(value))


PROFIT_SHARE_RATIO_MAX = registry.declare(
    Setting(
        _RATIO_MAX,
        default=Decimal("0.30"),
        help="The largest share of a follower's profit that a trader may ask for.",
        minimum=Decimal(0),
        maximum=Decimal("0.5"),
        check=_share_max,
        sensitive=True,
    )
)
PROFIT_SHARE_RATIO = registry.declare(
    Setting(
        _RATIO,
        default=Decimal("0.10"),
        help="The share of a follower's profit that a new strategy asks for.",
        minimum=Decimal(0),
        maximum=Decimal("0.5"),
        check=_share,
        sensitive=True,
    )
)
PLATFORM_RATIO = registry.declare(
    Setting(
        "fees.platform_ratio",
        default=Decimal("0.30"),
        help="The brand's part of what traders earn from followers.",
        minimum=Decimal(0),
        maximum=Decimal(1),
        sensitive=True,
    )
)
FEATURE_STRATEGY_PAGES = registry.declare(
    Setting(
        "features.strategy_pages",
        default=True,
        help="Give each strategy a page of its own with its record, which visitors without an account can open.",
    )
)
FEATURE_TRADERS = registry.declare(
    Setting(
        "features.traders",
        default=True,
        help="Let people register to be copied. Without it whoever registers copies others; traders are invited.",
    )
)

_CONTACT = re.compile(r"https://[!-~]+|[^\s@:/]+@[^\s@:/]+\.[^\s@:/]+")


def _contact(value: str, _said: Said) -> Iterable[Misfit]:
    if value and not _CONTACT.fullmatch(value):
        yield Misfit("a mail address or an https address", repr(value))


SECURITY_CONTACT = registry.declare(
    Setting(
        "security.contact",
        default="",
        help="Where a weakness of this brand's site is reported, as /.well-known/security.txt tells: a mail address, "
        "or the https address of a page. Without one there is no such file.",
        check=_contact,
        sensitive=True,
    )
)
HSTS_PRELOAD = registry.declare(
    Setting(
        "security.hsts_preload",
        default=False,
        help="Ask browsers to ship this brand's domain as one that speaks TLS alone. Taking that back takes months, "
        "and it is about every name under the domain.",
        sensitive=True,
    )
)


def declarations(modules: Iterable[str] = ()) -> SettingRegistry:
    """Import the named settings modules, so that they declare themselves, and return the registry.

    The caller (the composition root) names them: tenancy lies below the packages that declare.
    """
    for module in modules:
        importlib.import_module(module)
    return registry
