"""Static files: of the brand's theme (what the theme lacks, of what it extends) and of the brand itself."""

from __future__ import annotations

from pathlib import Path

from flask import Response, request, send_file

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.tenancy import read_file
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.brand import asset_version, theme_of
from copydesk.web.headers import FILE_POLICY
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site
from copydesk.web.theme import current_themes

_YEAR_S = 31_536_000
_CONTENT_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@public.get("/theme/<theme>/<path:path>")
@needs(Permission.PUBLIC)
def theme_file(theme: str, path: str) -> Response:
    """Serve a file of this brand's theme; another brand's theme does not exist here."""
    if theme not in theme_of(current_site().tenant).chain:
        raise NotFound("There is no such file.")
    return _send(current_themes().static_file(theme, path))


@public.get("/theme/<theme>/bundle-<kind>-<version>.css")
@needs(Permission.PUBLIC)
def theme_bundle(theme: str, kind: str, version: str) -> Response:
    """Serve the joined style sheets of a kind of page; a page of yesterday gets those of today, kept by nobody."""
    own = theme_of(current_site().tenant)
    if theme != own.name or kind not in own.sheets:
        raise NotFound("There is no such file.")
    bundle = current_themes().bundle(theme, kind)
    response = _text(bundle.plain, bundle.gzipped, "text/css")
    response.set_etag(bundle.version)
    response.make_conditional(request)
    return _kept(response, current=version == bundle.version)


@public.get("/brand/<path:path>")
@needs(Permission.PUBLIC)
def brand_file(path: str) -> Response:
    """Serve what the brand names as logo, favicon or font; nothing else of its folder, nothing else it stored."""
    tenant = current_site().tenant
    brand = tenant.config.brand
    for name in filter(None, (brand.logo, brand.favicon, brand.font)):
        asset = tenant.asset(name)
        if path != (asset.stored or name):
            continue
        if asset.path is not None:
            return _send(asset.path)
        return _kept(_stored(asset.stored), current=request.args.get("v") == asset_version(tenant, name))
    raise NotFound("There is no such file.")


def _stored(name: str) -> Response:
    with transaction() as session:
        found = read_file(session, name)
    if found is None:
        raise NotFound("There is no such file.")
    return Response(found[0], content_type=found[1])


def _send(file: Path | None) -> Response:
    if file is None or not file.is_file():
        raise NotFound("There is no such file.")
    version = current_themes().fingerprint(file)
    gzipped = current_themes().gzipped(file)
    if gzipped is None:
        response = send_file(file, conditional=True, etag=version)
    else:
        response = _text(file.read_bytes(), gzipped, _CONTENT_TYPES[file.suffix])
        response.set_etag(version)
        response.make_conditional(request)
    return _kept(response, current=request.args.get("v") == version)


def _text(plain: bytes, gzipped: bytes, content_type: str) -> Response:
    """Answer with a text, compressed where the browser takes that."""
    taken = request.accept_encodings["gzip"] > 0
    response = Response(gzipped if taken else plain, content_type=f"{content_type}; charset=utf-8")
    if taken:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def _kept(response: Response, *, current: bool) -> Response:
    """Let browsers keep what is addressed by its content for a year, and ask for everything else anew."""
    response.headers["Content-Security-Policy"] = FILE_POLICY
    response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable" if current else "public, no-cache"
    return response
