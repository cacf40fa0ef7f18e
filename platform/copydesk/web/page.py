"""Renders a page of the request's brand: what every template sees beside its own values."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.local import LocalProxy

from copydesk.identity import Visitor
from copydesk.trading import Environment
from copydesk.web.addressed import addressed
from copydesk.web.brand import brand_view
from copydesk.web.demo_offer import demo_offered
from copydesk.web.headers import csp_nonce
from copydesk.web.legal_links import legal_links
from copydesk.web.me_link import live_me
from copydesk.web.reader import reader_timezone
from copydesk.web.site import current_site
from copydesk.web.theme import current_themes
from copydesk.web.theme_file import SITE
from copydesk.web.visitor import current_visitor, nobody


def render(template: str, **values: Any) -> str:
    """Render a template in the brand's theme."""
    site = current_site()
    return current_themes().render(site.tenant.theme, template, {**page_values(), **values})


def page_values() -> dict[str, Any]:
    site = current_site()
    theme = site.tenant.theme
    return {
        "brand": brand_view(site.tenant),
        "tenant": site.tenant.slug,
        "theme": theme,
        "locale": site.locale,
        "lang": site.lang,
        "zone": LocalProxy(reader_timezone),
        "locales": site.locales,
        "direction": site.direction,
        "features": site.features,
        "simulated": all(exchange.environment is Environment.LAB for exchange in site.tenant.config.exchanges),
        "section": "",
        "place": "",
        "visitor": LocalProxy(_shown_visitor),
        "here": request.path,
        "addressed": addressed,
        "demo_offered": LocalProxy(demo_offered),
        "legal": legal_links(),
        "live_url": site.live_url,
        "live_me": live_me,
        "csp_nonce": csp_nonce(),
        "kind": SITE,
        "origin": request.host_url.rstrip("/"),
        "styles": lambda kind: current_themes().bundle_url(theme, kind),
        "asset": lambda path: current_themes().asset_url(theme, path),
        "asset_exists": lambda path: current_themes().static_file(theme, path) is not None,
    }


def _shown_visitor() -> Visitor:
    """Return who the page is shown to; while the database is away, everybody is a stranger to it."""
    try:
        return current_visitor()
    except SQLAlchemyError:
        return nobody()
