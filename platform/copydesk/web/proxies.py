"""Which proxies are believed when they say for whom they ask."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

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
