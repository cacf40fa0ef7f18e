"""A test mail in a brand's own words, as they are typed: to whoever is asking, and to nobody else."""

from __future__ import annotations

from http import HTTPStatus

from flask import g, request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.identity.access import Permission
from copydesk.kernel import Refused, Unavailable
from copydesk.web.access import needs
from copydesk.web.asking import runtime
from copydesk.web.clock import current_time
from copydesk.web.letter_samples import sample_letter
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import current_brand
from copydesk.web.panel.letters import typed_letter
from copydesk.web.panel.provider_keys import Answer
from copydesk.web.panel.saving import show_section
from copydesk.web.panel.sections import named
from copydesk.web.visitor import current_visitor


@panel.post("/letters/test")
@needs(Permission.SETTINGS_WRITE)
def test_letter() -> Answer:
    """Send the typed words through the brand's mail server as it is now; nothing is stored."""
    section, typed, tenant = named("letters"), MultiDict(request.form), current_brand()
    chosen, errors = typed_letter(tenant, typed)
    if chosen is None or errors:
        return show_section(section, typed, errors), HTTPStatus.UNPROCESSABLE_ENTITY
    to, origin = current_visitor().email, runtime().site_url(tenant.hosts[0]).rstrip("/")
    kind, locale, words = chosen
    letter = sample_letter(tenant, kind, locale, words, to=to, origin=origin, at=current_time())
    try:
        runtime().mailer(g.tenant_id).send(letter)
    except (Refused, Unavailable) as error:
        told = gettext("The mail did not leave. The server says: %(said)s", said=str(error))
        return show_section(section, typed, tested=(False, str(told)))
    return show_section(section, typed, tested=(True, str(gettext("The test mail is on its way to %(to)s.", to=to))))
