"""Settings of tenancy itself, and the one list of modules that declare settings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

from copydesk.kernel import Misfit, Said, Setting, SettingRegistry, registry

REFRESH_INTERVAL_MS = registry.declare(
    Setting(
        "tenancy.refresh_interval_ms",
        default=1000,
        help="Look for changed tenant files at most this often, in milliseconds.",
        scope="installation",
        minimum=0,
        maximum=600_000,
    )
)
FEATURE_DESK = registry.declare(
    Setting("features.desk", default=True, help="Show the live desk page to visitors without an account.")
)
FEATURE_LEADERBOARD = registry.declare(
    Setting("features.leaderboard", default=True, help="Show the public list of strategies with return and drawdown.")
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
    )
)
HSTS_PRELOAD = registry.declare(
    Setting(
        "security.hsts_preload",
        default=False,
        help="Ask browsers to ship this brand's domain as one that speaks TLS alone. Taking that back takes months, "
        "and it is about every name under the domain.",
    )
)


def declarations(modules: Iterable[str] = ()) -> SettingRegistry:
    """Import the named settings modules, so that they declare themselves, and return the registry.

    The caller (the composition root) names them: tenancy lies below the packages that declare.
    """
    for module in modules:
        importlib.import_module(module)
    return registry
