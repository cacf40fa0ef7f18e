"""The page of passkeys: those there are, one more, one less."""

from __future__ import annotations

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.factors import FactorMissing, FactorWrong, Method, Question, overview, require_unchanged, take
from copydesk.kernel import InvalidInput, NotFound
from copydesk.web.asking import UNPROCESSABLE, go
from copydesk.web.database import brand_session
from copydesk.web.factors.adding import answer, settle
from copydesk.web.factors.asking import holder, own_desk, own_factors
from copydesk.web.factors.blueprint import factors
from copydesk.web.factors.factor_words import refusal_sentence
from copydesk.web.factors.freshness import changes_factors
from copydesk.web.factors.parties import party
from copydesk.web.factors.removing import removed
from copydesk.web.page import render
from copydesk.web.visitor import current_visitor

PAGE = "/account/factors/passkeys"
_ID_MAX = 2**63


@factors.get("/passkeys")
@changes_factors(enrolled=False)
def passkeys() -> str:
    return _page({}, "")


@factors.post("/passkeys")
@changes_factors(enrolled=False)
def passkey_add() -> Response | tuple[str, int]:
    from copydesk.identity.factors.passkeys import Answer, finish_registration

    label = request.form.get("label", "")
    with own_desk() as desk:
        asked = take(desk, Question.REGISTER_PASSKEY)
    try:
        with own_desk() as desk:
            require_unchanged(desk, own_factors())
            finish_registration(desk, party(), Answer(asked, request.form.get("credential", "")), label)
            added = settle(desk, Method.PASSKEY)
    except (FactorWrong, FactorMissing) as refusal:
        return _page({"": refusal_sentence(refusal, Method.PASSKEY)}, label), UNPROCESSABLE
    return answer(added)


@factors.post("/passkeys/<int:passkey_id>/remove")
@changes_factors(enrolled=False)
def passkey_remove(passkey_id: int) -> Response:
    keys = overview(brand_session(), holder().user_id).passkeys
    if passkey_id >= _ID_MAX or passkey_id not in {key.id for key in keys}:
        raise NotFound("There is no such passkey.")
    removed(Method.PASSKEY, passkey_id=passkey_id)
    return go(PAGE)


def _page(errors: dict[str, str], label: str) -> str:
    from copydesk.identity.factors.passkeys import LABEL_CHARS_MAX, PASSKEYS_MAX, begin_registration

    options = ""
    try:
        with own_desk() as desk:
            options = begin_registration(desk, party(), current_visitor().display_name)
    except InvalidInput:
        told = gettext("You have %(num)s passkeys, the most that one person may have. Remove one first.")
        errors = errors or {"": told % {"num": PASSKEYS_MAX}}
    keys = overview(brand_session(), holder().user_id).passkeys
    return render(
        "factors/passkeys.html", keys=keys, options=options, errors=errors, label=label, label_max=LABEL_CHARS_MAX
    )
