"""Where webhooks and push may lead: over TLS into the public internet, and nowhere else.

The address is looked at twice: when it is given, as far as it names an address; and when something is sent, every
address that its name has then. The connection goes to an address that was looked at, redirects are not followed.
Sources: OWASP Server-Side Request Forgery Prevention; `kernel.internet`.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from copydesk.kernel import InvalidInput
from copydesk.kernel.internet import is_public

URL_LEN_MAX = 2_000
_PORTS = frozenset({None, 443})


def require_address(url: str, *, private: bool = False) -> SplitResult:
    """Return the parts of an address that may be sent to; raises `InvalidInput` with what is wrong with it.

    With `private` (`notices.private_targets`) any host, any port and plain HTTP will do.
    """
    parts = _parts(url)
    schemes = ("https", "http") if private else ("https",)
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise InvalidInput("address: expected https:// and a name, found something else", code="address_unusable")
    if parts.username is not None or parts.password is not None:
        raise InvalidInput("address: expected none with a user name in it", code="address_unusable")
    if not private and parts.port not in _PORTS:
        raise InvalidInput(f"address: expected port 443, found {parts.port}", code="address_unusable")
    if not private and not _may_be_public(parts.hostname):
        raise InvalidInput(
            f"address: {parts.hostname} does not lead into the public internet", code="address_not_public"
        )
    return parts


def _parts(url: str) -> SplitResult | None:
    if len(url) > URL_LEN_MAX or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _may_be_public(host: str) -> bool:
    """Tell whether a host may lead outside; of a name only its resolution tells, which happens when it is used."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))
