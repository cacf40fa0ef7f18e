"""What each kind of mail says: a subject, sentences, and what its button is called.

A sentence whose facts are not all there is left out; so every kind reads well with none of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.notifications import Kind

_K = Kind
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class MailText:
    """The texts of one kind. `alarm` is told where somebody else may have done it: what to do then."""

    subject: LazyString
    sentences: tuple[LazyString | str, ...]
    button: LazyString | None = None
    alarm: LazyString | None = None


_WHEN = lazy_gettext("When: %(at)s")
_WHERE = lazy_gettext("From the address %(ip)s")
_AGENT = lazy_gettext("With: %(agent)s")
_HELD = lazy_gettext("To keep your money safe, changes of keys and payouts rest until %(held_until)s.")
_NOT_YOU = lazy_gettext("If this was not you, change your password now, end all other sessions and write to support.")
_IGNORE = lazy_gettext("If you did not ask for this, you need do nothing.")
# A reason is a sentence of its own.
_REASON = "%(reason)s"
_SECURITY = lazy_gettext("Look at your account")
_KEYS = lazy_gettext("Look at your keys")

TEXTS: Mapping[Kind, MailText] = {
    _K.VERIFY_EMAIL: MailText(
        lazy_gettext("Confirm your e-mail address at %(brand)s"),
        (
            lazy_gettext("You have created an account at %(brand)s with this address. Confirm that it is yours."),
            lazy_gettext("The link works once, within %(hours)s hours."),
        ),
        lazy_gettext("Confirm this address"),
        _IGNORE,
    ),
    _K.ALREADY_REGISTERED: MailText(
        lazy_gettext("You already have an account at %(brand)s"),
        (
            lazy_gettext("Somebody, probably you, wanted to create an account at %(brand)s with this address."),
            lazy_gettext("There is one already. Sign in with it; where you forgot the password, set a new one."),
        ),
        lazy_gettext("Sign in"),
        _IGNORE,
    ),
    _K.RESET_PASSWORD: MailText(
        lazy_gettext("Set a new password at %(brand)s"),
        (
            lazy_gettext("A new password was asked for. Choose it on the page that this link opens."),
            lazy_gettext("The link works once, within %(minutes)s minutes."),
            lazy_gettext("The link works once, within %(hours)s hours."),
            lazy_gettext(
                "Your second factor stays as it is. Changes of keys and payouts rest for 24 hours afterwards."
            ),
        ),
        lazy_gettext("Set a new password"),
        lazy_gettext("If you did not ask for this, you need do nothing: your password stays as it is."),
    ),
    _K.PASSWORD_CHANGED: MailText(
        lazy_gettext("Your password at %(brand)s was changed"),
        (lazy_gettext("All other sessions were ended."), _WHEN, _WHERE, _HELD),
        _SECURITY,
        _NOT_YOU,
    ),
    _K.NEW_LOCATION: MailText(
        lazy_gettext("A sign-in at %(brand)s from a new place"),
        (
            lazy_gettext("Somebody signed in to your account with the right password, from a place not seen before."),
            *(_WHEN, _WHERE, _AGENT, _HELD),
            lazy_gettext("If it was you, say so with the button; then nothing rests any longer."),
        ),
        lazy_gettext("This was me"),
        _NOT_YOU,
    ),
    _K.NEW_LOCATION_STAFF: MailText(
        lazy_gettext("%(brand)s: a member of staff signed in from a new place"),
        (lazy_gettext("%(who)s signed in from a place not seen before."), _WHEN, _WHERE, _AGENT),
        lazy_gettext("Look at this person"),
        lazy_gettext("Ask them by another way than mail. If it was not them, end their sessions."),
    ),
    _K.FACTOR_ADDED: MailText(
        lazy_gettext("A second factor was added at %(brand)s"),
        (lazy_gettext("Added: %(factor)s."), _WHEN, _WHERE),
        _SECURITY,
        _NOT_YOU,
    ),
    _K.FACTOR_REMOVED: MailText(
        lazy_gettext("A second factor was removed at %(brand)s"),
        (lazy_gettext("Removed: %(factor)s."), _WHEN, _WHERE, _HELD),
        _SECURITY,
        _NOT_YOU,
    ),
    _K.RECOVERY_USED: MailText(
        lazy_gettext("A recovery code was used at %(brand)s"),
        (
            lazy_gettext("One of your recovery codes was used to sign in, or to confirm an act. It works no more."),
            lazy_gettext("Codes left: %(left)s."),
            *(_WHEN, _WHERE),
        ),
        _SECURITY,
        _NOT_YOU,
    ),
    _K.INVITED: MailText(
        lazy_gettext("You are invited to %(brand)s"),
        (
            lazy_gettext("Create your account on the page that this link opens."),
            lazy_gettext("The link works once, within %(hours)s hours."),
        ),
        lazy_gettext("Create your account"),
        _IGNORE,
    ),
    _K.INVITED_STAFF: MailText(
        lazy_gettext("You are invited to the staff of %(brand)s"),
        (
            lazy_gettext("Your role: %(role)s."),
            lazy_gettext("Choose a password on the page that this link opens; then set up a second factor."),
            lazy_gettext("The link works once, within %(hours)s hours."),
        ),
        lazy_gettext("Accept the invitation"),
        _IGNORE,
    ),
    _K.ACCOUNT_CLOSED: MailText(
        lazy_gettext("Your account at %(brand)s is closed"),
        (
            lazy_gettext("Your exchange keys were destroyed and your personal data erased, as far as the law allows."),
            lazy_gettext("Delete the keys at your exchanges too."),
            _WHEN,
        ),
        None,
        lazy_gettext("If this was not you, write to support at once and delete the keys at your exchanges."),
    ),
    _K.KEY_CONNECTED: MailText(
        lazy_gettext("An exchange key was connected at %(brand)s"),
        (
            lazy_gettext("Exchange: %(exchange)s"),
            lazy_gettext("Name: %(label)s"),
            lazy_gettext("It may trade, and it may not withdraw. This is looked at again every day."),
        ),
        _KEYS,
        _NOT_YOU,
    ),
    _K.KEY_REFUSED: MailText(
        lazy_gettext("An exchange key was refused at %(brand)s"),
        (
            lazy_gettext("Exchange: %(exchange)s"),
            lazy_gettext("Name: %(label)s"),
            lazy_gettext("This key has a right that it must not have: %(right)s."),
            _REASON,
            lazy_gettext("The key was not kept. Change it at the exchange, or make a new one, and connect it again."),
        ),
        _KEYS,
        _NOT_YOU,
    ),
    _K.KEY_DISARMED: MailText(
        lazy_gettext("Copying with an exchange key has stopped at %(brand)s"),
        (
            lazy_gettext("Exchange: %(exchange)s"),
            lazy_gettext("Name: %(label)s"),
            lazy_gettext("This key has a right that it must not have: %(right)s."),
            _REASON,
            lazy_gettext("Nothing is opened with it any more. Look at your positions at the exchange."),
        ),
        _KEYS,
        lazy_gettext("If you did not change this key yourself, delete it at the exchange now."),
    ),
    _K.KEY_EXPIRES: MailText(
        lazy_gettext("An exchange key at %(brand)s ends soon"),
        (
            lazy_gettext("Exchange: %(exchange)s"),
            lazy_gettext("Name: %(label)s"),
            lazy_gettext("Days left: %(days)s."),
            lazy_gettext("Afterwards nothing is copied with it, and nothing closed. Make a new key and replace it."),
        ),
        _KEYS,
    ),
    _K.STAFF_CHANGED: MailText(
        lazy_gettext("%(brand)s: the staff was changed"),
        (
            lazy_gettext("About: %(who)s"),
            lazy_gettext("Roles now: %(role)s."),
            lazy_gettext("Change: %(change)s"),
            _WHEN,
        ),
        lazy_gettext("Look at the team"),
        lazy_gettext("If you did not expect this, ask another owner by another way than mail."),
    ),
    _K.SETTINGS_WAIT: MailText(
        lazy_gettext("%(brand)s: a change of the settings waits for you"),
        (
            lazy_gettext("Proposed by: %(who)s"),
            lazy_gettext("Why: %(reason)s"),
            lazy_gettext("It holds once a second person approves it; until then nothing changes."),
            _WHEN,
        ),
        lazy_gettext("Look at the change"),
        lazy_gettext("If you did not expect this, ask another owner by another way than mail."),
    ),
    _K.FIGURES_DIFFER: MailText(
        lazy_gettext("%(brand)s: stored figures differ from their recomputation"),
        (
            lazy_gettext("The nightly check computed every figure anew from the trades. Different: %(count)s."),
            lazy_gettext("The first one is of the strategy %(strategy)s."),
            lazy_gettext("What your site shows may be wrong until its operator has the figures rebuilt."),
            lazy_gettext("Copying goes on as before: it uses none of these figures."),
            _WHEN,
        ),
        lazy_gettext("Look at the ranking"),
        lazy_gettext("You get this mail because you are an owner of this site."),
    ),
    _K.STEP_UP_CODE: MailText(
        lazy_gettext("Your code for %(brand)s"),
        (
            lazy_gettext("Your code: %(code)s"),
            lazy_gettext("It works once, within %(minutes)s minutes. Nobody of us ever asks you for it."),
        ),
        None,
        _NOT_YOU,
    ),
    _K.NOTICE: MailText(
        lazy_gettext("%(brand)s: %(count)s notices"),
        ("%(notices)s", lazy_gettext("And %(more)s more.")),
        lazy_gettext("Look at it"),
    ),
}


def said(sentence: LazyString | str, facts: Mapping[str, str]) -> str | None:
    """Return the sentence with its facts, None where one is missing."""
    text = str(sentence)
    if not set(_PLACEHOLDER.findall(text)) <= facts.keys():
        return None
    return text % facts
