"""Renders desk rows outside a request, for live events: the same template, words and figures as the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask
from jinja2 import TemplateError
from sqlalchemy.exc import OperationalError

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

    def signal_rows(self, tenant: Tenant, signal_id: int, locales: Mapping[str, str]) -> dict[str, str]:
        """Read one signal once and render it for each locale (given with a host); empty where it cannot be shown."""
        with self._failures_logged(tenant):
            first_host = next(iter(locales.values()))
            with self._as_brand(tenant, tenant.config.locale_default, first_host):
                receipt = signal_receipt(brand_session(), signal_id)
            return {} if receipt is None else self._render(tenant, receipt, locales)
        return {}

    def recent(self, tenant: Tenant, locale: str, host: str, limit: int) -> list[tuple[int, str]]:
        """Render the newest signals, newest first; none where they cannot be read."""
        with self._failures_logged(tenant), self._as_brand(tenant, locale, host):
            signals = recent_signals(brand_session(), limit=limit)
            return [(signal.signal_id, render(ROW, receipt=signal)) for signal in signals]
        return []

    def _render(self, tenant: Tenant, receipt: SignalReceipt, locales: Mapping[str, str]) -> dict[str, str]:
        rows = {}
        for locale, host in locales.items():
            with self._as_brand(tenant, locale, host):
                rows[locale] = render(ROW, receipt=receipt)
        return rows

    def close(self) -> None:
        """Give the database connections back."""
        with self._app.app_context():
            db.engine.dispose()

    @contextmanager
    def _as_brand(self, tenant: Tenant, locale: str, host: str) -> Iterator[None]:
        sites: Sites = self._app.extensions["copydesk_sites"]
        with self._app.test_request_context(base_url=f"http://{host}"):
            sites.enter(tenant, locale, host)
            yield

    @contextmanager
    def _failures_logged(self, tenant: Tenant) -> Iterator[None]:
        """Let the next event be tried as if nothing had been: a page's reload shows what was missed."""
        try:
            yield
        except (OperationalError, TemplateError) as error:
            log.error("live rows of %s failed", tenant.slug, exc_info=error)
