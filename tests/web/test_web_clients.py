"""Whose word about a visitor's address counts."""

from __future__ import annotations

import pytest
from copydesk.kernel import ConfigError
from copydesk.web.proxies import Proxies


@pytest.mark.parametrize(
    ("allowed", "peer", "forwarded", "client"),
    [
        ("127.0.0.1,::1", "127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1,::1", "127.0.0.1", ["6.6.6.6, 192.0.2.7"], "192.0.2.7"),
        ("127.0.0.1,::1", "198.51.100.1", ["192.0.2.7"], "198.51.100.1"),
        ("127.0.0.1,10.0.0.0/8", "10.0.0.9", ["192.0.2.7", "10.0.0.8"], "192.0.2.7"),
        ("*", "198.51.100.1", ["192.0.2.7"], "192.0.2.7"),
        ("", "127.0.0.1", ["192.0.2.7"], "127.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_from_known_proxies_only(
    allowed: str, peer: str, forwarded: list[str], client: str
) -> None:
    assert Proxies(allowed).client(peer, forwarded) == client


def test_a_wrong_list_of_proxies_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="FORWARDED_ALLOW_IPS: expected addresses or networks"):
        Proxies("proxy.example")
