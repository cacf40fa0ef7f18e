"""The ground everything stands on: money, ids, clock, errors and setting declarations.

Owns no state, does no I/O and imports nothing else of ours.
"""

from copydesk.kernel.clock import Clock, SystemClock, utc_now
from copydesk.kernel.errors import (
    ConfigError,
    CopydeskError,
    InvalidInput,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Refused,
    Unavailable,
    VenueRefused,
)
from copydesk.kernel.ids import derived_id, new_id
from copydesk.kernel.money import ZERO, decimal_text, floor_to_step, round_to_step, steps_between
from copydesk.kernel.settings import Setting, SettingRegistry, registry

__all__ = [
    "ZERO",
    "Clock",
    "ConfigError",
    "CopydeskError",
    "InvalidInput",
    "NotFound",
    "NotPermitted",
    "OutcomeUnknown",
    "Refused",
    "Setting",
    "SettingRegistry",
    "SystemClock",
    "Unavailable",
    "VenueRefused",
    "decimal_text",
    "derived_id",
    "floor_to_step",
    "new_id",
    "registry",
    "round_to_step",
    "steps_between",
    "utc_now",
]
