"""What somebody reads whose form was not taken: that nothing of it was done, and the way on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext, lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.kernel import Refused
from copydesk.web.cookies import read_cookie
from copydesk.web.csrf import CODE as FORM_TOO_OLD
from copydesk.web.csrf import SESSION_COOKIE
from copydesk.web.returning import way_on

# By the code of the refusal: the title of the page, and the verb of the way on.
_SAID: Mapping[str, tuple[LazyString, LazyString]] = {
    "sign_in": (lazy_gettext("Sign in to go on"), lazy_gettext("Sign in")),
    "step_up": (lazy_gettext("Confirm once more"), lazy_gettext("Confirm with your second factor")),
    "factor_needed": (lazy_gettext("Set up a second factor first"), lazy_gettext("Set up a second factor")),
    "legal_due": (lazy_gettext("Read what has changed"), lazy_gettext("Read what has changed")),
    "guest": (lazy_gettext("Keep this demo account first"), lazy_gettext("Keep this account")),
    FORM_TOO_OLD: (lazy_gettext("This form is too old"), lazy_gettext("Open the form again")),
}


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """The words of the page, and where its button leads."""

    title: str
    message: str
    verb: str
    href: str


def turned_back(refusal: Refused, led_to: str | None) -> TurnedBack | None:
    """Say what became of a form that was refused for its sender's sake; None for every other refusal."""
    if refusal.code not in _SAID or (led_to is None and refusal.code != FORM_TOO_OLD):
        return None
    title, verb = _SAID[refusal.code]
    way = way_on(led_to or "")
    sentences = [_why(refusal), gettext("Nothing of what you sent was done.")]
    if way.kept:
        sentences.append(gettext("What you typed is kept for a quarter of an hour, and stands in the form again."))
    else:
        sentences.append(gettext("You come back to where you were; then send it once more."))
    return TurnedBack(str(title), " ".join(map(str, sentences)), str(verb), way.href)


def _why(refusal: Refused) -> str:
    if refusal.code == "sign_in" and read_cookie(SESSION_COOKIE):
        return str(gettext("Your session has ended, or was not confirmed yet."))
    return str(refusal)
