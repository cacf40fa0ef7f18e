"""The application of a trader: the form with the brand's bounds, and what is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, Refused, decimal_text
from copydesk.performance.shown import PositionsShown
from copydesk.studio.applying import Application, apply, leadable
from copydesk.studio.model import Status
from copydesk.studio.settings import PROBATION_DAYS
from copydesk.studio.store import own_strategies
from copydesk.studio.terms import Terms, bounds_of, brand_terms
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.key_words import place_name
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.site import current_site
from copydesk.web.studio.blueprint import HOME, offered_places, studio
from copydesk.web.studio.studio_words import problem_words
from copydesk.web.visitor import current_actor

_FIELDS = ("account", "name", "summary", "profit_share", "min_allocation", "followers_max", "positions")
_TICKS = ("private", "followers_shown", "agree")
_FIELD_OF = {"name_taken": "name", "plan_full": ""}
_DIGITS_MAX = 9
_PERCENT = Decimal(100)


@studio.get("/apply")
@needs(Permission.STRATEGIES_OWN)
def form() -> str:
    return _page(typed_before() or _first_typed(), {})


@studio.post("/apply")
@needs(Permission.STRATEGIES_OWN)
@keeps(*_FIELDS, *_TICKS)
def hand_in() -> Response | tuple[str, int]:
    tenant = current_site().tenant
    typed = {name: " ".join(request.form.get(name, "").replace("\0", "").split()) for name in (*_FIELDS, *_TICKS)}
    bounds = bounds_of(tenant)
    try:
        application = _read(typed)
        with transaction() as session:
            slug = apply(
                session,
                own_id(),
                application,
                bounds,
                offered_places(),
                actor=current_actor(),
                at=current_time(),
            )
    except Refused as refusal:
        field = _FIELD_OF.get(refusal.code, refusal.code)
        return _page(typed, {field: problem_words(refusal, bounds, tenant.config.currency)}), UNPROCESSABLE
    return go(f"{HOME}/{slug}")


def _page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    tenant = current_site().tenant
    with transaction() as session:
        accounts = leadable(session, own_id(), offered_places())
        again = any(one.status is Status.DECLINED for one in own_strategies(session, own_id()))
    return render(
        "studio/apply.html",
        accounts=[(one.account_id, one.label, place_name(one.venue, one.environment)) for one in accounts],
        bounds=bounds_of(tenant),
        days=setting_value(tenant, PROBATION_DAYS, int),
        typed=typed,
        errors=errors,
        again=again,
    )


def _first_typed() -> dict[str, str]:
    """Return what the form begins with: the brand's own terms, everything shown; or a rejected application's words."""
    terms = brand_terms(current_site().tenant)
    typed = {
        "profit_share": decimal_text(terms.profit_share * _PERCENT),
        "min_allocation": "0",
        "positions": str(PositionsShown.NOW),
        "followers_shown": "yes",
    }
    with transaction() as session:
        mine = own_strategies(session, own_id())
    wanted = request.args.get("again", "")
    old = next((one for one in mine if one.slug == wanted and one.status is Status.DECLINED), None)
    if old is not None:
        typed |= {"account": str(old.account_id), "name": old.name, "summary": old.summary}
    return typed


def _read(typed: Mapping[str, str]) -> Application:
    """Read what was typed; raises `InvalidInput`, whose code is the field's name."""
    if typed["agree"] != "yes":
        raise InvalidInput("agree: expected a tick", code="agree")
    positions = typed["positions"] or str(PositionsShown.NOW)
    if positions not in set(PositionsShown):
        raise InvalidInput("positions: expected now, delayed or off", code="positions")
    terms = Terms(
        profit_share=_number(typed["profit_share"], "profit_share") / _PERCENT,
        min_allocation=_number(typed["min_allocation"] or "0", "min_allocation"),
        followers_max=_whole(typed["followers_max"]),
        private=typed["private"] == "yes",
        positions=PositionsShown(positions),
        followers_shown=typed["followers_shown"] == "yes",
    )
    return Application(_account(typed["account"]), typed["name"], typed["summary"], terms)


def _number(text: str, name: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "."))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** _DIGITS_MAX:
        raise InvalidInput(f"{name}: expected a number", code=name)
    return number


def _whole(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or len(text) > _DIGITS_MAX:
        raise InvalidInput("followers_max: expected a whole number, or nothing", code="followers_max")
    return int(text)


def _account(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 2 * _DIGITS_MAX else 0
