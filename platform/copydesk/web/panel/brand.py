"""The brand's section: its form with pictures, a preview before anything is published, and colors as they are typed."""

from __future__ import annotations

from io import BytesIO

from flask import g, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput
from copydesk.tenancy.files import keep_file
from copydesk.tenancy.revisions import RefusedSettings
from copydesk.web.access import needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.cautions import color_values
from copydesk.web.panel.desk import current_brand, settings_desk
from copydesk.web.panel.forms import Typed
from copydesk.web.panel.saving import look, publish, refusal_errors, show_section
from copydesk.web.panel.sections import Section, named
from copydesk.web.panel.words import label_of
from copydesk.web.uploads import BYTES_MAX, Painted, painted_anew, takes_file

P = Permission
_LOGO_SIDE, _ICON_SIDE = 1024, 256
_FONT_BYTES_MAX = 512 * 1024
_WOFF2 = b"wOF2"
_PICTURES = {"brand.logo": _LOGO_SIDE, "brand.favicon": _ICON_SIDE}
_FONT = "brand.font"
_FILE = ":file"  # Behind a key: the file that was chosen; the key itself carries the name under which it is kept.
_PREVIEWED = ("brand.colors.brand", "brand.colors.accent", "brand.colors.up", "brand.colors.down", "brand.theme")


@panel.get("/brand")
@needs(P.SETTINGS_READ)
def brand() -> str:
    return show_section(_section())


@panel.post("/brand")
@takes_file(2 * BYTES_MAX + _FONT_BYTES_MAX)
@needs(P.SETTINGS_WRITE)
def look_at_brand() -> AnyResponse | tuple[str, int] | str:
    """Keep the files that were sent, then show the differences; a wrong file is told at its field."""
    typed, errors = _typed()
    if errors:
        return show_section(_section(), typed, errors), 422
    return look(_section(), typed)


@panel.post("/brand/publish")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_brand() -> AnyResponse | tuple[str, int] | str:
    return publish(_section())


@panel.get("/brand/palette")
@needs(P.SETTINGS_READ)
def palette() -> str:
    """Return the colors that a page would have, with what had to be corrected, while somebody is choosing them."""
    tenant = current_brand()
    parsed = _section().read(tenant, MultiDict(request.args))
    changes = {key: value for key, value in parsed.changes.items() if key in _PREVIEWED}
    try:
        candidate = settings_desk().check(tenant, changes) if changes else tenant
    except RefusedSettings as refusal:
        errors = refusal_errors(_section(), refusal)
        return render("panel/palette.html", **color_values(tenant), wrong=" ".join(errors.values()))
    return render("panel/palette.html", **color_values(candidate), wrong="")


def _section() -> Section:
    return named("brand")


def _typed() -> tuple[Typed, dict[str, str]]:
    """Return the form with the names of the files that it brought, and what is wrong with a file."""
    typed: Typed = MultiDict(request.form)
    errors: dict[str, str] = {}
    for key in (*_PICTURES, _FONT):
        sent = request.files.get(key + _FILE)
        if sent is None or not sent.filename:
            continue
        try:
            typed[key] = _kept(key, sent)
        except InvalidInput as refusal:
            errors[key] = str(refusal)
    return typed, errors


def _kept(key: str, sent: FileStorage) -> str:
    """Store a file of the brand, and return its value."""
    if key == _FONT:
        data, ending = sent.read(_FONT_BYTES_MAX + 1), ".woff2"
        if len(data) > _FONT_BYTES_MAX or not data.startswith(_WOFF2):
            most = _FONT_BYTES_MAX // 1024
            told = gettext("%(field)s: expected a WOFF2 font of at most %(most)s KiB.", field=label_of(key), most=most)
            raise InvalidInput(told, code="font")
    else:
        picture = painted_anew(
            label_of(key), BytesIO(sent.read(BYTES_MAX + 1)), form=Painted.PNG, side_max=_PICTURES[key]
        )
        data, ending = picture.data, ".png"
    with transaction() as session:
        name = keep_file(session, g.tenant_id, data, ending, current_time())
    return f"stored:{name}"
