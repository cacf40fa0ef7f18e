"""The ground everything stands on: money, ids, clock, errors, setting declarations and failpoints.

Owns no state but an armed failpoint, does no other I/O and imports nothing else of ours.
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
from copydesk.kernel.failpoint import Failpoint, arm, disarm, parse_trap, reached
from copydesk.kernel.ids import derived_id, derived_ids, new_id
from copydesk.kernel.money import ZERO, decimal_text, floor_to_step, round_to_step, steps_between
from copydesk.kernel.settings import Misfit, Said, Setting, SettingRegistry, registry
from copydesk.kernel.tasks import end

__all__ = [
    "ZERO",
    "Clock",
    "ConfigError",
    "CopydeskError",
    "Failpoint",
    "InvalidInput",
    "Misfit",
    "NotFound",
    "NotPermitted",
    "OutcomeUnknown",
    "Refused",
    "Said",
    "Setting",
    "SettingRegistry",
    "SystemClock",
    "Unavailable",
    "VenueRefused",
    "arm",
    "decimal_text",
    "derived_id",
    "derived_ids",
    "disarm",
    "end",
    "floor_to_step",
    "new_id",
    "parse_trap",
    "reached",
    "registry",
    "round_to_step",
    "steps_between",
    "utc_now",
]
