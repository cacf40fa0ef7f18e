"""The pages that show a brand's texts: the one that holds now, and every earlier version under its number."""

from __future__ import annotations

from copydesk.identity.access import Permission
from copydesk.identity.legal import LegalKind, legal_texts, text_for, version_of, versions_of
from copydesk.kernel import NotFound
from copydesk.web.access import needs
from copydesk.web.database import brand_session
from copydesk.web.legal.blueprint import legal
from copydesk.web.legal.markdown import rendered
from copydesk.web.legal_links import legal_title
from copydesk.web.page import render
from copydesk.web.site import current_site

_NUMBER_MAX = 2**31 - 1


@legal.get("/<kind>")
@needs(Permission.PUBLIC)
def current_text(kind: str) -> str:
    return _page(_kind(kind), None)


@legal.get("/<kind>/<int:number>")
@needs(Permission.PUBLIC)
def text_of_version(kind: str, number: int) -> str:
    if number > _NUMBER_MAX:
        raise NotFound("There is no such text.")
    return _page(_kind(kind), number)


def _page(kind: LegalKind, number: int | None) -> str:
    session, site = brand_session(), current_site()
    version = version_of(session, kind, number)
    shown = text_for(legal_texts(session, version.id), site.locale, site.tenant.config.locale_default)
    assert shown is not None, "a version was published without any text"
    versions = versions_of(session, kind)
    return render(
        "legal/text.html",
        title=legal_title(kind),
        which=str(kind),
        version=version,
        versions=versions,
        current=versions[0].number == version.number,
        text=rendered(shown.body),
        text_lang=shown.locale.replace("_", "-"),
        foreign=shown.locale != site.locale,
    )


def _kind(name: str) -> LegalKind:
    if name not in set(LegalKind):
        raise NotFound("There is no such text.")
    return LegalKind(name)
