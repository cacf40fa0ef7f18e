"""The second step of a sign-in: whoever gave the right password gives a factor, in a way of their choice."""

from __future__ import annotations

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.identity.factors import Desk, Effort, Method, take_try, text_code
from copydesk.identity.signing_in import finish_sign_in
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import NotFound, Refused
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go
from copydesk.web.factors.asking import holder, own_desk, own_factors, texter
from copydesk.web.factors.blueprint import factors
from copydesk.web.factors.factor_words import refusal_sentence
from copydesk.web.factors.parties import passkey_question
from copydesk.web.factors.phone_pages import texting
from copydesk.web.factors.proof import chosen, prove, sent_proof
from copydesk.web.landing import landing_of
from copydesk.web.page import render
from copydesk.web.redirects import safe_next
from copydesk.web.visitor import current_visitor, remember_session


@factors.get("/verify")
@needs(Permission.SECOND_STEP, enrolled=False)
def verify() -> Response | str:
    if current_visitor().signed_in:
        return go(_next())
    return _page(chosen(_choices()), {})


@factors.post("/verify")
@needs(Permission.SECOND_STEP, enrolled=False)
def verify_proof() -> Response | tuple[str, int]:
    if current_visitor().signed_in:
        return go(_next())
    proof = sent_proof(_choices())

    def pass_step(desk: Desk) -> str:
        assert desk.holder.session_id is not None
        return finish_sign_in(desk.session, desk.seal, desk.holder.session_id, proof.method, at=desk.at)

    try:
        token = prove(proof, Effort.PROOF, pass_step)
    except Refused as refusal:
        return _page(proof.method, _errors(refusal, proof.method)), max(refusal.http_status, UNPROCESSABLE)
    response = go(_next())
    remember_session(response, token)
    return response


@factors.post("/verify/text")
@needs(Permission.SECOND_STEP, enrolled=False)
def verify_text_message() -> Response | str | tuple[str, int]:
    """Send a code to the phone, at most one a minute."""
    if current_visitor().signed_in:
        return go(_next())
    if Method.SMS not in _choices():
        raise NotFound("There is nothing here.")
    try:
        with own_desk() as desk:
            take_try(desk.session, desk.holder.tenant_id, desk.holder.user_id, desk.at, Effort.TEXT)
        with own_desk() as desk:
            hint = text_code(desk, texting())
    except Refused as refusal:
        told = refusal_sentence(refusal, Method.SMS)
        return _page(Method.SMS, {"": told}), max(refusal.http_status, UNPROCESSABLE)
    return _page(Method.SMS, {}, sent=hint)


def _choices() -> tuple[Method, ...]:
    choices = own_factors().choices(holder().role)
    if texter() is None:
        choices = tuple(method for method in choices if method is not Method.SMS)
    return choices


def _errors(refusal: Refused, method: Method) -> dict[str, str]:
    field = "" if method is Method.PASSKEY or isinstance(refusal, TooManyTries) else "code"
    return {field: refusal_sentence(refusal, method)}


def _page(method: Method, errors: dict[str, str], *, sent: str = "") -> str:
    return render(
        "factors/verify.html",
        method=str(method),
        others=[str(other) for other in _choices() if other is not method],
        options=passkey_question() if method is Method.PASSKEY else None,
        errors=errors,
        sent=sent,
        next=_next(),
    )


def _next() -> str:
    return safe_next(request.values.get("next"), landing_of(current_visitor().role))
