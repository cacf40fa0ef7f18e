"""What a brand's legal texts are called, and which it has: known to the foot of every page, looked up now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask, current_app, g
from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]
from sqlalchemy.exc import SQLAlchemyError

from copydesk.identity.legal import LegalKind, current_versions
from copydesk.web.database import brand_session, is_reading
from copydesk.web.site import site_or_none

_KEPT_S = 60.0
_EXTENSION = "copydesk_legal"
_TITLES: Mapping[LegalKind, LazyString] = {
    LegalKind.TERMS: lazy_gettext("Terms of use"),
    LegalKind.PRIVACY: lazy_gettext("Privacy"),
    LegalKind.RISK: lazy_gettext("Risk notice"),
    LegalKind.IMPRINT: lazy_gettext("Imprint"),
}


@dataclass(frozen=True, slots=True)
class LegalLink:
    """One text at the foot of a page."""

    path: str
    title: str


class Shelf:
    """Keep the kinds that each brand has published.

    Only a page that reads from the database anyway asks, on its own connection: others show what is known, and go on
    needing none.
    """

    def __init__(self) -> None:
        self._kinds: dict[int, tuple[float, tuple[LegalKind, ...]]] = {}

    def kinds(self, tenant_id: int) -> tuple[LegalKind, ...]:
        due, known = self._kinds.get(tenant_id, (0.0, ()))
        if time.monotonic() < due or not is_reading():
            return known
        # Whoever else comes meanwhile shows what is known; where the database fails it is asked again later.
        self._kinds[tenant_id] = (time.monotonic() + _KEPT_S, known)
        with suppress(SQLAlchemyError):
            known = tuple(current_versions(brand_session()))
            self._kinds[tenant_id] = (time.monotonic() + _KEPT_S, known)
        return known

    def forget(self, tenant_id: int) -> None:
        """Look again at the next page."""
        self._kinds.pop(tenant_id, None)


def legal_title(kind: LegalKind) -> str:
    """Name a text as links and headings do."""
    return str(_TITLES[kind])


def init_legal(app: Flask) -> None:
    """Give the application its shelf."""
    app.extensions[_EXTENSION] = Shelf()


def legal_links() -> tuple[LegalLink, ...]:
    """Return the brand's texts for the foot of a page, none where there is no brand."""
    if site_or_none() is None:
        return ()
    return tuple(LegalLink(f"/legal/{kind}", legal_title(kind)) for kind in _shelf().kinds(g.tenant_id))


def forget_links() -> None:
    """Have the next page of this process know what was just published."""
    _shelf().forget(g.tenant_id)


def _shelf() -> Shelf:
    shelf = current_app.extensions[_EXTENSION]
    assert isinstance(shelf, Shelf)
    return shelf
