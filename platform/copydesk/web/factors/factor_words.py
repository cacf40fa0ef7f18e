"""Words of factors in the visitor's language: what each is called, and why a proof was refused."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.identity.factors import FactorMissing, FactorNeeded, FactorWrong, Method
from copydesk.identity.throttle import TooManyTries
from copydesk.kernel import Refused

_NAMES: Mapping[Method, LazyString] = {
    Method.TOTP: lazy_gettext("Authenticator app"),
    Method.PASSKEY: lazy_gettext("Passkey"),
    Method.RECOVERY: lazy_gettext("Recovery code"),
    Method.SMS: lazy_gettext("Text message"),
}
_WRONG: Mapping[Method, LazyString] = {
    Method.TOTP: lazy_gettext(
        "This code is wrong or was used already. Enter the six digits that your app shows now, and check that your "
        "phone sets its clock by itself."
    ),
    Method.PASSKEY: lazy_gettext("This passkey did not fit. Try again, or choose another way."),
    Method.RECOVERY: lazy_gettext("This recovery code is wrong or was used already. Enter one that you have not used."),
    Method.SMS: lazy_gettext("This code is wrong or too old. Enter the six digits of the newest message."),
}


def factor_name(method: str) -> str:
    """Name a factor."""
    return str(_NAMES[Method(method)])


def refusal_sentence(refusal: Refused, method: Method) -> str:
    """Say why a proof or a change was refused, and what to do now."""
    match refusal:
        case TooManyTries():
            minutes = -(-refusal.wait_s // 60)
            return str(
                ngettext(
                    "Too many tries. Wait %(num)s minute, then try again.",
                    "Too many tries. Wait %(num)s minutes, then try again.",
                    minutes,
                )
            )
        case FactorWrong():
            return str(_WRONG[method])
        case FactorNeeded():
            return str(gettext("This is your last second factor. Add another one before you remove it."))
        case FactorMissing():
            return str(gettext("This was changed meanwhile, or waited too long. Begin again."))
        case _:
            return str(refusal)
