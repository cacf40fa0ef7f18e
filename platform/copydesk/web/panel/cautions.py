"""What the panel says of a brand's colors: what pages make of them, and which had to be corrected to stay readable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.tenancy import Tenant
from copydesk.web.brand import colors_of
from copydesk.web.panel.words import label_of

_APART = "down-ink"
_SHOWN = ("brand", "accent", "up", "down")


@dataclass(frozen=True)
class Swatch:
    """One color as the brand chose it, and as the theme uses it for text."""

    label: str
    asked: str
    used: str
    corrected: bool


def cautions(tenant: Tenant) -> tuple[str, ...]:
    """Say which of the brand's colors the theme corrects, why, and what it uses instead."""
    told = []
    for one in colors_of(tenant).corrections:
        name = one.token.removesuffix("-ink").replace("focus", "brand")
        facts = {"label": label_of(f"brand.colors.{name}"), "asked": one.asked, "used": one.used}
        if one.token == _APART and one.needed < 1:
            other = label_of("brand.colors.up")
            told.append(
                gettext(
                    '%(label)s: %(asked)s cannot be told apart from "%(other)s"; %(used)s is used instead.',
                    **facts,
                    other=other,
                )
            )
        else:
            told.append(
                gettext(
                    "%(label)s: %(asked)s has a contrast of %(ratio)s on this theme's paper, and text needs "
                    "%(needed)s; where it stands as text %(used)s is used instead.",
                    **facts,
                    ratio=f"{one.ratio:.1f}",
                    needed=f"{one.needed:g}",
                )
            )
    return tuple(dict.fromkeys(map(str, told)))


def shut_out(tenant: Tenant) -> tuple[str, ...]:
    """Say so where the address that the visitor uses now would not be the brand's any more."""
    host = request.host.partition(":")[0]
    if host in tenant.hosts:
        return ()
    told = gettext(
        "You are at %(host)s, which is not among the host names any more: you will have to use another.", host=host
    )
    return (str(told),)


def swatches(tenant: Tenant) -> tuple[Swatch, ...]:
    """Return the brand's colors side by side with what pages make of them."""
    corrected = {one.token.removesuffix("-ink"): one.used for one in colors_of(tenant).corrections}
    chosen = tenant.config.brand.colors.tokens()
    return tuple(
        Swatch(label_of(f"brand.colors.{name}"), chosen[name], corrected.get(name, chosen[name]), name in corrected)
        for name in _SHOWN
        if name in chosen
    )


def color_values(tenant: Tenant) -> dict[str, Any]:
    """Return what the palette's template shows of a brand."""
    return {"swatches": swatches(tenant), "color_warnings": cautions(tenant)}
