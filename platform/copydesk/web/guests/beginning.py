"""One press of a button makes a stranger a guest: a session, simulated money, and a key that is being examined.

Where the brand has legal texts, the button leads to a short page with them first, whose own button says that pressing
it is agreeing.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from flask_babel import gettext, ngettext  # type: ignore[import-untyped]

from copydesk.guests.opening import GuestsFull, GuestTools, NewGuest, count_guest, guest_sign, open_guest
from copydesk.guests.settings import guest_terms
from copydesk.identity.access import Permission
from copydesk.identity.legal import Via
from copydesk.identity.legal.accepting import TextsChanged
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import NotFound, Unavailable
from copydesk.keys import WAITS, publish_to
from copydesk.web.access import needs
from copydesk.web.account.asking import current_visit, form_again
from copydesk.web.asking import go, runtime
from copydesk.web.demo_offer import demo_offered
from copydesk.web.guests.blueprint import BEGIN, CHOOSE, OPENING, guest_tools, guests
from copydesk.web.legal.asking import FIELD, Asked, agreement, agreement_error, asked_texts
from copydesk.web.page import render
from copydesk.web.redirects import safe_next
from copydesk.web.site import current_site, require_offered
from copydesk.web.visitor import current_visitor, remember_session

_PAGE = "guests/begin.html"
_MINUTE_S = 60


@guests.get(BEGIN)
@needs(Permission.VISIT)
def begin_page() -> Response | str:
    """Say what the demo is, and show the texts that it asks to agree to; who is somebody already goes on."""
    if current_visitor().user_id is not None:
        return go(wanted())
    require_offered(demo_offered())
    return render(_PAGE, errors={}, **_values(asked_texts()))


@guests.post(BEGIN)
@needs(Permission.VISIT)
def begin() -> Response:
    """Open a demo account, and lead to the page that waits for its key."""
    if current_visitor().user_id is not None:
        return go(wanted())
    require_offered(demo_offered())
    asked, tools = asked_texts(), guest_tools()
    if tools is None:
        raise NotFound("This site has no demo.")
    if asked.texts and FIELD not in request.form:
        return go(_onward(BEGIN))
    if error := agreement_error(asked):
        return form_again(_PAGE, {FIELD: error}, **_values(asked))
    try:
        return _opened(tools, asked)
    except TooManyTries as early:
        return _later(asked, _wait_sentence(early.wait_s), HTTPStatus.TOO_MANY_REQUESTS, early.wait_s)
    except GuestsFull:
        told = gettext("All demo accounts are taken at the moment. Register, or come back later.")
        return _later(asked, told, HTTPStatus.SERVICE_UNAVAILABLE, _MINUTE_S)
    except Unavailable:
        told = gettext("The simulated exchange does not answer at the moment. Nothing was stored; try again soon.")
        return _later(asked, told, HTTPStatus.SERVICE_UNAVAILABLE, _MINUTE_S)
    except TextsChanged:
        return form_again(_PAGE, {FIELD: agreement_error(asked_texts())}, **_values(asked_texts()))


def wanted() -> str:
    """Return where the visitor wants to be once the demo account is there."""
    return safe_next(request.values.get("next"), CHOOSE)


def account_label() -> str:
    """Return what the demo account is called among a person's accounts."""
    return str(gettext("Demo account"))


def _opened(tools: GuestTools, asked: Asked) -> Response:
    visit = current_visit()
    count_guest(visit)
    name = str(gettext("Guest %(sign)s", sign=guest_sign()))
    opened = open_guest(visit, tools, NewGuest(name, account_label(), agreement(asked, Via.GUEST)))
    publish_to(runtime().redis_url, WAITS)
    response = go(_onward(OPENING))
    lasts = guest_terms(visit.tenant).lasts
    remember_session(response, opened.token, age_s=int(lasts.total_seconds()))
    return response


def _onward(path: str) -> str:
    return f"{path}?{urlencode({'next': wanted()})}"


def _values(asked: Asked) -> dict[str, Any]:
    tenant = current_site().tenant
    terms = guest_terms(tenant)
    return {
        "asked": asked,
        "next": wanted(),
        "balance": terms.balance,
        "currency": tenant.config.currency,
        "days": terms.lasts.days,
    }


def _later(asked: Asked, told: str, status: int, wait_s: int) -> Response:
    response = form_again(_PAGE, {"": str(told)}, status, **_values(asked))
    response.headers["Retry-After"] = str(wait_s)
    return response


def _wait_sentence(wait_s: int) -> str:
    return str(
        ngettext(
            "Many demo accounts were opened from your network. Try again in %(num)s minute.",
            "Many demo accounts were opened from your network. Try again in %(num)s minutes.",
            -(-wait_s // _MINUTE_S),
        )
    )
