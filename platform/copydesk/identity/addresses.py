"""E-mail addresses as people type them, and the one way in which they are kept. Pure."""

from __future__ import annotations

import re
import unicodedata

from copydesk.kernel import InvalidInput

LENGTH_MAX = 254
# RFC 5321's mailbox without quoted local parts and address literals, which nobody has and much software breaks on.
_MAILBOX = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*")


def plain_email(typed: str) -> str:
    """Return an address in small letters, its domain as the mail system writes it; raises `InvalidInput`.

    Small letters throughout: no provider tells `Ann@` from `ann@`, and two accounts for them would be a trap.
    """
    text = unicodedata.normalize("NFC", typed).strip().lower()
    local, at, domain = text.rpartition("@")
    try:
        email = f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        email = ""
    if (
        not _MAILBOX.fullmatch(email)
        or len(email) > LENGTH_MAX
        or ".." in local
        or local[:1] == "."
        or local[-1:] == "."
    ):
        raise InvalidInput("expected an address such as name@example.com")
    return email
