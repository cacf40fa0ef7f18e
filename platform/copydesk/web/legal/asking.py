"""What a form asks somebody to agree to, and whether they did: for registration, invitations and changed texts."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.legal import Acceptance, LegalVersion, Via, to_accept
from copydesk.web.client import client_ip
from copydesk.web.database import brand_session
from copydesk.web.legal_links import legal_title
from copydesk.web.site import current_site

FIELD = "legal"


@dataclass(frozen=True, slots=True)
class AskedText:
    """One text that a form asks to agree to."""

    path: str
    title: str
    version: LegalVersion


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks to agree to: `ticket` names exactly these versions, and is what its tick sends."""

    texts: tuple[AskedText, ...]
    ticked: bool

    @property
    def ticket(self) -> str:
        return "-".join(str(one.version.id) for one in self.texts)


NOTHING_ASKED = Asked((), ticked=False)


def asked_texts() -> Asked:
    """Return what whoever joins now agrees to, and whether the sent form has the tick for just that."""
    texts = tuple(
        AskedText(f"/legal/{one.kind}/{one.number}", legal_title(one.kind), one) for one in to_accept(brand_session())
    )
    asked = Asked(texts, ticked=False)
    sent = request.form.get(FIELD, "")
    return Asked(texts, ticked=bool(texts) and sent == asked.ticket)


def agreement_error(asked: Asked) -> str:
    """Say what is wrong with the tick, "" where nothing is."""
    if not asked.texts or asked.ticked:
        return ""
    if request.form.get(FIELD):
        return str(gettext("The texts have changed since this page was opened. Read them again, then tick the box."))
    return str(gettext("Tick the box: without your agreement to these texts there is no account."))


def agreement(asked: Asked, via: Via) -> Acceptance | None:
    """Return what was agreed to, None where the brand asks nothing."""
    if not asked.texts:
        return None
    return Acceptance(tuple(one.version.id for one in asked.texts), client_ip(), current_site().locale, via)
