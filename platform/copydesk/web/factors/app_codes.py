"""The page that hands a secret to an authenticator app, and what comes of its first code."""

from __future__ import annotations

from flask import Response, request

from copydesk.identity.factors import (
    FactorWrong,
    Method,
    PendingSecret,
    begin_totp,
    confirm_totp,
    grouped,
    require_unchanged,
)
from copydesk.kernel import Refused
from copydesk.web.asking import go
from copydesk.web.factors.adding import answer, settle
from copydesk.web.factors.asking import own_desk, own_factors
from copydesk.web.factors.blueprint import HOME, factors
from copydesk.web.factors.factor_words import refusal_sentence
from copydesk.web.factors.freshness import changes_factors
from copydesk.web.factors.removing import removed
from copydesk.web.page import render
from copydesk.web.site import current_site

UNPROCESSABLE = 422
_QR_SCALE = 5


@factors.get("/totp")
@changes_factors(enrolled=False)
def totp() -> str:
    return _page({})


@factors.post("/totp")
@changes_factors(enrolled=False)
def totp_confirm() -> Response | tuple[str, int]:
    try:
        with own_desk() as desk:
            require_unchanged(desk, own_factors())
            confirm_totp(desk, request.form.get("code", ""))
            added = settle(desk, Method.TOTP)
    except Refused as refusal:
        field = "code" if isinstance(refusal, FactorWrong) else ""
        return _page({field: refusal_sentence(refusal, Method.TOTP)}), UNPROCESSABLE
    return answer(added)


@factors.post("/totp/remove")
@changes_factors()
def totp_remove() -> Response:
    removed(Method.TOTP)
    return go(HOME)


def _page(errors: dict[str, str]) -> str:
    with own_desk() as desk:
        pending = begin_totp(desk, current_site().tenant.config.brand.name)
    return render("factors/totp.html", secret=grouped(pending.text), qr=_picture(pending), errors=errors)


def _picture(pending: PendingSecret) -> str:
    """Draw the QR code as the address of a picture: nothing of it is stored or asked for again."""
    import segno

    drawn: str = segno.make(pending.uri, error="m").svg_data_uri(scale=_QR_SCALE, dark="#000", light="#fff")
    return drawn
