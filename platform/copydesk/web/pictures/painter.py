"""Paints icons and the card of shared links. A brand without a picture made of pixels gets its letters on its color."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING

from copydesk.web.pictures.lettering import fitting, lines
from copydesk.web.pictures.look import Look

if TYPE_CHECKING:
    from PIL.Image import Image

CARD_SIZE = (1200, 630)  # Open Graph's large picture, 1.91 to 1.
ICO_SIZES = (16, 32, 48)
_KEPT_MAX = 96
_MARGIN = 96
_ROUND = (
    0.22  # Of the side. A maskable icon fills its square: the system cuts its shape (W3C, app manifest: 40 % safe).
)
_SAFE = 0.66
_FILLED = 0.84
_LETTERS = {1: 0.60, 2: 0.44}


@lru_cache(maxsize=_KEPT_MAX)
def icon_png(look: Look, size: int, *, maskable: bool = False) -> bytes:
    """Paint a square icon; the same icon is answered from memory."""
    return _png(_icon(look, size, maskable=maskable))


@lru_cache(maxsize=_KEPT_MAX)
def icon_ico(look: Look) -> bytes:
    """Paint the small icon that browsers ask every site for."""
    written = io.BytesIO()
    _icon(look, ICO_SIZES[-1]).save(written, "ICO", sizes=[(side, side) for side in ICO_SIZES])
    return written.getvalue()


@lru_cache(maxsize=_KEPT_MAX)
def card_png(look: Look) -> bytes:
    """Paint what other sites show beside a link to this one."""
    from PIL import Image, ImageDraw

    picture = _opened(look.picture)
    ground, ink = (look.paper, look.ink) if picture else (look.brand, look.on_brand)
    card = Image.new("RGB", CARD_SIZE, ground)
    pen = ImageDraw.Draw(card)
    width, height = CARD_SIZE
    room = width - 2 * _MARGIN
    if picture:
        fitted = _contained(picture, room, 240)
        card.paste(fitted, (_MARGIN, 120), fitted)
        top = 120 + fitted.height + 64
    else:
        top = _name(card, look, room)
    if told := fitting(look.tagline, look.fonts, 44, 10_000):
        for row, line in enumerate(lines(look.tagline, told, room, 2)):
            pen.text((_MARGIN, top + row * 60), line, fill=ink, font=told)
    pen.rectangle((0, height - 24, width, height), fill=look.brand if picture else look.accent)
    return _png(card)


def _name(card: Image, look: Look, room: int) -> int:
    """Write letters and name of a brand without a picture; return where what follows begins."""
    from PIL import ImageDraw

    mark = _icon(look, 160, inverted=True)
    card.paste(mark, (_MARGIN, 96), mark)
    font = fitting(look.name, look.fonts, 112, room)
    if font is None:
        return 320
    ImageDraw.Draw(card).text((_MARGIN, 300), look.name, fill=look.on_brand, font=font, anchor="lt")
    return 300 + int(font.getbbox(look.name)[3]) + 40


def _icon(look: Look, size: int, *, maskable: bool = False, inverted: bool = False) -> Image:
    from PIL import Image, ImageDraw

    scale = 4 if size < 128 else 2  # Painted larger and made smaller: round corners without steps.
    side = size * scale
    picture = None if inverted else _opened(look.square or look.picture)
    ground, ink = (look.on_brand, look.brand) if inverted else (look.brand, look.on_brand)
    icon = Image.new("RGBA", (side, side))
    pen = ImageDraw.Draw(icon)
    radius = 0 if maskable else int(side * _ROUND)
    pen.rounded_rectangle((0, 0, side - 1, side - 1), radius, fill=look.paper if picture else ground)
    if picture:
        fitted = _contained(picture, *[int(side * (_SAFE if maskable else _FILLED))] * 2)
        icon.alpha_composite(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
    else:
        share = _LETTERS[len(look.letters)] * (_SAFE / _FILLED if maskable else 1)
        font = fitting(look.letters, look.fonts, int(side * share), side)
        if font:
            left, top, right, bottom = pen.textbbox((0, 0), look.letters, font=font)
            place = (side - right - left) / 2, (side - bottom - top) / 2
            pen.text(place, look.letters, fill=ink, font=font)
    return icon.resize((size, size), Image.Resampling.LANCZOS)


def _opened(data: bytes | None) -> Image | None:
    """Return a picture ready to be pasted; None where there is none that Pillow reads."""
    from PIL import Image, UnidentifiedImageError

    if data is None:
        return None
    try:
        return Image.open(io.BytesIO(data), formats=("PNG", "WEBP", "ICO")).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError):
        return None


def _contained(picture: Image, width: int, height: int) -> Image:
    from PIL import Image

    share = min(width / picture.width, height / picture.height)
    size = max(1, round(picture.width * share)), max(1, round(picture.height * share))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _png(image: Image) -> bytes:
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    return written.getvalue()
