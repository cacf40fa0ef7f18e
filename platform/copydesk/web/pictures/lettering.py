"""Letters on pictures: a font that has them all, in the size in which they fit."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = FreeTypeFont | ImageFont

# Where distributions put faces that know many scripts; used for names that the brand's own faces cannot write.
_SYSTEM_FACES = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
    Path("/usr/share/fonts/truetype/noto/NotoSansArabic-Bold.ttf"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),
)
_NO_GLYPH = "\uffff"
_SIZE_MIN = 12
_SHRINK = 0.92


def fitting(text: str, faces: Iterable[Path], size: int, width: int) -> Font | None:
    """Return the first face that can write the whole text, no wider than this; None where none can."""
    for face in (*faces, None, *_SYSTEM_FACES):
        font = _font(face, size)
        if font is None or not _writes(font, text):
            continue
        while font.getlength(text) > width and size > _SIZE_MIN:
            size = int(size * _SHRINK)
            font = _font(face, size) or font
        return font
    return None


def lines(text: str, font: Font, width: int, most: int) -> list[str]:
    """Break a text into lines that fit; what does not fit into the last one is left out, with a mark."""
    broken: list[str] = []
    for word in text.split():
        longer = f"{broken[-1]} {word}" if broken else word
        if broken and font.getlength(longer) <= width:
            broken[-1] = longer
        else:
            broken.append(word)
    if len(broken) > most:
        broken[most - 1] += " …"
    return broken[:most]


@lru_cache(maxsize=64)
def _font(face: Path | None, size: int) -> Font | None:
    from PIL import ImageFont

    if face is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(face, size)
    except OSError:
        return None


def _writes(font: Font, text: str) -> bool:
    """Tell whether the face has a glyph for every character, by what it draws for one that nobody has."""
    missing = bytes(font.getmask(_NO_GLYPH))
    return all(char.isspace() or bytes(font.getmask(char)) != missing for char in set(text))
