"""From a brand's few colors and its theme's papers to every color of a page, each with the contrast it owes. Pure.

A color that cannot be read where it must be read is moved in lightness as little as it takes; hue and name stay.
What was moved so far that one sees it is a `Correction`, in words for whoever chose the color.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from copydesk.web.oklch import Lch, contrast, difference, hex_of, lch_of, mixed, seen_without_green

TEXT_MIN = 4.5  # WCAG 2.2, 1.4.3
EDGE_MIN = 3.0  # WCAG 2.2, 1.4.11: a control's edge, the ring around what has the focus
APART_MIN = 0.12
APART_COLOR_BLIND_MIN = 0.04
TOLD_MIN = 0.04  # Two colors less different than this are one color to whoever looks at a page.
_TEXT_AIM, _EDGE_AIM = TEXT_MIN + 0.08, EDGE_MIN + 0.05  # Browsers round mixtures their own way.
_TINT = 0.14  # Badges and banners stand on at most this much of their own color.
_PAPER_3 = 0.05
_STEPS = 16
_NUDGE = 0.004
_HOVER, _PRESS = 0.90, 0.80
_LIGHT, _DARK = "light", "dark"


@dataclass(frozen=True)
class Ground:
    """What a theme prints on, in one scheme: page, raised panels, and its text color."""

    paper: str
    raised: str
    ink: str


@dataclass(frozen=True)
class Grounds:
    """A theme's papers in both schemes; `home` is the one that it is drawn for, "light" or "dark"."""

    light: Ground = Ground("#f5f6f8", "#ffffff", "#14171c")
    dark: Ground = Ground("#14161a", "#1c1f25", "#eceef2")
    home: str = _LIGHT


@dataclass(frozen=True)
class Asked:
    """The colors that a brand chose, as "#rrggbb"; None leaves a color to the theme."""

    brand: str
    accent: str | None = None
    up: str | None = None
    down: str | None = None


@dataclass(frozen=True)
class Correction:
    """One color that was not used as asked: where it failed, with what ratio, what it owes, and what is used."""

    token: str
    scheme: str
    asked: str
    used: str
    ratio: float
    needed: float

    def __str__(self) -> str:
        if self.token == "down-ink" and self.needed < 1:  # noqa: S105 - the name of a color, not a password
            return f"colors.down {self.asked} looks too much like colors.up: {self.used} is used instead"
        what = "ring around what has the focus" if self.token == "focus" else "text"  # noqa: S105
        return (
            f"colors.{self.token.removesuffix('-ink').replace('focus', 'brand')} {self.asked} has a contrast of "
            f"{self.ratio:.1f} as {what} on this theme's {self.scheme} paper where {self.needed:g} is needed: "
            f"{self.used} is used there"
        )


@dataclass(frozen=True)
class Palette:
    """CSS custom properties without their dashes, and what had to be changed.

    `corrections` are those of the theme's own scheme, which its visitors see first; `adjusted` those of both.
    """

    tokens: Mapping[str, str]
    corrections: tuple[Correction, ...]
    adjusted: tuple[Correction, ...]


DEFAULTS = {"up": "#0b7a75", "down": "#b5472a", "warn": "#a16207", "info": "#2563a8"}
CORE_GROUNDS = Grounds()


@lru_cache(maxsize=1024)
def palette(asked: Asked, grounds: Grounds = CORE_GROUNDS) -> Palette:
    """Work out every color of a page; the same question is answered from memory."""
    adjusted: list[Correction] = []
    chosen = {
        "brand": asked.brand,
        "up": asked.up or DEFAULTS["up"],
        "down": asked.down or DEFAULTS["down"],
        "warn": DEFAULTS["warn"],
        "info": DEFAULTS["info"],
    }
    tokens = {"brand": asked.brand, "accent": asked.accent or asked.brand, **_on_brand(asked.brand)}
    schemes = ((_LIGHT, grounds.light), (_DARK, grounds.dark))
    inks = {scheme: {n: _ink(n, c, scheme, ground, adjusted) for n, c in chosen.items()} for scheme, ground in schemes}
    for scheme, ground in schemes:
        _keep_apart(inks[scheme], scheme, ground, adjusted)
    for name in chosen:
        tokens[f"{name}-ink"] = _both(inks[_LIGHT][name], inks[_DARK][name])
    edges = {scheme: readable(asked.brand, _papers(ground), _EDGE_AIM) for scheme, ground in schemes}
    tokens["brand-edge"] = tokens["focus"] = _both(edges[_LIGHT], edges[_DARK])
    told = {name for name in ("brand", "up", "down") if getattr(asked, name)}
    noted = tuple(one for one in adjusted if one.token.removesuffix("-ink") in told)
    return Palette(tokens, tuple(one for one in noted if one.scheme == grounds.home), noted)


