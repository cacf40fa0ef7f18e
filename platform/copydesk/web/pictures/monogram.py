"""The brand's first letters on its color, as a drawing."""

from __future__ import annotations

from markupsafe import escape

from copydesk.web.pictures.look import Look

_SIZES = {1: 40, 2: 30}


def monogram_svg(look: Look, *, radius_px: int = 14) -> str:
    """Draw the letters in a rounded square of 64."""
    letters = look.letters
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
        f'<rect width="64" height="64" rx="{min(radius_px, 32)}" fill="{look.brand}"/>'
        f'<text x="32" y="33" fill="{look.on_brand}" font-size="{_SIZES[len(letters)]}" font-weight="700" '
        'font-family="system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif" text-anchor="middle" '
        f'dominant-baseline="central">{escape(letters)}</text></svg>'
    )
