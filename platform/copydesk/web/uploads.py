"""Pictures that visitors send: read within limits, and painted anew, so that nothing but the picture is kept.

What is stored is never what was sent: metadata, a second file hidden behind the first, and tricks against some other
reader do not survive being painted. SVG is refused: it is a program. Sources: OWASP File Upload; CWE-409.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from flask import Flask, current_app, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import InvalidInput

if TYPE_CHECKING:
    from PIL.Image import Image

BYTES_MAX = 2 * 1024 * 1024
PIXELS_MAX = 16_000_000
SIDE_MAX = 8_000
_FORM_BYTES = 64 * 1024  # What the rest of a form may be beside its file.
_READ = ("PNG", "JPEG", "WEBP")
_WEBP_QUALITY = 85

F = TypeVar("F", bound=Callable[..., Any])


class Painted(StrEnum):
    """In which form a picture is kept."""

    WEBP = "webp"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture painted anew."""

    data: bytes
    form: Painted
    width: int
    height: int

    @property
    def content_type(self) -> str:
        return f"image/{self.form}"


def takes_file(bytes_max: int = BYTES_MAX) -> Callable[[F], F]:
    """Let a view take a body that is larger than a form; stands below the route, any order with `needs`."""

    def declare(view: F) -> F:
        @wraps(view)
        def same(*args: Any, **values: Any) -> Any:
            return view(*args, **values)

        same.body_bytes_max = bytes_max + _FORM_BYTES  # type: ignore[attr-defined]
        return same  # type: ignore[return-value]

    return declare


def init_uploads(app: Flask) -> None:
    """Set each request's limit before anybody reads its body: the application's, unless its view takes more."""

    @app.before_request
    def _limit_body() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        bytes_max = getattr(view, "body_bytes_max", None)
        if isinstance(bytes_max, int):
            request.max_content_length = bytes_max


def painted_anew(
    field: str, stream: BinaryIO, *, form: Painted = Painted.WEBP, side_max: int = 1024, bytes_max: int = BYTES_MAX
) -> Picture:
    """Read a PNG, JPEG or WebP and paint it anew, no side longer than `side_max`; raises `InvalidInput` by field.

    The size that a file claims is looked at before a single pixel is unpacked. Of an animation the first frame counts.
    """
    data = stream.read(bytes_max + 1)
    if not data:
        raise InvalidInput(gettext("%(field)s: choose a picture first.", field=field), code="picture_missing")
    if len(data) > bytes_max:
        told = gettext("%(field)s: expected at most %(limit)s KiB.", field=field, limit=bytes_max // 1024)
        raise InvalidInput(told, code="picture_too_large")
    try:
        return _painted(_opened(field, data), form, side_max)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        # What Pillow raises for a file that breaks off, or is not what its first bytes say.
        raise _unreadable(field) from None


def _opened(field: str, data: bytes) -> Image:
    """Open within the limits; only the three forms are tried, whatever the file calls itself."""
    import PIL.Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
            found = PIL.Image.open(BytesIO(data), formats=_READ)
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise _too_wide(field) from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise _unreadable(field) from None
    width, height = found.size
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX and width * height <= PIXELS_MAX):
        raise _too_wide(field)
    return found


def _painted(found: Image, form: Painted, side_max: int) -> Picture:
    import PIL.Image
    import PIL.ImageOps

    # A camera's note of which side is up is metadata: it is carried out, then left behind.
    upright = PIL.ImageOps.exif_transpose(found).convert("RGBA")
    upright.thumbnail((side_max, side_max), PIL.Image.Resampling.LANCZOS)
    canvas = PIL.Image.new("RGBA", upright.size)
    canvas.paste(upright)
    kept = canvas.convert("RGB") if canvas.getchannel("A").getextrema() == (255, 255) else canvas
    out = BytesIO()
    if form is Painted.PNG:
        kept.save(out, "PNG", optimize=True)
    else:
        kept.save(out, "WEBP", quality=_WEBP_QUALITY, method=4)
    return Picture(out.getvalue(), form, *kept.size)


def _unreadable(field: str) -> InvalidInput:
    told = gettext("%(field)s: expected a PNG, JPEG or WebP picture.", field=field)
    return InvalidInput(told, code="picture_unreadable")


def _too_wide(field: str) -> InvalidInput:
    told = gettext("%(field)s: expected at most %(pixels)s million pixels.", field=field, pixels=PIXELS_MAX // 10**6)
    return InvalidInput(told, code="picture_too_wide")
