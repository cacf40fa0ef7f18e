"""The installation as its operator sees it: brands with their plans and usage, kept promises, the way into the console.

Reads every brand, one at a time, and changes nothing of theirs but the limits of their plans. Must not know pages.
"""

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
