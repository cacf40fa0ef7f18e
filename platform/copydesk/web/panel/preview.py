"""The landing page as it would be: rendered for the one who asks, with files and a theme that are not published yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from flask import Response, g, request, send_file, url_for
from werkzeug.datastructures import MultiDict

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.performance.board import leaderboard
from copydesk.replication import desk as desk_reads
from copydesk.tenancy import Tenant
from copydesk.tenancy.files import read_file
from copydesk.tenancy.revisions import RefusedSettings
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.brand import BrandView, brand_view
from copydesk.web.clock import current_time
from copydesk.web.database import brand_session
from copydesk.web.headers import FILE_POLICY
from copydesk.web.page import render
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import current_brand, settings_desk, theme_names
from copydesk.web.panel.saving import refusal_errors, show_section
from copydesk.web.panel.sections import named
from copydesk.web.site import current_site
from copydesk.web.theme import current_themes

P = Permission
LANDING_CARDS, LANDING_SIGNALS = 3, 5
_BUNDLE = "bundle-"
# Fonts that styles name are public only for the theme that the brand has.
_PUBLISHED, _HERE = b'url("/theme/', b'url("/panel/brand/look/'


@panel.post("/brand/preview")
@needs(P.SETTINGS_READ)
def preview() -> tuple[str, int] | str:
    """Show the landing page as it would be; nothing is stored, and nobody else sees it."""
    tenant, section = current_brand(), named("brand")
    typed = MultiDict(request.form)
    parsed = section.read(tenant, typed)
    try:
        if parsed.errors:
            return show_section(section, typed, parsed.errors), 422
        candidate = settings_desk().check(tenant, parsed.changes) if parsed.changes else tenant
    except RefusedSettings as refusal:
        errors = refusal_errors(section, refusal)
        return show_section(section, typed, errors), refusal.http_status
    return _landing_of(candidate)


@panel.get("/brand/kept/<name>")
@needs(P.SETTINGS_READ)
def kept_file(name: str) -> Response:
    """Serve what was uploaded and is not published yet."""
    with transaction() as session:
        found = read_file(session, name)
    if found is None:
        raise NotFound("There is no such file.")
    response = Response(found[0], content_type=found[1])
    response.headers["Content-Security-Policy"] = FILE_POLICY
    return response


@panel.get("/brand/look/<theme>/<path:path>")
@needs(P.SETTINGS_READ)
def theme_look(theme: str, path: str) -> Response:
    """Serve a file, or the joined styles, of a theme that the brand does not have yet."""
    if theme not in theme_names():
        raise NotFound("There is no such theme.")
    if path.startswith(_BUNDLE):
        kind = PurePosixPath(path).stem.removeprefix(_BUNDLE)
        if kind not in current_themes().theme(theme).sheets:
            raise NotFound("There is no such file.")
        styles = current_themes().bundle(theme, kind).plain.replace(_PUBLISHED, _HERE)
        return Response(styles, content_type="text/css; charset=utf-8")
    file = current_themes().static_file(theme, path)
    if file is None:
        raise NotFound("There is no such file.")
    return send_file(file)


def _landing_of(tenant: Tenant) -> str:
    """Render the landing page as if the candidate were the brand."""
    theme = tenant.theme
    g.site = replace(current_site(), tenant=tenant)
    cards = leaderboard(brand_session(), limit=LANDING_CARDS, now=current_time()).rows
    recent = desk_reads.recent_signals(brand_session(), limit=LANDING_SIGNALS)
    return render(
        "landing.html",
        cards=cards,
        desk=recent,
        brand=_brand_of(tenant),
        styles=lambda kind: url_for("panel.theme_look", theme=theme, path=f"{_BUNDLE}{kind}.css"),
        asset=lambda path: url_for("panel.theme_look", theme=theme, path=path),
    )


def _brand_of(tenant: Tenant) -> BrandView:
    """Show the candidate's pictures and font from where uploads lie until they are published."""
    brand, view = tenant.config.brand, brand_view(tenant)

    def address(name: str | None, otherwise: str | None) -> str | None:
        stored = tenant.asset(name).stored if name else ""
        return url_for("panel.kept_file", name=stored) if stored else otherwise

    return replace(
        view,
        logo_url=address(brand.logo, view.logo_url),
        favicon_url=address(brand.favicon, view.favicon_url) or view.favicon_url,
        font_url=address(brand.font, view.font_url),
    )
