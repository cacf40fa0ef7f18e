"""The installation as its operator sees it: brands with their plans and usage, kept promises, the way into the console.

Reads every brand, one at a time, and changes nothing of theirs but the limits of their plans. Must not know pages.

Each part is loaded when it is first asked for: every role reads the settings that this package declares.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.estate.model import Budget, Duty, Month, Plan, Usage, UsageLine
    from copydesk.estate.plans import plan_of, set_plan
    from copydesk.estate.service import BrandState, Promise, brand_states, brand_usage

__all__ = [
    "BrandState",
    "Budget",
    "Duty",
    "Month",
    "Plan",
    "Promise",
    "Usage",
    "UsageLine",
    "brand_states",
    "brand_usage",
    "plan_of",
    "set_plan",
]
_HOMES = {
    "model": ("Budget", "Duty", "Month", "Plan", "Usage", "UsageLine"),
    "plans": ("plan_of", "set_plan"),
    "service": ("BrandState", "Promise", "brand_states", "brand_usage"),
}


def __getattr__(name: str) -> object:
    """Load a part from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
