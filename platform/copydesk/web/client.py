"""Tells visitors apart by address, also behind proxies that we were told to believe."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

from flask import current_app, request

from copydesk.kernel import ConfigError

LOOPBACK = "127.0.0.1,::1"


class Proxies:
    """The proxies whose X-Forwarded-For is believed: addresses and networks separated by commas, or `*` for all."""

    def __init__(self, allowed: str = LOOPBACK) -> None:
        words = [word.strip() for word in allowed.split(",") if word.strip()]
        self._all = "*" in words
        try:
            self._networks = [ip_network(word) for word in words if word != "*"]
        except ValueError as error:
            raise ConfigError(f"FORWARDED_ALLOW_IPS: expected addresses or networks with commas, {error}") from error

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Return the address that asks: the last one in X-Forwarded-For that is not a proxy of ours, else the peer's.

        What stands further left was written by the client itself and proves nothing.
        """
        hops = [hop.strip() for line in forwarded for hop in line.split(",") if hop.strip()]
        address = peer
        while hops and self._believes(address):
            address = hops.pop()
        return address

    def _believes(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return self._all or any(found in network for network in self._networks)


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
