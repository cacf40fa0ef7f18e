"""`copydesk tenant theme`: a brand in a theme and a color of its choice, to look at before anybody else does."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from copydesk.bootstrap import Runtime
from copydesk.cli import show
from copydesk.cli.brand import on_installation
from copydesk.cli.installation import print_json
from copydesk.cli.options import SLUG
from copydesk.cli.tenant_brand import configured
from copydesk.cli.tenant_colors import colors_in_theme
from copydesk.kernel import ConfigError
from copydesk.tenancy import Tenant
from copydesk.web.oklch import contrast
from copydesk.web.palette import EDGE_MIN, TEXT_MIN, Palette
from copydesk.web.theme_file import read_theme

_SCHEMES = ("light", "dark")


@click.group("theme")
def command() -> None:
    """See a brand in a theme and a color.

    \b
    Example:
      copydesk tenant theme preview aurora --theme obsidian
    """


@command.command("preview")
@SLUG
@click.option("--theme", help="Another theme than the brand's.")
@click.option("--color", help='Another brand color, such as "#0f766e".')
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="Where to [default: var/preview/….html].")
@click.option("--dry-run", is_flag=True, help="Show the palette; write nothing.")
@on_installation
def preview(
    runtime: Runtime, slug: str, theme: str | None, color: str | None, to: Path | None, dry_run: bool, as_json: bool
) -> int:
    """Write one file that shows every component of the site, and print the palette with its contrasts.

    Nothing about the brand changes; `copydesk tenant apply` does that. The file opens in any browser, without a server.

    \b
    Examples:
      copydesk tenant theme preview aurora
      copydesk tenant theme preview aurora --theme obsidian --color "#22d3ee" --to preview.html
    """
    brand = configured(runtime, slug)
    wanted = {"brand.theme": theme, "brand.colors.brand": color}
    changes = {key: value for key, value in wanted.items() if value}
    tenant = runtime.settings_desk.check(brand, changes, by_operator=True) if changes else brand
    palette = colors_in_theme(tenant, runtime.places.themes)
    contrasts = _contrasts(tenant, palette, runtime.places.themes)
    _show(tenant, palette, contrasts, as_json=as_json)
    place = to or runtime.places.var / "preview" / f"{slug}-{tenant.theme}.html"
    if not dry_run:
        _write(place, _page(runtime, tenant))
        click.echo(f"wrote {place}", err=as_json)
    if as_json:
        told: dict[str, object] = {"tenant": slug, "theme": tenant.theme, "color": tenant.config.brand.colors.brand}
        told |= {"corrections": [str(one) for one in palette.corrections], "dry_run": dry_run}
        rows = [{"token": name, "scheme": scheme, "color": c, "ratio": r} for name, scheme, c, r, _ in contrasts]
        print_json(told | {"path": "" if dry_run else str(place), "contrasts": rows})
    return 0


def _contrasts(tenant: Tenant, palette: Palette, themes: Path) -> list[tuple[str, str, str, float, float]]:
    """Return each color that is read, in both schemes: on which color it stands out how much, and what it owes."""
    grounds = read_theme(themes, tenant.theme).grounds
    rows = []
    for name, value in palette.tokens.items():
        if not (name.endswith("-ink") or name in ("brand-edge", "focus")):
            continue
        needed = TEXT_MIN if name.endswith("-ink") else EDGE_MIN
        pair = _pair(value)
        for scheme, color in zip(_SCHEMES, pair, strict=True):
            paper = getattr(grounds, scheme).paper
            rows.append((name, scheme, color, round(contrast(color, paper), 2), needed))
    return rows


def _pair(value: str) -> tuple[str, str]:
    """Read "light-dark(#…, #…)", or one color for both."""
    inner = value.removeprefix("light-dark(").removesuffix(")")
    first, _, second = (part.strip() for part in inner.partition(","))
    return first, second or first


def _show(
    tenant: Tenant, palette: Palette, contrasts: list[tuple[str, str, str, float, float]], *, as_json: bool
) -> None:
    click.echo(f"{tenant.name} in {tenant.theme}, {tenant.config.brand.colors.brand}", err=as_json)
    for name, scheme, color, ratio, needed in contrasts:
        line = f"{show.swatch(color)}  {name:<12} {scheme:<6} {color}  {ratio:5.2f} : 1 on paper, at least {needed:g}"
        click.echo(line, err=as_json)
    for one in palette.corrections:
        click.echo(f"note: {one}", err=as_json)


def _page(runtime: Runtime, tenant: Tenant) -> str:
    from copydesk.cli.tenant_preview import rendered

    return rendered(runtime, tenant)


def _write(place: Path, page: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(f".{place.name}")
        draft.write_text(page, encoding="utf-8")
        shutil.move(draft, place)
    except OSError as error:
        raise ConfigError(f"{place} cannot be written: {(error.strerror or str(error)).lower()}") from None