def readable(color: str, grounds: Iterable[str], needed: float) -> str:
    """Return the color, or the nearest in lightness whose contrast with every ground is enough.

    Raises ValueError for grounds that no color can be read on, such as black beside white.
    """
    papers = tuple(grounds)
    if _worst(color, papers) >= needed:
        return color
    origin = lch_of(color)
    moved = [found for end in (0.0, 1.0) if (found := _moved(origin, end, papers, needed))]
    if not moved:
        raise ValueError(f"nothing has a contrast of {needed:g} with all of {', '.join(papers)}")
    return min(moved, key=lambda found: abs(lch_of(found).lightness - origin.lightness))


def _moved(origin: Lch, end: float, papers: tuple[str, ...], needed: float) -> str | None:
    """Return the color nearest to the origin, on the way to black (0) or white (1), that can be read."""

    def at(lightness: float) -> str:
        return hex_of(Lch(lightness, origin.chroma, origin.hue))

    if _worst(at(end), papers) < needed:
        return None
    near, far = origin.lightness, end
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (near, middle) if _worst(at(middle), papers) >= needed else (middle, far)
    while _worst(at(far), papers) < needed:  # Rounding to 8 bits may have lost what the last step had won.
        far = far + _NUDGE if end else far - _NUDGE
    return at(far)


def _ink(name: str, color: str, scheme: str, ground: Ground, adjusted: list[Correction]) -> str:
    """Return the color as it can be read on every paper of a scheme, and on a tint of itself."""
    papers = _papers(ground)
    used = _on_own_tint(readable(color, papers, _TEXT_AIM), ground)
    ratio = _worst(color, papers)
    if ratio < TEXT_MIN and difference(color, used) >= TOLD_MIN:
        adjusted.append(Correction(f"{name}-ink", scheme, color, used, ratio, TEXT_MIN))
    return used


def _on_own_tint(color: str, ground: Ground) -> str:
    """Move a readable color on until it can be read on what badges and banners make of it."""
    step = -_NUDGE if contrast(ground.raised, "#000000") > contrast(ground.raised, "#ffffff") else _NUDGE
    lch = lch_of(color)
    lightness = lch.lightness
    while contrast(color, mixed(color, _TINT, ground.raised)) < _TEXT_AIM and 0 < lightness < 1:
        lightness = min(max(lightness + step, 0.0), 1.0)
        color = hex_of(Lch(lightness, lch.chroma, lch.hue))
    return color


def _keep_apart(inks: dict[str, str], scheme: str, ground: Ground, adjusted: list[Correction]) -> None:
    """Replace a pair that cannot be told apart, by common and by color-blind eyes, with the theme's own."""
    up, down = inks["up"], inks["down"]
    if _apart(up, down):
        return
    unheard: list[Correction] = []
    inks["down"] = _ink("down", DEFAULTS["down"], scheme, ground, unheard)
    if not _apart(up, inks["down"]):
        inks["up"] = _ink("up", DEFAULTS["up"], scheme, ground, unheard)
    adjusted.append(Correction("down-ink", scheme, down, inks["down"], difference(up, down), APART_MIN))


def _apart(up: str, down: str) -> bool:
    blind = difference(seen_without_green(up), seen_without_green(down))
    return difference(up, down) >= APART_MIN and blind >= APART_COLOR_BLIND_MIN


def _on_brand(brand: str) -> dict[str, str]:
    """Choose black or white text for the brand's own ground: one of them always has 4.58 or more.

    Under the pointer the ground moves away from its text, never toward it.
    """
    text = max("#ffffff", "#000000", key=lambda color: contrast(color, brand))
    away = "#000000" if text == "#ffffff" else "#ffffff"
    hover, press = (mixed(brand, share, away) for share in (_HOVER, _PRESS))
    return {"on-brand": text, "brand-hover": hover, "brand-press": press}


def _papers(ground: Ground) -> tuple[str, ...]:
    return ground.paper, ground.raised, mixed(ground.ink, _PAPER_3, ground.paper)


def _worst(color: str, papers: tuple[str, ...]) -> float:
    return min(contrast(color, paper) for paper in papers)


def _both(light: str, dark: str) -> str:
    return light if light == dark else f"light-dark({light}, {dark})"
