"""Colors as numbers: sRGB, OKLab and contrast. Pure.

OKLab after Björn Ottosson, https://bottosson.github.io/posts/oklab/ (2020); contrast and relative luminance after
WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. Colors are "#rrggbb" outside, floats inside: no money here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_GAMUT_SLACK = 1e-4
_CHROMA_STEPS = 14


@dataclass(frozen=True)
class Lch:
    """A color by lightness 0..1, chroma (0 is gray) and hue in radians: what the eye calls lighter and stronger."""

    lightness: float
    chroma: float
    hue: float


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colors, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(color: str) -> float:
    """Return the relative luminance, 0 (black) to 1 (white)."""
    red, green, blue = _linear(color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def lch_of(color: str) -> Lch:
    """Take a color apart."""
    lightness, a, b = oklab(color)
    return Lch(lightness, math.hypot(a, b), math.atan2(b, a))


def hex_of(color: Lch) -> str:
    """Return the nearest color that screens have: lightness and hue stay, chroma gives way."""
    lightness = min(max(color.lightness, 0.0), 1.0)
    if _fits(_rgb(lightness, color.chroma, color.hue)):
        return _hex(_rgb(lightness, color.chroma, color.hue))
    low, high = 0.0, color.chroma
    for _ in range(_CHROMA_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _fits(_rgb(lightness, middle, color.hue)) else (low, middle)
    return _hex(_rgb(lightness, low, color.hue))


def oklab(color: str) -> tuple[float, float, float]:
    """Return lightness and the two opponent axes; their Euclidean distance is how different two colors look."""
    red, green, blue = _linear(color)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def difference(one: str, other: str) -> float:
    """Return how different two colors look: 0 is alike, black and white are 1 apart."""
    return math.dist(oklab(one), oklab(other))


def mixed(color: str, share: float, ground: str) -> str:
    """Return what `color-mix(in oklab, color share%, ground)` gives in CSS."""
    lightness, a, b = (share * x + (1 - share) * y for x, y in zip(oklab(color), oklab(ground), strict=True))
    return _hex(_rgb(lightness, math.hypot(a, b), math.atan2(b, a)))


def seen_without_green(color: str) -> str:
    """Return the color as most color-blind eyes see it: deuteranopia after Machado, Oliveira, Fernandes (2009)."""
    red, green, blue = _linear(color)
    return _hex(
        (
            0.367322 * red + 0.860646 * green - 0.227968 * blue,
            0.280085 * red + 0.672501 * green + 0.047413 * blue,
            -0.011820 * red + 0.042940 * green + 0.968881 * blue,
        )
    )


def _linear(color: str) -> tuple[float, float, float]:
    """Undo the gamma of sRGB (IEC 61966-2-1)."""
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _degamma(red), _degamma(green), _degamma(blue)


def _degamma(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _rgb(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _fits(rgb: tuple[float, float, float]) -> bool:
    return all(-_GAMUT_SLACK <= channel <= 1 + _GAMUT_SLACK for channel in rgb)


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(_gamma(min(max(channel, 0.0), 1.0)) * 255):02x}" for channel in rgb)


def _gamma(channel: float) -> float:
    return float(channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055)
