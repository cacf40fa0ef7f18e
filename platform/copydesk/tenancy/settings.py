"""Settings of tenancy itself, and the one list of modules that declare settings."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from copydesk.kernel import Setting, SettingRegistry, registry

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


def declarations(modules: Iterable[str] = ()) -> SettingRegistry:
    """Import the named settings modules, so that they declare themselves, and return the registry.

    The caller (the composition root) names them: tenancy lies below the packages that declare.
    """
    for module in modules:
        importlib.import_module(module)
    return registry
