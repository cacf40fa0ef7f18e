"""How full the way to a limit is: what a bar shows beside the figures that are exact, as `risk.gauge` counts it."""

from __future__ import annotations

from copydesk.risk.gauge import fullness

__all__ = ["fullness"]
