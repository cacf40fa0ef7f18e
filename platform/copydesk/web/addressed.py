"""Each language version of a public page under an address of its own, for search engines and for links.

`?lang=es` shows a page in Spanish whatever the browser prefers, and leaves no cookie. The plain address shows the
default language to whoever names no preference, so it is that language's own address and the one for everybody else.
Source: "Localized versions of your pages" of Google Search Central; RFC 8288 and HTML for `alternate`, `canonical`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import request

from copydesk.tenancy import Tenant
from copydesk.web.asking import runtime
from copydesk.web.site import LOCALE_QUERY, current_site

ANY_LANGUAGE = "x-default"
# Blueprints whose pages show everybody the same, and may be found by everybody.
_FOUND_BY_ALL = frozenset({"public", "legal"})
_HIDDEN = frozenset({"public.patterns"})


@dataclass(frozen=True, slots=True)
class Addressed:
    """A page as search engines should know it: its own address, and each language's as (BCP 47 tag, address)."""

    canonical: str
    versions: tuple[tuple[str, str], ...]


def addressed() -> Addressed | None:
    """Return the addresses of the page that is being shown; None where nobody should find it."""
    public = request.blueprint in _FOUND_BY_ALL and request.endpoint not in _HIDDEN
    if not public or request.method not in {"GET", "HEAD"}:
        return None
    site = current_site()
    return Addressed(address_in(site.tenant, request.path, site.locale), versions_of(site.tenant, request.path))


def versions_of(tenant: Tenant, path: str) -> tuple[tuple[str, str], ...]:
    """Return a page's address in each language of the brand, and the one for every other."""
    config = tenant.config
    own = [(locale.replace("_", "-"), address_in(tenant, path, locale)) for locale in config.locales]
    return (*own, (ANY_LANGUAGE, address_in(tenant, path, config.locale_default)))


def address_in(tenant: Tenant, path: str, locale: str) -> str:
    """Return a page's address in one language, at the brand's first host."""
    query = "" if locale == tenant.config.locale_default else f"?{urlencode({LOCALE_QUERY: locale.replace('_', '-')})}"
    return f"{runtime().site_url(tenant.hosts[0]).rstrip('/')}{path}{query}"
