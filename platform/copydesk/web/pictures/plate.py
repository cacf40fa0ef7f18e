"""Tells which paper a logo is drawn for, so that it gets a plate of that paper where it could not be seen."""

from __future__ import annotations

import io
import math
import re
from functools import lru_cache

from copydesk.web.oklch import contrast
from copydesk.web.palette import Grounds

SEEN_MIN = 2.5
_DRAWN_COLOR = re.compile(rb"(?:fill|stroke|stop-color)\s*[=:]\s*[\"']?(#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3})\b")
_THUMB = 24
_OPAQUE = 128
_SHARE_MIN = 0.04
_COLORS_MAX = 8


@lru_cache(maxsize=512)
def logo_plate(logo: bytes, grounds: Grounds) -> str | None:
    """Return a CSS color to put behind the logo, of one scheme or none; None where it needs no plate anywhere."""
    colors = _colors(logo)
    if not colors:
        return None
    light, dark = (_contrasts(colors, paper) for paper in (grounds.light.raised, grounds.dark.raised))
    if _strength(light) >= _strength(dark):
        return None if min(dark) >= SEEN_MIN else f"light-dark(transparent, {grounds.light.raised})"
    return None if min(light) >= SEEN_MIN else f"light-dark({grounds.dark.raised}, transparent)"


def _contrasts(colors: list[str], paper: str) -> list[float]:
    return [contrast(color, paper) for color in colors]


def _strength(contrasts: list[float]) -> float:
    return sum(map(math.log, contrasts))


def _colors(logo: bytes) -> list[str]:
    """Return the colors that make up a picture: all of a drawing, the frequent ones of one made of pixels."""
    if b"<svg" in logo:
        return sorted({_long(found.decode()) for found in _DRAWN_COLOR.findall(logo)})
    return _painted(logo)


def _painted(logo: bytes) -> list[str]:
    from PIL import Image, UnidentifiedImageError

    try:
        picture = Image.open(io.BytesIO(logo), formats=("PNG", "WEBP")).convert("RGBA").resize((_THUMB, _THUMB))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return []
    solid = picture.getchannel("A").point(lambda alpha: 255 if alpha >= _OPAQUE else 0)
    few = picture.convert("RGB").quantize(_COLORS_MAX)
    palette = few.getpalette() or []
    counts = few.histogram(mask=solid)
    whole = sum(counts) or 1
    frequent = [index for index, count in enumerate(counts) if count / whole >= _SHARE_MIN]
    return ["#" + "".join(f"{channel:02x}" for channel in palette[3 * at : 3 * at + 3]) for at in frequent]


def _long(color: str) -> str:
    return color if len(color) == 7 else "#" + "".join(digit * 2 for digit in color[1:])
