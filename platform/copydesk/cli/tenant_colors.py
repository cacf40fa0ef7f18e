"""A brand's colors as its theme uses them, and what of them had to be corrected."""

from __future__ import annotations

from pathlib import Path

from copydesk.cli.tenant_answers import COLORS
from copydesk.kernel import ConfigError
from copydesk.tenancy import Colors, Tenant
from copydesk.web.palette import Correction, Palette
from copydesk.web.theme_file import palette_of, read_theme


def colors_in_theme(tenant: Tenant, themes: Path) -> Palette:
    """Work out every color of a brand in its theme; raises ConfigError for a theme that is wrong."""
    return palette_of(tenant.config.brand.colors, read_theme(themes, tenant.theme))


def corrections_of(tenant: Tenant, themes: Path) -> tuple[Correction, ...]:
    """Return which of the brand's colors are not used as asked, and why."""
    return colors_in_theme(tenant, themes).corrections


def color_for(themes: Path, name: str) -> str:
    """Return a color for a brand that names none: one that this theme needs not correct, if any."""
    try:
        theme = read_theme(themes, name)
    except ConfigError:
        return COLORS[0]
    return next((one for one in COLORS if not palette_of(Colors(brand=one), theme).corrections), COLORS[0])
