"""Which brand, and in which language: settled once per request from host, cookie and headers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from babel import Locale
from flask import Flask, Request, g, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.wrappers import Response

from copydesk.kernel import NotFound
from copydesk.tenancy import (
    FEATURE_DESK,
    FEATURE_LEADERBOARD,
    FEATURE_STRATEGY_PAGES,
    FEATURE_TRADERS,
    Tenant,
    setting_value,
)
from copydesk.web.port import Runtime

LOCALE_COOKIE = "locale"
LOCALE_QUERY = "lang"
_LOCALE_AGE_S = 31_536_000
BRANDLESS = frozenset({"health"})


@dataclass(frozen=True)
class Features:
    """Which public pages this brand has, and whether people may register to be copied."""

    desk: bool
    leaderboard: bool
    strategy_pages: bool
    traders: bool


@dataclass(frozen=True)
class Site:
    """One brand as one visitor sees it. `live_origin` is where this brand's live events come from."""

    tenant: Tenant
    locale: str
    live_origin: str

    @property
    def direction(self) -> str:
        return str(Locale.parse(self.locale).text_direction)

    @property
    def lang(self) -> str:
        """Return the locale as BCP 47, for `<html lang>`."""
        return self.locale.replace("_", "-")

    @property
    def locales(self) -> list[tuple[str, str]]:
        """List the brand's locales, each with its name in its own language."""
        tags = self.tenant.config.locales
        return [(tag, Locale.parse(tag).get_display_name(tag) or tag) for tag in tags]

    @property
    def features(self) -> Features:
        return Features(
            desk=setting_value(self.tenant, FEATURE_DESK, bool),
            leaderboard=setting_value(self.tenant, FEATURE_LEADERBOARD, bool),
            strategy_pages=setting_value(self.tenant, FEATURE_STRATEGY_PAGES, bool),
            traders=setting_value(self.tenant, FEATURE_TRADERS, bool),
        )

    @property
    def live_url(self) -> str:
        return f"{self.live_origin}/live/desk?{urlencode({'locale': self.locale})}"


def current_site() -> Site:
    """Return the request's brand; views run only when there is one."""
    site = g.get("site")
    assert isinstance(site, Site), "a page was rendered before the request had a brand"
    return site


def require_offered(offered: bool) -> None:
    """Raise NotFound where the brand does not have a page."""
    if not offered:
        raise NotFound("This site does not have that page.")


def site_or_none() -> Site | None:
    site = g.get("site")
    return site if isinstance(site, Site) else None


class Sites:
    """Find the brand of a host, and make it the brand of the current context."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def find(self, host: str) -> Tenant | None:
        """Look the host up in the directory, which follows the tenant files at most once a second."""
        self._runtime.directory.refresh_if_due()
        return self._runtime.directory.by_host(host)

    def by_slug(self, slug: str) -> Tenant | None:
        """Look a brand up by its slug, for what is written outside any request."""
        self._runtime.directory.refresh_if_due()
        return self._runtime.directory.by_slug(slug)

    def number_of(self, tenant: Tenant) -> int:
        """Return the number that the brand's rows carry."""
        return self._runtime.tenant_ids[tenant.slug]

    def enter(self, tenant: Tenant, locale: str, host: str) -> None:
        """Tie the current context to the brand: its rows, its words, its time zone."""
        g.tenant_id = self._runtime.tenant_ids[tenant.slug]
        g.site = Site(tenant, locale, self._runtime.live_url(host).rstrip("/"))


def init_sites(app: Flask, sites: Sites) -> None:
    """Settle the brand before each request; a host that is nobody's gets a neutral 404."""

    @app.before_request
    def _settle_brand() -> None:
        if request.endpoint in BRANDLESS:
            return
        if "\0" in request.path:
            raise NotFound("There is nothing here.")  # Neither PostgreSQL nor a file system takes this character.
        tenant = sites.find(request.host)
        if tenant is None:
            raise NotFound("There is nothing here.")
        sites.enter(tenant, wanted_locale(request, tenant), request.host)


def wanted_locale(asking: Request, tenant: Tenant) -> str:
    """Choose the visitor's language among the brand's: address, cookie, Accept-Language, then the default."""
    offered = tenant.config.locales
    asked = asking.args.get(LOCALE_QUERY, "").replace("-", "_")
    if asked in offered:
        return asked
    chosen = asking.cookies.get(LOCALE_COOKIE)
    if chosen in offered:
        return str(chosen)
    return best_locale(offered, asking.accept_languages) or tenant.config.locale_default


def keep_locale(response: Response, locale: str) -> None:
    """Have the browser remember a language for a year."""
    response.set_cookie(
        LOCALE_COOKIE, locale, max_age=_LOCALE_AGE_S, httponly=True, samesite="Lax", secure=request.is_secure
    )


def best_locale(offered: Iterable[str], accepted: LanguageAccept) -> str | None:
    tags = {tag.replace("_", "-"): tag for tag in offered}
    found = accepted.best_match(list(tags))
    return tags[found] if found else None


def babel_locale() -> Locale | None:
    """Answer Flask-Babel: without a brand, its own default holds."""
    site = site_or_none()
    return _locale(site.locale) if site else None


@cache
def _locale(tag: str) -> Locale:
    """Return a language as one object for all requests, as whom it is found at once wherever it is looked up."""
    return Locale.parse(tag)
