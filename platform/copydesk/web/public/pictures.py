"""Pictures made from the brand: icons, the card of shared links, and what an installed app is called."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Response, request, url_for
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.web.access import needs
from copydesk.web.brand import MARK, brand_view, colors_of, look_of, picture_version, theme_of
from copydesk.web.headers import FILE_POLICY
from copydesk.web.pictures import Look, card_png, icon_ico, icon_png, monogram_svg
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site

_YEAR_S = 31_536_000
_DAY_S = 86_400
_APP_SIZES = (192, 512)
_PNG, _SVG, _ICO = "image/png", "image/svg+xml", "image/x-icon"
_ICONS: dict[str, tuple[str, Callable[[Look], bytes]]] = {
    "icon-192.png": (_PNG, lambda look: icon_png(look, 192)),
    "icon-512.png": (_PNG, lambda look: icon_png(look, 512)),
    "maskable-192.png": (_PNG, lambda look: icon_png(look, 192, maskable=True)),
    "maskable-512.png": (_PNG, lambda look: icon_png(look, 512, maskable=True)),
    "apple-touch-icon.png": (_PNG, lambda look: icon_png(look, 180, maskable=True)),
    "favicon.ico": (_ICO, icon_ico),
}


@public.get("/icon/<name>")
@needs(Permission.PUBLIC)
def icon(name: str) -> Response:
    """Serve one of the icons made from the brand's logo, or from its name where it has none."""
    tenant = current_site().tenant
    if name == MARK:
        radius = round(64 * brand_radius() / 48)
        return _picture(monogram_svg(look_of(tenant), radius_px=radius).encode(), _SVG)
    if name not in _ICONS:
        raise NotFound("There is no such picture.")
    content_type, paint = _ICONS[name]
    return _picture(paint(look_of(tenant)), content_type)


@public.get("/favicon.ico")
@needs(Permission.PUBLIC)
def favicon() -> Response:
    """Serve the icon that browsers ask for unasked."""
    return icon("favicon.ico")


@public.get("/apple-touch-icon.png")
@needs(Permission.PUBLIC)
def touch_icon() -> Response:
    """Serve the icon that telephones ask for unasked."""
    return icon("apple-touch-icon.png")


@public.get("/card.png")
@needs(Permission.PUBLIC)
def card() -> Response:
    """Serve what other sites show beside a link to this one."""
    return _picture(card_png(look_of(current_site().tenant)), _PNG)


@public.get("/manifest.webmanifest")
@needs(Permission.PUBLIC)
def manifest() -> Response:
    """Name the brand's app: what a browser installs is the brand's and nobody else's. Source: W3C, app manifest."""
    site = current_site()
    tenant, version = site.tenant, picture_version(site.tenant)
    brand, theme = tenant.config.brand, theme_of(tenant)
    icons = [
        {
            "src": url_for("public.icon", name=f"{kind}-{size}.png", v=version),
            "sizes": f"{size}x{size}",
            "type": _PNG,
            "purpose": "any" if kind == "icon" else "maskable",
        }
        for kind in ("icon", "maskable")
        for size in _APP_SIZES
    ]
    ground = theme.grounds.dark if theme.grounds.home == "dark" else theme.grounds.light
    content = {
        "id": "/",
        "name": brand.name,
        "short_name": brand.name[:12].strip(),
        "description": gettext(brand.tagline),
        "lang": site.lang,
        "dir": site.direction,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "theme_color": colors_of(tenant).tokens["brand"],
        "background_color": ground.paper,
        "icons": icons,
    }
    response = Response(json.dumps(content, ensure_ascii=False), content_type="application/manifest+json")
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Accept-Language")
    response.vary.add("Cookie")
    return response


def brand_radius() -> int:
    """Return how round the brand's corners are, in pixels."""
    return int(brand_view(current_site().tenant).tokens["radius"].removesuffix("px"))


def _picture(data: bytes, content_type: str) -> Response:
    response = Response(data, content_type=content_type)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    current = request.args.get("v") == picture_version(current_site().tenant)
    response.headers["Cache-Control"] = (
        f"public, max-age={_YEAR_S}, immutable" if current else f"public, max-age={_DAY_S}"
    )
    response.set_etag(picture_version(current_site().tenant))
    response.make_conditional(request)
    return response
