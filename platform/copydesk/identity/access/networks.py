"""Addresses and networks: what an allowlist may say, and what counts as the same place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from copydesk.kernel import InvalidInput

NETWORKS_MAX = 50
_PLACE_BITS = {4: 24, 6: 48}
# Wider than this is most of a provider, and so nearly everybody.
BITS_MIN = {4: 8, 6: 16}
# The first that is found counts; every browser also names those that came before it.
_FAMILIES = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,30}")


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Read an address or a network in CIDR form; a single address is the network of just itself.

    Raises `InvalidInput` that says what was expected and found.
    """
    found = text.strip()
    try:
        network = ip_network(found, strict=False)
    except ValueError:
        raise InvalidInput(
            f'expected an address or a network such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48, found "{found}"',
            code="network_unreadable",
        ) from None
    if network.prefixlen < BITS_MIN[network.version]:
        raise InvalidInput(
            f"expected a network of at least /{BITS_MIN[network.version]}, found {network}: it lets nearly all in",
            code="network_wide",
        )
    return network


def is_inside(ip: str, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of the networks; what is no address lies in none."""
    address = plain_address(ip)
    if address is None:
        return False
    return any(ip_address(address) in ip_network(network) for network in networks)


def plain_address(ip: str) -> str | None:
    """Write an address the shortest way, one of IPv4 inside IPv6 as IPv4; None for what is no address."""
    try:
        address = ip_address(ip.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def place_of(ip: str) -> str:
    """Return the network that counts as one place: the /24 around an IPv4 address, the /48 around one of IPv6."""
    address = plain_address(ip)
    if address is None:
        return "unknown"
    return str(ip_network(f"{address}/{_PLACE_BITS[ip_address(address).version]}", strict=False))


def agent_family(agent: str) -> str:
    """Name browser and system without their versions, which change every few weeks: "Firefox, Linux"."""
    family = next((name for mark, name in _FAMILIES if mark in agent), "")
    if not family:
        product = _PRODUCT.match(agent)
        family = product.group() if product else "unknown"
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{family}, {system}" if system else family
