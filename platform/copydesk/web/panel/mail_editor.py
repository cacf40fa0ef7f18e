"""The editor of the mail server: fields from its declarations, and a password of which only the reference is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import declared_of
from copydesk.web.panel.forms import Parsed, form_of, parse
from copydesk.web.panel.kept_secrets import is_kept, masked
from copydesk.web.panel.standing import standing_of

PASSWORD, ENTERED, PREFIX = "smtp.password", "password", "smtp"
_KEYS = ("smtp.host", "smtp.port", "smtp.security", "smtp.username", "smtp.from")


class MailEditor:
    """The server's fields, and whether a password is stored."""

    def shown(self, tenant: Tenant, typed: MultiDict[str, str] | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        standing = standing_of(tenant, PASSWORD)
        held = str(standing.value or "")
        sent = typed.get(PASSWORD, "") if typed is not None else ""
        pending = sent if sent and sent != held and is_kept(sent, PREFIX, "password") else ""
        return {
            "fields": form_of([declared_of(key) for key in _KEYS], tenant, typed, errors),
            "password": masked(pending or held),
            "pending": pending,
            "standing": standing,
            "console": tenant.config.smtp is None,
        }

    def read(self, tenant: Tenant, typed: MultiDict[str, str]) -> Parsed:
        found = parse(typed, [declared_of(key) for key in _KEYS], tenant)
        sent, held = typed.get(PASSWORD, ""), standing_of(tenant, PASSWORD).value
        if found.errors or not sent or sent == held:
            return found
        if not is_kept(sent, PREFIX, "password"):
            return Parsed({}, {"": gettext("This form is too old. Load the page again.")})
        return Parsed({**found.changes, PASSWORD: sent})
