"""The page of the phone that codes are sent to, where the brand sends any."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.factors import (
    Effort,
    FactorNeeded,
    FactorWrong,
    Method,
    Texting,
    begin_phone,
    confirm_phone,
    forgive,
    overview,
    plain_number,
    require_unchanged,
    take_try,
)
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.web.asking import UNPROCESSABLE, go
from copydesk.web.database import brand_session
from copydesk.web.factors.asking import holder, own_desk, own_factors, texter
from copydesk.web.factors.blueprint import HOME, factors
from copydesk.web.factors.factor_words import refusal_sentence
from copydesk.web.factors.freshness import changes_factors
from copydesk.web.factors.listing import phone_offered
from copydesk.web.factors.removing import removed
from copydesk.web.page import render
from copydesk.web.site import current_site


@factors.get("/phone")
@changes_factors()
def phone() -> str:
    _require_offered()
    return _page({})


@factors.post("/phone")
@changes_factors()
def phone_begin() -> str | tuple[str, int]:
    _require_offered()
    _require_strong()
    number = request.form.get("phone", "")
    try:
        plain_number(number)
        with own_desk() as desk:
            take_try(desk.session, desk.holder.tenant_id, desk.holder.user_id, desk.at, Effort.TEXT)
        with own_desk() as desk:
            require_unchanged(desk, own_factors())
            hint = begin_phone(desk, number, texting())
    except InvalidInput:
        wrong = gettext("Expected a number with its country code, such as +49 151 12345678.")
        return _page({"phone": wrong}, number=number), UNPROCESSABLE
    except Refused as refusal:
        return _page({"": refusal_sentence(refusal, Method.SMS)}, number=number), refusal.http_status
    return _page({}, sent=hint)


@factors.post("/phone/confirm")
@changes_factors()
def phone_confirm() -> Response | tuple[str, int]:
    _require_offered()
    _require_strong()
    try:
        with own_desk() as desk:
            take_try(desk.session, desk.holder.tenant_id, desk.holder.user_id, desk.at, Effort.STEP_UP)
        with own_desk() as desk:
            require_unchanged(desk, own_factors())
            confirm_phone(desk, request.form.get("code", ""))
            forgive(desk.session, desk.holder.user_id, Effort.STEP_UP)
    except Refused as refusal:
        field = "code" if isinstance(refusal, FactorWrong) else ""
        words = refusal_sentence(refusal, Method.SMS)
        return _page({field: words}, sent=request.form.get("hint", "")[:2]), max(refusal.http_status, UNPROCESSABLE)
    return go(HOME)


@factors.post("/phone/remove")
@changes_factors()
def phone_remove() -> Response:
    removed(Method.SMS)
    return go(HOME)


def texting() -> Texting:
    """Return how a code gets to a phone: with words around it that say whose it is, bound to this host."""
    carrier = texter()
    assert carrier is not None, "a message was to be sent for a brand that sends none"
    brand, host = current_site().tenant.config.brand.name, request.host.partition(":")[0]

    def words(code: str) -> str:
        told = gettext(
            "%(code)s is your code for %(brand)s. Nobody of us will ever ask for it.", code=code, brand=brand
        )
        return f"{told}\n\n@{host} #{code}"

    return Texting(carrier, words)


def _require_offered() -> None:
    if not phone_offered():
        raise NotFound("There is nothing here.")


def _require_strong() -> None:
    """Refuse a number that nothing stronger stands beside: whoever only knows the password would plant theirs."""
    if not own_factors().any:
        raise FactorNeeded(gettext("Set up an authenticator app or a passkey first."))


def _page(errors: dict[str, str], *, number: str = "", sent: str = "") -> str:
    seen = overview(brand_session(), holder().user_id)
    return render("factors/phone.html", seen=seen, errors=errors, number=number, sent=sent, strong=own_factors().any)
