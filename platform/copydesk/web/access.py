"""Who may see which page: the one gate before every view. Views only declare what they need.

Asked in this order: is somebody signed in, at an address that is allowed, with the permission, with a second factor
where the brand wants one, do they agree to the brand's texts, is the act not on hold, was the factor given just now.
The first "no" is the answer. Guests, who hold simulated money only, are asked for no factor; what stands on one, on a
password or on an e-mail address is closed to them until they keep their account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, g, make_response, redirect, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.guests import CLOSED_TO_GUESTS, WITHOUT_A_FACTOR, is_guest
from copydesk.identity import Role, Visitor
from copydesk.identity.access import Permission, allows_address, holds_of, resting
from copydesk.identity.access.permissions import EVERYBODY
from copydesk.identity.factors import factors_of
from copydesk.identity.settings import SECOND_FACTOR
from copydesk.kernel import NotPermitted, Refused
from copydesk.tenancy import setting_value
from copydesk.web.access_words import hold_sentence
from copydesk.web.clock import current_time
from copydesk.web.cookies import read_cookie
from copydesk.web.csrf import SESSION_COOKIE
from copydesk.web.database import brand_session
from copydesk.web.problems import is_api
from copydesk.web.returning import page_around
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

SIGN_IN = "/account/sign-in"
SECOND_STEP = "/account/factors/verify"
FACTORS = "/account/factors"
STEP_UP = "/account/factors/step-up"
LEGAL = "/legal/accept"
KEEP = "/guest/keep"
# Looking at one's own risk, stopping there and proving who one is wait for nobody's signature.
_BEFORE_AGREEING = frozenset({Permission.RISK_OWN, Permission.FACTORS_OWN})
FRESH_FOR = timedelta(minutes=5)

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Need:
    """What a view asks for: a permission, and besides a fresh factor, any factor, that the act is not on hold.

    `agreed` is False for what somebody may do who has not agreed to a brand's changed texts: to leave, and to stop.
    `guests` is False for what stands on a password, which guests do not have.
    """

    permission: Permission
    fresh: bool = False
    enrolled: bool = True
    holds: bool = False
    agreed: bool = True
    guests: bool = True


class SignInNeeded(Refused):
    """Ask for a sign-in where no page can be shown for it."""

    code = "sign_in"
    http_status = HTTPStatus.UNAUTHORIZED


def needs(
    permission: Permission,
    *,
    fresh: bool = False,
    enrolled: bool = True,
    holds: bool = False,
    agreed: bool = True,
    guests: bool = True,
) -> Callable[[F], F]:
    """Let a view run only for who may see it. Stands below the route, so that the route gets the guarded view.

    `enrolled=False` is for the few pages that somebody needs before they have a second factor, `fresh` for acts that
    want the factor of the last five minutes, `holds` for acts that rest for a while after something unusual,
    `agreed=False` for those that must not wait until somebody agrees to changed texts, `guests=False` for those that
    ask for a password.
    """
    need = Need(permission, fresh=fresh, enrolled=enrolled, holds=holds, agreed=agreed, guests=guests)

    def declare(view: F) -> F:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> Any:
            answer = admit(need)
            return view(*args, **values) if answer is None else answer

        guarded.needs = permission  # type: ignore[attr-defined]
        guarded.need = need  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare


def admit(need: Need) -> Response | None:
    """Return nothing where the visitor may go on, else where they have to go first; raises what is refused for good."""
    if need.permission in EVERYBODY:
        return None
    visitor = current_visitor()
    if visitor.user_id is None:
        return _send_to(SIGN_IN, SignInNeeded(gettext("Sign in first.")))
    _require_allowed_address(visitor)
    if need.permission is Permission.SECOND_STEP:
        return None
    if not visitor.signed_in:
        return _send_to(SECOND_STEP, SignInNeeded(gettext("Confirm your sign-in with your second factor first.")))
    if need.permission not in visitor.permissions:
        raise NotPermitted(gettext("Your role does not include this page."))
    if is_guest(visitor):
        return _keep_first(need) or _agree_first(need, visitor)
    if need.enrolled and not visitor.enrolled and second_factor_required(visitor):
        refusal = NotPermitted(gettext("Set up a second factor first."), code="factor_needed")
        return _send_to(FACTORS, refusal)
    if (answer := _agree_first(need, visitor)) is not None:
        return answer
    if need.holds:
        _require_no_hold(visitor, need.permission)
    return _ask_again(visitor) if need.fresh else None


def is_fresh(visitor: Visitor) -> bool:
    """Tell whether the visitor gave their factor within the last five minutes."""
    return visitor.stepped_up_at is not None and current_time() - visitor.stepped_up_at <= FRESH_FOR


def undeclared(app: Flask) -> list[str]:
    """Name every endpoint whose view does not say what it needs."""
    return sorted(name for name, view in app.view_functions.items() if not hasattr(view, "needs"))


def init_access(app: Flask) -> None:
    """Answer nobody at a view that declares nothing: what was forgotten is closed, not open."""

    @app.before_request
    def _declared_only() -> None:
        view = app.view_functions.get(request.endpoint or "")
        assert view is None or hasattr(view, "needs"), f"{request.endpoint} does not declare what it needs"


def second_factor_required(visitor: Visitor) -> bool:
    """Tell whether this visitor may do nothing without a second factor: staff may not, others as the brand sets it."""
    if visitor.role in {Role.STAFF, Role.OPERATOR}:
        return True
    return setting_value(current_site().tenant, SECOND_FACTOR, str) == "required"


def _keep_first(need: Need) -> Response | None:
    """Lead a guest to an account that is kept, for all that stands on an e-mail address, a password or a factor."""
    asks_factor = need.fresh and need.permission not in WITHOUT_A_FACTOR
    if need.guests and not asks_factor and need.permission not in CLOSED_TO_GUESTS:
        return None
    told = gettext("A demo account has no e-mail address and no password, which this needs. Keep the account first.")
    return _send_to(KEEP, NotPermitted(told, code="guest"))


def _agree_first(need: Need, visitor: Visitor) -> Response | None:
    if not visitor.legal_due or not need.agreed or need.permission in _BEFORE_AGREEING:
        return None
    told = gettext("Read what has changed and agree to it first. Closing and stopping need no agreement.")
    return _send_to(LEGAL, NotPermitted(told, code="legal_due"))


def _require_allowed_address(visitor: Visitor) -> None:
    assert visitor.user_id is not None
    if "address_allowed" not in g:
        g.address_allowed = allows_address(brand_session(), visitor.user_id, role=str(visitor.role), ip=visitor.ip)
    if not g.address_allowed:
        raise NotPermitted(
            gettext("This account may not be used from %(address)s.", address=visitor.ip), code="address_not_allowed"
        )


def _require_no_hold(visitor: Visitor, permission: Permission) -> None:
    if visitor.held_until is None or visitor.held_until <= current_time():
        return
    assert visitor.user_id is not None
    hold = resting(permission, holds_of(brand_session(), visitor.user_id), current_time())
    if hold is not None:
        raise NotPermitted(hold_sentence(hold), code="on_hold")


def _ask_again(visitor: Visitor) -> Response | None:
    """Ask for the factor again where it was not given just now; who has none yet sets one up first."""
    if is_fresh(visitor):
        return None
    assert visitor.user_id is not None
    # An operator with codes but no passkey yet does not count as enrolled, and has something to confirm with.
    where = STEP_UP if visitor.enrolled or factors_of(brand_session(), visitor.user_id).any else FACTORS
    told = gettext("This asks for a second factor of the last five minutes.")
    return _send_to(where, NotPermitted(told, code="step_up"))


def _send_to(path: str, refusal: Refused) -> Response:
    """Send a page's visitor elsewhere and back again afterwards; refuse what is no page.

    Partial pages cannot follow a redirect to a whole one, so their script is told where to take the browser. Of a form
    nothing is done: its sender reads so (`web.errors`), and is led the same way.
    """
    if "HX-Request" in request.headers:
        answer = make_response("", HTTPStatus.UNAUTHORIZED)
        answer.headers["HX-Redirect"] = _and_back(path, page_around())
        return answer
    if request.method in {"GET", "HEAD"} and not (is_api() or request.path.endswith(".json")):
        return make_response(redirect(_and_back(path, request.full_path.removesuffix("?")), code=HTTPStatus.SEE_OTHER))
    g.led_to = path
    raise refusal


def _and_back(path: str, page: str) -> str:
    """Return an address that leads back to a page; whose session is over is told so there."""
    asked = {"next": page} if page else {}
    if path == SIGN_IN and read_cookie(SESSION_COOKIE):
        asked["told"] = "ended"
    return f"{path}?{urlencode(asked)}" if asked else path
