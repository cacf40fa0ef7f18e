"""Renders a page of the request's brand: what every template sees beside its own values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.local import LocalProxy

from copydesk.identity import Visitor
from copydesk.tenancy import Tenant
from copydesk.trading import Environment
from copydesk.web.headers import csp_nonce
from copydesk.web.site import current_site
from copydesk.web.theme import current_themes
from copydesk.web.visitor import current_visitor, nobody


@dataclass(frozen=True)
class BrandView:
    """A brand as templates see it. `tokens` are CSS custom properties without their leading dashes."""

    name: str
    tagline: str
    tokens: Mapping[str, str]
    density: str
    currency: str
    logo_url: str
    favicon_url: str
    font_url: str | None


def brand_view(tenant: Tenant) -> BrandView:
    brand = tenant.config.brand
    return BrandView(
        name=brand.name,
        tagline=brand.tagline,
        tokens={**brand.colors.tokens(), "radius": f"{brand.radius_px}px"},
        density=brand.density,
        currency=tenant.config.currency,
        logo_url=_brand_url(tenant, brand.logo),
        favicon_url=_brand_url(tenant, brand.favicon),
        font_url=_brand_url(tenant, brand.font) if brand.font else None,
    )


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
        "locales": site.locales,
        "direction": site.direction,
        "features": site.features,
        "simulated": all(exchange.environment is Environment.LAB for exchange in site.tenant.config.exchanges),
        "section": "",
        "place": "",
        "visitor": LocalProxy(_shown_visitor),
        "here": request.path,
        "live_url": site.live_url,
        "csp_nonce": csp_nonce(),
        "asset": lambda path: current_themes().asset_url(theme, path),
        "asset_exists": lambda path: current_themes().static_file(theme, path) is not None,
    }


def _shown_visitor() -> Visitor:
    """Return who the page is shown to; while the database is away, everybody is a stranger to it."""
    try:
        return current_visitor()
    except SQLAlchemyError:
        return nobody()


def _brand_url(tenant: Tenant, name: str) -> str:
    file = tenant.asset_path(name)
    version = current_themes().fingerprint(file) if file.is_file() else None
    return url_for("public.brand_file", path=name, v=version)
