"""Renders desk rows outside a request, for live events: the same template, words and figures as the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError

from copydesk.replication.desk import SignalReceipt, recent_signals, signal_receipt
from copydesk.tenancy import Tenant
from copydesk.web.database import brand_session, db
from copydesk.web.page import render
from copydesk.web.site import Sites

log = logging.getLogger(__name__)

ROW = "partials/signal_row.html"


class DeskRenderer:
    """Read signals and render their rows as a brand and locale see them. Thread-safe."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def receipt(self, tenant: Tenant, signal_id: int) -> SignalReceipt | None:
        """Read one signal; None where it is not the brand's or cannot be read."""
        with self._failures_logged(tenant), self._as_brand(tenant, tenant.config.locale_default):
            return signal_receipt(brand_session(), signal_id)
        return None

    def row(self, tenant: Tenant, locale: str, receipt: SignalReceipt) -> str:
        """Render one signal for the readers of one locale."""
        with self._as_brand(tenant, locale):
            return render(ROW, receipt=receipt)

    def recent(self, tenant: Tenant, locale: str, limit: int) -> list[tuple[int, str]]:
        """Render the newest signals, newest first; none where they cannot be read."""
        with self._failures_logged(tenant), self._as_brand(tenant, locale):
            signals = recent_signals(brand_session(), limit=limit)
            return [(signal.signal_id, render(ROW, receipt=signal)) for signal in signals]
        return []

    def close(self) -> None:
        """Give the database connections back."""
        with self._app.app_context():
            db.engine.dispose()

    @contextmanager
    def _as_brand(self, tenant: Tenant, locale: str) -> Iterator[None]:
        """Enter the brand by its own first host: what a visitor wrote into a header never gets here."""
        sites: Sites = self._app.extensions["copydesk_sites"]
        host = tenant.hosts[0]
        with self._app.test_request_context(base_url=f"http://{host}"):
            sites.enter(tenant, locale, host)
            yield

    @contextmanager
    def _failures_logged(self, tenant: Tenant) -> Iterator[None]:
        """Let the next event be tried as if nothing had been: a page's reload shows what was missed."""
        try:
            yield
        except (SQLAlchemyError, TemplateError) as error:
            log.error("live rows of %s failed: %s", tenant.slug, " ".join(str(error).split()))
