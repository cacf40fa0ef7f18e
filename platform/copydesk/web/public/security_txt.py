"""`/.well-known/security.txt`: where a weakness of this brand's site is reported. Source: RFC 9116."""

from __future__ import annotations

from datetime import UTC, timedelta

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.tenancy import SECURITY_CONTACT, setting_value
from copydesk.web.access import needs
from copydesk.web.clock import current_time
from copydesk.web.public.blueprint import public
from copydesk.web.site import current_site

PATH = "/.well-known/security.txt"
_HOLDS_FOR = timedelta(days=90)  # Told anew each day; the RFC wants less than a year.
_AGE_S = 86_400


@public.get(PATH)
@needs(Permission.PUBLIC)
def security_txt() -> Response:
    """Tell the brand's contact, until when that holds, in which languages, and where this file belongs."""
    tenant = current_site().tenant
    contact = setting_value(tenant, SECURITY_CONTACT, str)
    if not contact:
        raise NotFound("This site names no contact.")
    until = current_time().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _HOLDS_FOR
    lines = (
        f"Contact: {contact if contact.startswith('https://') else f'mailto:{contact}'}",
        f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}",
        f"Preferred-Languages: {', '.join(tag.partition('_')[0] for tag in tenant.config.locales)}",
        f"Canonical: {request.scheme}://{request.host}{PATH}",
    )
    response = Response("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={_AGE_S}"
    return response
