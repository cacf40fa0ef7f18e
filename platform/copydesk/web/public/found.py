"""What search engines read of a brand's site: `/robots.txt` and `/sitemap.xml`, with every language version."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from flask import Response

from copydesk.identity.access import Permission
from copydesk.performance.board import listed_slugs
from copydesk.web.access import needs
from copydesk.web.addressed import address_in, versions_of
from copydesk.web.database import brand_session
from copydesk.web.legal_links import legal_links
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site

_AGE_S = 3_600
_NOT_FOR_SEARCH = ("/account", "/keys", "/risk", "/staff", "/panel", "/language", "/_patterns")
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    ' xmlns:xhtml="http://www.w3.org/1999/xhtml">\n'
)


@public.get("/robots.txt")
@needs(Permission.PUBLIC)
def robots() -> Response:
    """Keep search engines out of everybody's own pages, and show them the map. Source: RFC 9309."""
    tenant = current_site().tenant
    sitemap = address_in(tenant, "/sitemap.xml", tenant.config.locale_default)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _NOT_FOR_SEARCH), "", f"Sitemap: {sitemap}"]
    return _kept(Response("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8"))


@public.get("/sitemap.xml")
@needs(Permission.PUBLIC)
def sitemap() -> Response:
    """List every public page, each in every language. Source: sitemaps.org, protocol 0.9."""
    entries = "".join(_entry(path) for path in _paths())
    return _kept(Response(f"{_HEAD}{entries}</urlset>\n", content_type="application/xml; charset=utf-8"))


def _paths() -> Iterator[str]:
    features = current_site().features
    yield from ("/", "/fees", "/markets")
    if features.desk:
        yield "/desk"
    if features.leaderboard:
        yield "/strategies"
    if features.leaderboard or features.strategy_pages:
        yield "/methodology"
    if features.strategy_pages:
        for slug in listed_slugs(brand_session()):
            yield f"/strategies/{slug}"
    yield from (link.path for link in legal_links())


def _entry(path: str) -> str:
    tenant = current_site().tenant
    others = "".join(
        f'<xhtml:link rel="alternate" hreflang="{escape(lang)}" href="{escape(address)}"/>'
        for lang, address in versions_of(tenant, path)
    )
    own = escape(address_in(tenant, path, tenant.config.locale_default))
    return f"<url><loc>{own}</loc>{others}</url>\n"


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={_AGE_S}"
    return response
