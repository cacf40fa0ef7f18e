"""Reads the forms of an account: either everything is as expected, or every field that is not is named at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request
from flask_babel import gettext, ngettext  # type: ignore[import-untyped]

from copydesk.identity.addresses import plain_email
from copydesk.identity.model import OWN_CHOICE, Role
from copydesk.identity.passwords import (
    LENGTH_MAX,
    PasswordFault,
    PasswordTerms,
    password_fault,
    password_terms,
    plain_password,
)
from copydesk.identity.settings import PASSWORD_LENGTH_MIN
from copydesk.kernel import InvalidInput
from copydesk.tenancy import setting_value
from copydesk.web.site import current_site

NAME_CHARS_MAX = 60
_TYPED_MAX = 300


@dataclass(frozen=True, slots=True)
class NewAccountForm:
    """What somebody typed who registers, good or not; the password is never shown again."""

    email: str
    display_name: str
    role: str
    password: str = field(repr=False)


def typed(name: str) -> str:
    """Return what was typed into a field, spaces around it left out; cut where it is longer than any sense."""
    return request.form.get(name, "").strip()[:_TYPED_MAX]


def typed_secret(name: str) -> str:
    """Return a password as it was typed, every character of it."""
    return request.form.get(name, "")


def new_account_form() -> tuple[NewAccountForm, dict[str, str]]:
    """Read a registration and say what is wrong with it."""
    form = NewAccountForm(typed("email"), typed("display_name"), typed("role"), typed_secret("password"))
    errors = {
        "email": email_error(form.email),
        "display_name": name_error(form.display_name),
        "role": role_error(form.role),
        "password": password_error(form.password, form.role, known=(form.email, form.display_name)),
    }
    return form, found(errors)


def found(errors: Mapping[str, str]) -> dict[str, str]:
    """Keep the fields that something is wrong with."""
    return {name: sentence for name, sentence in errors.items() if sentence}


def email_error(email: str) -> str:
    """Say what is wrong with an address, "" where nothing is."""
    if not email:
        return str(gettext("Enter your e-mail address."))
    try:
        plain_email(email)
    except InvalidInput:
        return str(gettext("E-mail: an address such as name@example.com is expected."))
    return ""


def name_error(name: str) -> str:
    """Say what is wrong with a name that others may see."""
    if not name:
        return str(gettext("Enter the name that others will see."))
    if len(name) > NAME_CHARS_MAX:
        return str(
            gettext(
                "Name: at most %(most)s characters are expected, found %(found)s.", most=NAME_CHARS_MAX, found=len(name)
            )
        )
    # No control characters and no marks of direction, with which a name could pass for another.
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Co", "Cn"} for sign in name):
        return str(gettext("Name: letters, digits and punctuation are expected, found a sign that cannot be seen."))
    return ""


def role_error(role: str) -> str:
    """Say that somebody did not choose what to be here."""
    if role == Role.TRADER and not current_site().features.traders:
        return str(gettext("Here nobody registers to be copied: traders are invited."))
    return "" if role in OWN_CHOICE else str(gettext("Choose whether you want to copy traders or to be copied."))


def password_error(password: str, role: str, *, known: tuple[str, ...]) -> str:
    """Say what is wrong with a new password; `known` are texts that anybody may know of its owner."""
    if not password:
        return str(gettext("Enter a password."))
    terms = terms_for(role, known)
    fault = password_fault(plain_password(password), terms)
    return "" if fault is None else _fault_sentence(fault, terms)


def terms_for(role: str, known: tuple[str, ...] = ()) -> PasswordTerms:
    """Return what passwords of this brand are held against."""
    tenant = current_site().tenant
    meant = Role(role) if role in set(Role) else Role.FOLLOWER
    return password_terms(setting_value(tenant, PASSWORD_LENGTH_MIN, int), meant, (tenant.name, *known))


def _fault_sentence(fault: PasswordFault, terms: PasswordTerms) -> str:
    match fault:
        case PasswordFault.TOO_SHORT:
            told = ngettext(
                "Password: at least %(num)s character is expected.",
                "Password: at least %(num)s characters are expected.",
                terms.length_min,
            )
        case PasswordFault.TOO_LONG:
            told = gettext("Password: at most %(most)s characters are expected.", most=LENGTH_MAX)
        case PasswordFault.COMMON:
            told = gettext("This password is on lists that attackers try first. Choose another one.")
        case PasswordFault.PERSONAL:
            told = gettext("This password is too much like your name, your e-mail address or ours. Add other words.")
        case PasswordFault.GUESSABLE:
            told = gettext("This password is easy to guess. Use a few words that have nothing to do with each other.")
    return str(told)
