"""What the doctor looks at besides: the brand's colors and logo as its theme shows them, and the roles that run."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

from copydesk.bootstrap import Runtime
from copydesk.bootstrap.beat import FRESH_S, running_configs
from copydesk.cli.tenant_colors import corrections_of
from copydesk.doctor import Case, Check, Result, fail, ok, warn
from copydesk.stack import ROLES
from copydesk.tenancy import read_file

LOGO_BYTES_MAX = 2_000_000
_DRAWING = re.compile(rb"(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<svg[\s>].*</svg>", re.DOTALL)
_REMEDY = "Give brand.logo an SVG, PNG or WebP picture that opens, or none."


def site_checks(runtime: Runtime) -> tuple[Check, ...]:
    """Return the checks of what visitors see, and of what runs."""
    return (
        Check("colors", partial(_colors, themes=runtime.places.themes), "Is the theme's folder there?"),
        Check("logo", _logo, _REMEDY),
        Check("roles", partial(_roles, runtime=runtime), "Is Redis up?", whole=True),
    )


def _colors(case: Case, *, themes: Path) -> Iterator[Result]:
    found = corrections_of(case.tenant, themes)
    for one in found:
        yield warn("colors", str(one), "Choose a color with more contrast; until then the corrected one is shown.")
    if not found:
        yield ok("colors", "readable as they are")


def _roles(case: Case, *, runtime: Runtime) -> Iterator[Result]:
    """Hear which roles told of themselves lately, and whether all go by the files and panels as they are now."""
    running = running_configs(case.redis)
    missing = [role.name for role in ROLES if role.wanted and role.name not in {one.role for one in running}]
    start = "Start it: `copydesk up`, or the role's own command; `copydesk status` says more."
    if not running:
        yield fail("roles", "none is running", start)
        return
    for name in missing:
        yield warn(name, f"no sign of it for {FRESH_S:.0f} s: idle, or not running", start)
    ours = runtime.directory.revision_hash
    for one in running:
        if one.hash != ours:
            said = f"process {one.pid} goes by configuration {one.hash}, files and panels are at {ours}"
            yield fail(one.role, said, "Look again in a moment; then restart the role and read its log.")
    if all(one.hash == ours for one in running):
        yield ok("roles", f"{len(running)} processes go by configuration {ours}")


def _logo(case: Case) -> Iterator[Result]:
    name = case.tenant.config.brand.logo
    data = _content(case, name) if name else b""
    if name is None:
        yield ok("logo", "none: a monogram is drawn from the name")
    elif data is None:
        yield fail("logo", f"{name} is not there", _REMEDY)
    elif not (_is_drawing(data) if name.endswith(".svg") else _is_picture(data)):
        yield fail("logo", f"{name} does not open as a picture", _REMEDY)
    elif len(data) > LOGO_BYTES_MAX:
        yield warn("logo", f"{name} has {len(data) / 1e6:.1f} MB", "Give a smaller picture: every visitor loads it.")
    else:
        yield ok("logo", f"{name}, {len(data) / 1e3:.0f} kB")


def _content(case: Case, name: str) -> bytes | None:
    asset = case.tenant.asset(name)
    if asset.path is not None:
        return asset.path.read_bytes() if asset.path.is_file() else None
    with case.room.db.tenant(case.tenant_id) as session:
        found = read_file(session, asset.stored)
    return found[0] if found else None


def _is_drawing(data: bytes) -> bool:
    """Say whether this is a drawing from its first to its last mark; what is inside is the browsers' business."""
    return _DRAWING.fullmatch(data.strip()) is not None


def _is_picture(data: bytes) -> bool:
    # Only who looks at a picture of pixels pays for this import.
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data)) as picture:
                picture.verify()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning):
        return False
    return True
