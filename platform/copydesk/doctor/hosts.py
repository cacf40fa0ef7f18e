"""Do the brand's names lead here, and do they speak TLS that browsers trust?"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from copydesk.doctor.beside import beside
from copydesk.doctor.case import Case, is_loopback
from copydesk.doctor.model import Result, fail, ok, skip, warn
from copydesk.doctor.settings import PUBLIC_ADDRESSES

DAYS_LEFT_MIN = 14


def names(case: Case) -> Iterator[Result]:
    """Resolve every host; one that leads elsewhere shows the brand to nobody."""
    public = set(case.listed(PUBLIC_ADDRESSES))
    yield from beside(lambda host: _name(case, host, public), case.tenant.hosts)


def _name(case: Case, host: str, public: set[str]) -> Result:
    if is_loopback(host):
        return ok(host, "a name of this machine alone")
    record = f"Create an A or AAAA record for {host}" + (
        f" that points to {' or '.join(sorted(public))}." if public else "."
    )
    try:
        found = set(case.resolve(host))
    except OSError as error:
        return fail(host, f"does not resolve: {error.strerror or error}", record)
    said = ", ".join(sorted(found))
    if public and not found <= public:
        return fail(host, f"points to {said}", record)
    return ok(host, f"points to {said}")


def certificates(case: Case) -> Iterator[Result]:
    """Shake hands as a browser would, and look how long the certificate is still good."""
    yield from beside(lambda host: _shown(case, host), case.tenant.hosts)


def _shown(case: Case, host: str) -> Result:
    address = urlsplit(case.site_url.replace("{host}", host))
    if is_loopback(host) and address.scheme != "https":
        return skip(host, "plain HTTP on this machine")
    if address.scheme == "http":
        return warn(host, "its pages are served over plain HTTP", "Serve it over TLS: config/proxy shows how.")
    return _certificate(case, host, address.hostname or host, address.port or 443)


def _certificate(case: Case, host: str, name: str, port: int) -> Result:
    renew = f"Have the proxy serve a certificate for {host} that browsers trust, and renew it in time."
    try:
        with (
            socket.create_connection((name, port), case.patience_s) as plain,
            case.trusted.wrap_socket(plain, server_hostname=host) as line,
        ):
            shown, version = line.getpeercert(), line.version()
    except ssl.SSLCertVerificationError as error:
        return fail(host, f"its certificate is not trusted: {error.verify_message}", renew)
    except OSError as error:
        return fail(host, f"no TLS on {name} port {port}: {error.strerror or error}", renew)
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC) if shown else case.now
    days = (ends - case.now).days
    said = f"{version}, certificate good for {days} days"
    return ok(host, said) if days >= DAYS_LEFT_MIN else warn(host, said, renew)
