"""Puts what happened at the door into words: outcomes of sign-ins, factors, kinds of people."""

from __future__ import annotations

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity import Role, SignInOutcome


def outcome_words(outcome: SignInOutcome) -> tuple[str, str]:
    """Return what came of a sign-in, and the tone to say it in."""
    match outcome:
        case SignInOutcome.SIGNED_IN:
            return str(gettext("Signed in")), "ok"
        case SignInOutcome.FACTOR_ASKED:
            return str(gettext("Password right, second factor asked for")), "plain"
        case SignInOutcome.WRONG_PASSWORD:
            return str(gettext("Wrong password")), "warn"
        case SignInOutcome.FACTOR_WRONG:
            return str(gettext("Wrong second factor")), "warn"
        case SignInOutcome.UNCONFIRMED:
            return str(gettext("E-mail address not confirmed yet")), "plain"
        case SignInOutcome.ADDRESS_NOT_ALLOWED:
            return str(gettext("Refused: the address is not on your list")), "warn"
        case SignInOutcome.BLOCKED | SignInOutcome.UNKNOWN_ACCOUNT:
            return str(gettext("Refused")), "warn"


def factor_words(factor: str) -> str:
    """Return the name of a second factor, "" for none."""
    names = {
        "totp": gettext("authenticator app"),
        "passkey": gettext("passkey"),
        "recovery": gettext("recovery code"),
        "sms": gettext("text message"),
    }
    return str(names.get(factor, ""))


def role_words(role: Role | None) -> str:
    """Return what somebody is on this site."""
    match role:
        case Role.TRADER:
            return str(gettext("Trader"))
        case Role.STAFF:
            return str(gettext("Staff"))
        case Role.OPERATOR:
            return str(gettext("Operator"))
        case _:
            return str(gettext("Follower"))
