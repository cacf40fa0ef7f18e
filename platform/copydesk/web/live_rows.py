"""Rows of the desk for live events: what renders them is loaded when the first row is wanted, for it is all the pages.

A process that only tells people what concerns them never needs it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from copydesk.tenancy import Tenant
from copydesk.web.port import Runtime

if TYPE_CHECKING:
    from copydesk.replication.desk import SignalReceipt
    from copydesk.web.render import DeskRenderer


class DeskRows:
    """Read signals and render their rows. Thread-safe; every call takes a thread of its own, away from the loop."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._loading = threading.Lock()
        self._renderer: DeskRenderer | None = None

    def receipt(self, tenant: Tenant, signal_id: int) -> SignalReceipt | None:
        """Read one signal; None where it is not the brand's or cannot be read."""
        return self._loaded().receipt(tenant, signal_id)

    def row(self, tenant: Tenant, locale: str, receipt: SignalReceipt) -> str:
        """Render one signal for the readers of one locale."""
        return self._loaded().row(tenant, locale, receipt)

    def recent(self, tenant: Tenant, locale: str, limit: int) -> list[tuple[int, str]]:
        """Render the newest signals, newest first; none where they cannot be read."""
        return self._loaded().recent(tenant, locale, limit)

    def close(self) -> None:
        """Give the database connections back."""
        if self._renderer is not None:
            self._renderer.close()

    def _loaded(self) -> DeskRenderer:
        with self._loading:
            if self._renderer is None:
                from copydesk.web.app import create_app
                from copydesk.web.render import DeskRenderer

                self._renderer = DeskRenderer(create_app(self._runtime))
            return self._renderer
