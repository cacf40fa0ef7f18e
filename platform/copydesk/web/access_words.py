"""Words of what rests and why, in the visitor's language."""

from __future__ import annotations

from flask_babel import format_datetime, gettext  # type: ignore[import-untyped]

from copydesk.identity.access.holds import Hold, HoldReason


def hold_sentence(hold: Hold) -> str:
    """Say until when an act rests and why, and what ends it sooner where anything does."""
    until = format_datetime(hold.until, "medium")
    happened = {
        HoldReason.PASSWORD_RESET: gettext("Your password was reset."),
        HoldReason.NEW_LOCATION: gettext("You signed in from a new place."),
        HoldReason.RECOVERY_USED: gettext("You used a recovery code."),
        HoldReason.FACTORS_ERASED: gettext("Your second factors were erased at your request."),
    }
    rests = gettext(
        "To protect you, this rests until %(until)s, and so do changes of keys, payouts and allowed addresses.",
        until=until,
    )
    sooner = gettext("Open the link in the mail that we sent you, and they are free at once.")
    sentences = (happened[hold.reason], rests, sooner if hold.reason is HoldReason.NEW_LOCATION else "")
    return " ".join(filter(None, sentences))


def hold_words(hold: Hold) -> str:
    """Name what a person's acts rest for, and until when, to somebody else."""
    reasons = {
        HoldReason.PASSWORD_RESET: gettext("password was reset"),
        HoldReason.NEW_LOCATION: gettext("signed in from a new place"),
        HoldReason.RECOVERY_USED: gettext("recovery code was used"),
        HoldReason.FACTORS_ERASED: gettext("second factors were erased"),
    }
    until = format_datetime(hold.until, "medium")
    return str(gettext("%(reason)s, until %(until)s", reason=reasons[hold.reason], until=until))
