"""The branded sites: pages, live events and their servers. Reads through `replication`; decides nothing.

One process serves every brand; the `Host` header says which. Must not open exchange keys or send orders. Each part is
loaded when it is first asked for, so that a command that needs a color does not pay for the pages.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from copydesk.web.app import create_app
    from copydesk.web.live import create_live_app
    from copydesk.web.live_server import serve_live
    from copydesk.web.port import Runtime
    from copydesk.web.proxies import LOOPBACK
    from copydesk.web.server import serve_sites

__all__ = ["LOOPBACK", "Runtime", "create_app", "create_live_app", "serve_live", "serve_sites"]
_HOMES = {
    "app": ("create_app",),
    "live": ("create_live_app",),
    "live_server": ("serve_live",),
    "port": ("Runtime",),
    "proxies": ("LOOPBACK",),
    "server": ("serve_sites",),
}


def __getattr__(name: str) -> object:
    """Load a part from its module."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
