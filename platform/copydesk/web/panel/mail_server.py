"""The section of the mail server: its form, its password, and a test mail to whoever is asking.

The test uses what is typed, before anything is published, and shows the server's own words where it fails. A server
that somebody types here has to be in the public internet; one inside the house is the operator's to name, in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any

from flask import current_app, g, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, Refused, Unavailable
from copydesk.notifications import Mailer
from copydesk.notifications.smtp import SmtpMailer, named_in_panel
from copydesk.tenancy import Smtp, Tenant
from copydesk.tenancy.revisions import RefusedSettings
from copydesk.web.access import needs
from copydesk.web.asking import runtime
from copydesk.web.clock import current_time
from copydesk.web.letters import assembled, frame_values
from copydesk.web.outbound import Resolve, is_public, resolve
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import current_brand, settings_desk
from copydesk.web.panel.forms import Typed
from copydesk.web.panel.kept_secrets import keep_secrets, secret_value
from copydesk.web.panel.mail_editor import ENTERED, PASSWORD, PREFIX
from copydesk.web.panel.provider_keys import Answer
from copydesk.web.panel.saving import look, publish, refusal_errors, show_section
from copydesk.web.panel.sections import Section, named
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

P = Permission
EXTENSION, RESOLVING = "copydesk_smtp", "copydesk_resolve"
# As long as somebody waits for a page.
_TEST_TIMEOUT_S = 8.0
_PASSWORD_CHARS_MAX = 1_024
MailerOf = Callable[[Smtp, str | None], Mailer]


@panel.get("/mail")
@needs(P.SETTINGS_READ)
def mail() -> Answer:
    return show_section(_section())


@panel.post("/mail")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def enter_mail() -> Answer:
    """Seal the password that was typed, then show what would change."""
    typed = _without_password()
    if request.form.get("act") == "test":
        return _test(typed)
    if password := _entered():
        typed[PASSWORD] = keep_secrets(PREFIX, {"password": password})["password"]
    return look(_section(), typed)


@panel.post("/mail/publish")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_mail() -> Answer:
    return publish(_section())


def _test(typed: Typed) -> Answer:
    """Send a test mail to the visitor through what is typed; nothing of it is stored."""
    section, tenant = _section(), current_brand()
    parsed = section.read(tenant, typed)
    errors: Mapping[str, str] = parsed.errors
    candidate = tenant
    try:
        candidate = settings_desk().check(tenant, parsed.changes) if parsed.changes and not errors else tenant
    except RefusedSettings as refusal:
        errors = refusal_errors(section, refusal)
    if errors:
        return show_section(section, typed, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    if not _entered() and _password_would_leave(tenant, candidate):
        told = gettext("Type the password too: the stored one goes to the server that it was entered for, and nowhere.")
        return show_section(section, typed, {ENTERED: told}), HTTPStatus.UNPROCESSABLE_ENTITY
    sent, told = _sent(candidate)
    return show_section(section, typed, tested=(sent, told))


def _password_would_leave(tenant: Tenant, candidate: Tenant) -> bool:
    """Tell whether a test would show the stored password to a server that two people have not agreed to yet.

    Whoever edits settings alone must not read a sealed password by pointing the test at a server of their own.
    """
    holds, typed = tenant.config.smtp, candidate.config.smtp
    if typed is None or typed.password is None:
        return False
    places = [(one.host, one.port, one.security, one.password) for one in (holds, typed) if one]
    return len(set(places)) > 1 or holds is None


def _sent(tenant: Tenant) -> tuple[bool, str]:
    """Try to send, and say how it ended."""
    to = current_visitor().email
    site = replace(current_site(), tenant=tenant)
    words = {
        "subject": gettext("A test mail of %(brand)s", brand=tenant.name),
        "sentences": [gettext("Whoever reads this knows that the brand's mails arrive.")],
    }
    letter = assembled(site, frame_values(site) | words, number=0, to=to, at=current_time())
    try:
        mailer = _mailer(tenant)
    except InvalidInput as refusal:
        return False, str(refusal)
    try:
        mailer.send(letter)
    except (Refused, Unavailable) as error:
        return False, str(gettext("The mail did not leave. The server says: %(said)s", said=str(error)))
    if tenant.config.smtp is None:
        return True, str(gettext("There is no mail server: the mail lies in the installation's mail folder."))
    return True, str(gettext("The server took the mail to %(to)s. Look whether it arrives.", to=to))


def _mailer(tenant: Tenant) -> Mailer:
    smtp = tenant.config.smtp
    if smtp is None:
        return runtime().mailer(g.tenant_id)
    if named_in_panel(tenant):
        _require_public(smtp)
    password = _entered() or secret_value(smtp.password)
    patient = partial(SmtpMailer, timeout_s=_TEST_TIMEOUT_S, inside=not named_in_panel(tenant))
    mailer_of: MailerOf = current_app.extensions.get(EXTENSION, patient)
    return mailer_of(smtp, password)


def _require_public(smtp: Smtp) -> None:
    """Refuse to look for mail servers inside the house, and under names that have no address."""
    resolving: Resolve = current_app.extensions.get(RESOLVING, resolve)
    try:
        found = [ip_address(text.partition("%")[0]) for text in resolving(smtp.host, smtp.port)]
    except (OSError, UnicodeError, ValueError):
        found = []
    if not found:
        raise InvalidInput(gettext("%(host)s has no address.", host=smtp.host), code="address_none")
    if not all(is_public(address) for address in found):
        told = gettext("%(host)s does not lead into the public internet.", host=smtp.host)
        raise InvalidInput(told, code="address_not_public")


def _section() -> Section:
    return named("mail")


def _entered() -> str:
    return request.form.get(ENTERED, "")[:_PASSWORD_CHARS_MAX]


def _without_password() -> Any:
    """Return the form as it may be shown again and carried along."""
    pairs = request.form.items(multi=True)
    return MultiDict((name, value) for name, value in pairs if name not in {ENTERED, "act"})
