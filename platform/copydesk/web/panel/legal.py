"""Legal texts in the panel: write a version in every language, look at it, publish it; and who has agreed so far.

They are no settings: a published version stays as it is for good, and what corrects it is the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from babel import Locale
from flask import g, redirect, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.identity.legal import (
    ASKED,
    BODY_CHARS_MAX,
    Draft,
    LegalKind,
    LegalVersion,
    accepted_counts,
    current_versions,
    legal_texts,
    publish,
    versions_of,
)
from copydesk.kernel import InvalidInput, NotFound
from copydesk.web.access import is_fresh, needs
from copydesk.web.asking import transaction
from copydesk.web.clock import current_time
from copydesk.web.legal.markdown import rendered
from copydesk.web.legal_links import forget_links, legal_title
from copydesk.web.page import render
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import author_name, current_brand
from copydesk.web.panel.provider_keys import Answer
from copydesk.web.panel.saving import visible_sections
from copydesk.web.panel.sections import named
from copydesk.web.uploads import takes_file
from copydesk.web.visitor import current_actor, current_visitor

P = Permission
_BODY = "body:"
# Four bytes are the most that one character takes, and a form writes each of them as three characters.
_FORM_BYTES_MAX = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LegalRow:
    """One text in the list: what holds now, and how many people have agreed to just that."""

    kind: str
    title: str
    version: LegalVersion | None
    asked: bool
    accepted: int


@panel.get("/legal")
@needs(P.SETTINGS_READ)
def legal_list() -> Answer:
    with transaction() as session:
        current, counts = current_versions(session), accepted_counts(session)
    rows = []
    for kind in LegalKind:
        version = current.get(kind)
        accepted = counts.get(version.id, 0) if version else 0
        rows.append(LegalRow(str(kind), legal_title(kind), version, kind in ASKED, accepted))
    return render("panel/legal.html", **_frame(), rows=rows)


@panel.get("/legal/<kind>")
@needs(P.SETTINGS_READ)
def legal_text(kind: str) -> Answer:
    return _page(_kind(kind))


@panel.post("/legal/<kind>")
@takes_file(_FORM_BYTES_MAX)
@needs(P.SETTINGS_WRITE)
def preview_legal(kind: str) -> Answer:
    """Show the text as its page will; nothing is kept but in the form."""
    bodies, material = _typed()
    return _page(_kind(kind), bodies, material=material, preview=True)


@panel.post("/legal/<kind>/publish")
@takes_file(_FORM_BYTES_MAX)
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_legal(kind: str) -> Answer:
    found = _kind(kind)
    bodies, material = _typed()
    draft = Draft(found, bodies, material=material)
    try:
        with transaction() as session:
            publish(session, g.tenant_id, draft, actor=current_actor(), author=author_name(), at=current_time())
    except InvalidInput as refusal:
        return _page(found, bodies, {"": _said(refusal)}, material=material), HTTPStatus.UNPROCESSABLE_ENTITY
    forget_links()
    return redirect("/panel/legal", code=HTTPStatus.SEE_OTHER)


def _page(
    kind: LegalKind,
    bodies: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    *,
    material: bool = True,
    preview: bool = False,
) -> str:
    with transaction() as session:
        versions = versions_of(session, kind)
        counts = accepted_counts(session)
        held = legal_texts(session, versions[0].id) if versions else {}
    shown = held if bodies is None else bodies
    return render(
        "panel/legal_text.html",
        **_frame(),
        which=str(kind),
        title=legal_title(kind),
        asked=kind in ASKED,
        languages=[(tag, _name(tag), shown.get(tag, "")) for tag in _languages(held)],
        body_name=_BODY,
        chars_max=BODY_CHARS_MAX,
        material=material,
        versions=[(one, counts.get(one.id, 0)) for one in versions],
        previews=[(tag, rendered(text)) for tag, text in shown.items() if text] if preview else [],
        fresh=is_fresh(current_visitor()),
        errors=errors or {},
    )


def _frame() -> dict[str, Any]:
    may_write = P.SETTINGS_WRITE in current_visitor().permissions
    return {"current": named("legal"), "sections": visible_sections(), "may_write": may_write}


def _languages(held: dict[str, str]) -> tuple[str, ...]:
    """Return the languages that a text can be written in: the brand's, and those that it is there in already."""
    offered = current_brand().config.locales
    return (*offered, *(tag for tag in held if tag not in offered))


def _name(tag: str) -> str:
    return str(Locale.parse(tag).get_display_name(tag) or tag)


def _typed() -> tuple[dict[str, str], bool]:
    bodies = {
        name.removeprefix(_BODY): text.replace("\0", "").replace("\r\n", "\n")
        for name, text in request.form.items()
        if name.startswith(_BODY) and text.strip()
    }
    offered = current_brand().config.locales
    return {tag: text for tag, text in bodies.items() if tag in offered}, "material" in request.form


def _said(refusal: InvalidInput) -> str:
    if refusal.code == "legal_empty":
        return str(gettext("Write the text in at least one language."))
    return str(gettext("A text has at most %(most)s characters.", most=BODY_CHARS_MAX))


def _kind(name: str) -> LegalKind:
    if name not in set(LegalKind):
        raise NotFound("There is no such text.")
    return LegalKind(name)
