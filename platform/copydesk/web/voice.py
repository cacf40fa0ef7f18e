"""Speaks as a brand outside any request: for letters, and for notices that leave the site by other ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flask import Flask

from copydesk.kernel import ConfigError
from copydesk.tenancy import Tenant
from copydesk.web.site import Sites


class BrandVoice:
    """Enter brands by their own first host. `site_url` gives the origin of a brand's site for its host."""

    def __init__(self, app: Flask, brands: Callable[[], Mapping[str, int]], site_url: Callable[[str], str]) -> None:
        self._app = app
        self._brands = brands
        self._site_url = site_url

    def tenant(self, tenant_id: int) -> Tenant:
        """Return a brand by its number; raises `ConfigError` while it cannot be read."""
        slug = next((slug for slug, known in self._brands().items() if known == tenant_id), "")
        tenant = self._sites.by_slug(slug)
        if tenant is None:
            raise ConfigError(f"brand {slug or tenant_id} has no valid tenant file")
        return tenant

    @contextmanager
    def speaking(self, tenant: Tenant, asked: str) -> Iterator[str]:
        """Speak as the brand, in the language asked for where it has it; yields the origin that links begin with."""
        locale = asked if asked in tenant.config.locales else tenant.config.locale_default
        host = tenant.hosts[0]
        origin = self._site_url(host).rstrip("/")
        with self._app.test_request_context(base_url=origin):
            self._sites.enter(tenant, locale, host)
            yield origin

    @property
    def _sites(self) -> Sites:
        sites: Sites = self._app.extensions["copydesk_sites"]
        return sites
