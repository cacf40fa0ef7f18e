"""The one composition root: reads the environment and joins real parts to a running whole.

Each part is loaded when it is first asked for, so that a role starts with what it runs and nothing else.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.bootstrap.news import desk_channel
    from copydesk.bootstrap.places import Installation, declared_settings
    from copydesk.bootstrap.runtime import Runtime
    from copydesk.bootstrap.surroundings import FRESH_EVERY_S, OpenExchange, WorkerSurroundings, broker_prefix

__all__ = [
    "FRESH_EVERY_S",
    "Installation",
    "OpenExchange",
    "Runtime",
    "WorkerSurroundings",
    "broker_prefix",
    "declared_settings",
    "desk_channel",
]
_HOMES = {
    "news": ("desk_channel",),
    "places": ("Installation", "declared_settings"),
    "runtime": ("Runtime",),
    "surroundings": ("FRESH_EVERY_S", "OpenExchange", "WorkerSurroundings", "broker_prefix"),
}


def __getattr__(name: str) -> object:
    """Load a part from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
