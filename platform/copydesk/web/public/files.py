"""Static files: of the brand's theme (core where the theme has none) and of the brand itself."""

from __future__ import annotations

from pathlib import Path

from flask import Response, request, send_file

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.web.access import needs
from copydesk.web.headers import FILE_POLICY
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site
from copydesk.web.theme import CORE, current_themes

_YEAR_S = 31_536_000


@public.get("/theme/<theme>/<path:path>")
@needs(Permission.PUBLIC)
def theme_file(theme: str, path: str) -> Response:
    """Serve a file of this brand's theme; another brand's theme does not exist here."""
    if theme not in {current_site().tenant.theme, CORE}:
        raise NotFound("There is no such file.")
    return _send(current_themes().static_file(theme, path))


@public.get("/brand/<path:path>")
@needs(Permission.PUBLIC)
def brand_file(path: str) -> Response:
    """Serve what the tenant file names as logo, favicon or font; nothing else of that folder is public."""
    tenant = current_site().tenant
    brand = tenant.config.brand
    if path not in {brand.logo, brand.favicon, brand.font}:
        raise NotFound("There is no such file.")
    return _send(tenant.asset_path(path))


def _send(file: Path | None) -> Response:
    if file is None or not file.is_file():
        raise NotFound("There is no such file.")
    version = current_themes().fingerprint(file)
    response = send_file(file, conditional=True, etag=version)
    response.headers["Content-Security-Policy"] = FILE_POLICY
    if request.args.get("v") == version:
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    else:
        response.headers["Cache-Control"] = "public, no-cache"
    return response
