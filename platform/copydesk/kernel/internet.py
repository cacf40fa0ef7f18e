"""Which addresses lie in the public internet, for whoever connects to what somebody else wrote down. Pure.

Sources: IANA special purpose address registries; RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

Address = IPv4Address | IPv6Address

_NAT64, _SIX_TO_FOUR = ip_network("64:ff9b::/96"), ip_network("2002::/16")
# Beyond what the standard library calls private: what clouds and carriers keep for themselves.
_NOT_PUBLIC = tuple(
    ip_network(text) for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "64:ff9b:1::/48")
)


def is_public(address: Address) -> bool:
    """Tell whether an address lies in the public internet, also where IPv6 only carries an IPv4 address."""
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    apart = any(address in network for network in _NOT_PUBLIC if network.version == address.version)
    return address.is_global and not apart and not (address.is_multicast or address.is_reserved)


def _carried(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address is another dress of."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None
