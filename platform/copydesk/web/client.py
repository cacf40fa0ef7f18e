"""Tells visitors apart by address, also behind proxies that we were told to believe."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from flask import current_app, request

from copydesk.web.proxies import Proxies


def client_ip() -> str:
    """Return the address that this request comes from, "" where none is known.

    It is written the one way that its protocol has; an IPv4 address in IPv6 dress is the IPv4 address. What a proxy
    calls no address at all counts as the proxy's own.
    """
    proxies = current_app.extensions["copydesk_proxies"]
    assert isinstance(proxies, Proxies)
    peer = request.remote_addr or ""
    return _written(proxies.client(peer, request.headers.getlist("X-Forwarded-For"))) or _written(peer)


def _written(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    plain = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(plain or found)
