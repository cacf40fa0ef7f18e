"""A brand as pages show it: names, colors, and where its pictures and its font are found."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import current_app, url_for
from flask_babel import gettext  # type: ignore[import-untyped]
from sqlalchemy.exc import SQLAlchemyError

from copydesk.tenancy import Tenant, read_file
from copydesk.web.asking import transaction
from copydesk.web.palette import Palette
from copydesk.web.pictures import Look, logo_plate
from copydesk.web.theme import current_themes
from copydesk.web.theme_file import Theme, palette_of

MARK = "mark.svg"
_DRAWN = ".svg"
_VERSION_CHARS = 12


@dataclass(frozen=True)
class BrandView:
    """A brand as templates see it. `tokens` are CSS custom properties without their leading dashes.

    `logo_url` is None for a brand without a logo: its `mark_url` beside its name stands for one. `grounds` are the
    papers of light and dark pages, for the browser's own frame.
    """

    name: str
    tagline: str
    tokens: Mapping[str, str]
    density: str
    currency: str
    logo_url: str | None
    mark_url: str
    favicon_url: str
    touch_icon_url: str
    card_url: str
    manifest_url: str
    font_url: str | None
    grounds: tuple[str, str]


def brand_view(tenant: Tenant) -> BrandView:
    brand, theme, told = tenant.config.brand, theme_of(tenant), tenant.config.brand.model_fields_set
    radius = brand.radius_px if "radius_px" in told else theme.radius_px
    version = picture_version(tenant)
    mark = url_for("public.icon", name=MARK, v=version)
    return BrandView(
        name=brand.name,
        tagline=gettext(brand.tagline),
        tokens={**colors_of(tenant).tokens, "radius": f"{radius}px", **_plate(tenant, theme)},
        density=brand.density if "density" in told else theme.density,
        currency=tenant.config.currency,
        logo_url=asset_url(tenant, brand.logo) if brand.logo else None,
        mark_url=mark,
        favicon_url=asset_url(tenant, brand.favicon) if brand.favicon else mark,
        touch_icon_url=url_for("public.icon", name="apple-touch-icon.png", v=version),
        card_url=url_for("public.card", v=version),
        manifest_url=url_for("public.manifest"),
        font_url=asset_url(tenant, brand.font) if brand.font else None,
        grounds=(theme.grounds.light.paper, theme.grounds.dark.paper),
    )


def theme_of(tenant: Tenant) -> Theme:
    return current_themes().theme(tenant.theme)


def colors_of(tenant: Tenant) -> Palette:
    """Return the brand's palette; worked out once per choice of colors and theme."""
    return palette_of(tenant.config.brand.colors, theme_of(tenant))


def picture_version(tenant: Tenant) -> str:
    """Return what changes whenever any picture made from this brand does."""
    brand = tenant.config.brand
    assets = [asset_version(tenant, name) for name in (brand.logo, brand.favicon, brand.font) if name]
    made_from = repr((brand.name, brand.tagline, sorted(colors_of(tenant).tokens.items()), brand.theme, assets))
    return hashlib.sha256(made_from.encode()).hexdigest()[:_VERSION_CHARS]


def look_of(tenant: Tenant) -> Look:
    """Gather what the brand's pictures are made from; reads its logo and favicon where they are made of pixels."""
    brand, theme, tokens = tenant.config.brand, theme_of(tenant), colors_of(tenant).tokens
    own = tenant.asset(brand.font).path if brand.font else None
    lettering = current_themes().static_file(theme.name, theme.lettering) if theme.lettering else None
    return Look(
        name=brand.name,
        tagline=brand.tagline,
        brand=tokens["brand"],
        on_brand=tokens["on-brand"],
        accent=tokens["accent"],
        paper=theme.grounds.light.raised,
        ink=theme.grounds.light.ink,
        fonts=tuple(file for file in (own, lettering) if file),
        picture=_pixels(tenant, brand.logo),
        square=_pixels(tenant, brand.favicon),
    )


def asset_url(tenant: Tenant, name: str) -> str:
    """Return the address of a picture or font of the brand, with what changes when its content does."""
    asset = tenant.asset(name)
    return url_for("public.brand_file", path=asset.stored or name, v=asset_version(tenant, name))


def asset_version(tenant: Tenant, name: str) -> str | None:
    """Return the hash of an asset's content; None where its file is gone."""
    asset = tenant.asset(name)
    if asset.path is None:
        return asset.stored[:_VERSION_CHARS]  # A stored file is named by its content.
    return current_themes().fingerprint(asset.path) if asset.path.is_file() else None


def _plate(tenant: Tenant, theme: Theme) -> dict[str, str]:
    """Return the token of what is put behind the logo where it could not be seen; worked out once per logo."""
    logo = tenant.config.brand.logo
    if logo is None:
        return {}
    plates: dict[tuple[str, str, str | None], str | None] = current_app.extensions.setdefault("copydesk_plates", {})
    key = (tenant.slug, theme.name, asset_version(tenant, logo))
    if key not in plates:
        try:
            plates[key] = logo_plate(_asset(tenant, logo) or b"", theme.grounds)
        except SQLAlchemyError:
            return {}  # A page is shown without the database too; the next one looks again.
    plate = plates[key]
    return {"logo-plate": plate} if plate else {}


def _pixels(tenant: Tenant, name: str | None) -> bytes | None:
    return None if name is None or name.endswith(_DRAWN) else _asset(tenant, name)


def _asset(tenant: Tenant, name: str) -> bytes | None:
    """Return an asset's content; None where it is gone."""
    asset = tenant.asset(name)
    if asset.path is not None:
        return _content(asset.path)
    with transaction() as session:
        found = read_file(session, asset.stored)
    return found[0] if found else None


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
