"""What notices say of exchange keys and of the security of an account. A mail of its own has told the same."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.notifications import Kind
from copydesk.web.format import isolated
from copydesk.web.mail_facts import FACTORS
from copydesk.web.notice_facts import Told
from copydesk.web.words import exchange_name, words

_KEYS = "/keys"
_SIGN_INS, _FACTORS, _ACCOUNT = "/account/history", "/account/factors", "/account"

_SECURITY: Mapping[str, tuple[LazyString, str]] = {
    Kind.PASSWORD_CHANGED: (lazy_gettext("Your password was changed"), _ACCOUNT),
    Kind.NEW_LOCATION: (lazy_gettext("A sign-in from a new place"), _SIGN_INS),
    Kind.FACTOR_ADDED: (lazy_gettext("A second factor was added"), _FACTORS),
    Kind.FACTOR_REMOVED: (lazy_gettext("A second factor was removed"), _FACTORS),
    Kind.RECOVERY_USED: (lazy_gettext("A recovery code was used"), _FACTORS),
    Kind.RESET_PASSWORD: (lazy_gettext("A new password was asked for"), _ACCOUNT),
    Kind.KEY_CONNECTED: (lazy_gettext("An exchange key was connected"), _KEYS),
}
_OTHERWISE = (lazy_gettext("Something in your account was changed"), _ACCOUNT)
_NOT_YOU = lazy_gettext("If this was not you, change your password now, end all other sessions and write to support.")


def security(told: Told) -> tuple[str, str, str]:
    """Say what happened to an account, when and from where, and what to do if it was somebody else."""
    title, path = _SECURITY.get(told.text("what"), _OTHERWISE)
    factor = told.text("factor")
    said = [f"{FACTORS[factor]}."] if factor in FACTORS else []
    if at := told.moment("at"):
        said.append(f"{gettext('When: %(at)s', at=at)}.")
    if ip := told.text("ip"):
        said.append(f"{gettext('From the address %(ip)s', ip=isolated(ip))}.")
    if held := told.moment("held_until"):
        said.append(
            gettext("To keep your money safe, changes of keys and payouts rest until %(held_until)s.", held_until=held)
        )
    return str(title), " ".join(str(one) for one in [*said, _NOT_YOU]), path


def key_problem(told: Told) -> tuple[str, str, str]:
    """Say what is wrong with a key, and what to do."""
    named = {"label": told.text("label") or "–", "exchange": exchange_name(told.text("exchange"))}
    days = told.count("days")
    match told.text("what"):
        case Kind.KEY_EXPIRES if days is not None:
            title = ngettext(
                "The key “%(label)s” at %(exchange)s ends in %(num)s day",
                "The key “%(label)s” at %(exchange)s ends in %(num)s days",
                days,
                **named,
            )
            body = gettext("Afterwards nothing is copied with it, and nothing closed. Make a new key and replace it.")
        case Kind.KEY_REFUSED:
            title = gettext("The key “%(label)s” at %(exchange)s was refused", **named)
            body = _why(told) or gettext(
                "The key was not kept. Change it at the exchange, or make a new one, and connect it again."
            )
        case _:
            title = gettext("The key “%(label)s” at %(exchange)s cannot be used", **named)
            body = _why(told) or gettext("Nothing is opened with it any more. Look at your positions at the exchange.")
    return str(title), str(body), _KEYS


def _why(told: Told) -> str:
    reason = told.text("reason")
    return words(reason, {"exchange": told.text("exchange")}) if reason else ""
