"""Networks that an allowlist takes, what lies inside, and what counts as the same place."""

from __future__ import annotations

import pytest
from copydesk.identity.access.networks import agent_family, is_inside, parse_network, place_of
from copydesk.kernel import InvalidInput

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FIREFOX_LATER = FIREFOX.replace("140", "151")
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
EDGE = f"{CHROME} Edg/140.0.0.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.0/24 ", "203.0.113.0/24"),
        ("203.0.113.77/24", "203.0.113.0/24"),
        ("2001:DB8::/48", "2001:db8::/48"),
        ("2001:db8::1", "2001:db8::1/128"),
    ],
)
def test_addresses_and_networks_of_both_protocols_are_taken(typed: str, kept: str) -> None:
    assert str(parse_network(typed)) == kept


@pytest.mark.parametrize(
    "typed", ["", "office", "203.0.113", "203.0.113.0/33", "2001:db8::/129", "1.2.3.4/8/8", "\u0661"]
)
def test_what_is_no_network_is_refused_with_what_was_found(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_network(typed)
    assert refused.value.code == "network_unreadable"
    assert f'found "{typed}"' in str(refused.value)


@pytest.mark.parametrize("typed", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3"])
def test_a_network_of_nearly_everybody_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_network(typed)
    assert refused.value.code == "network_wide"


def test_an_address_lies_inside_its_own_network_only() -> None:
    networks = ["203.0.113.0/24", "2001:db8::/48"]
    assert is_inside("203.0.113.200", networks)
    assert is_inside("2001:db8:0:1::5", networks)
    assert is_inside("::ffff:203.0.113.9", networks)
    assert not is_inside("203.0.114.1", networks)
    assert not is_inside("2001:db8:1::1", networks)
    assert not is_inside("", networks)
    assert not is_inside("nonsense", networks)


def test_the_same_place_is_the_network_around_an_address() -> None:
    assert place_of("203.0.113.7") == place_of("::ffff:203.0.113.250") == "203.0.113.0/24"
    assert place_of("2001:db8:7:1::1") == place_of("2001:db8:7:ffff::2") == "2001:db8:7::/48"
    assert place_of("") == place_of("nonsense") == "unknown"


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        (FIREFOX, "Firefox, Linux"),
        (FIREFOX_LATER, "Firefox, Linux"),
        (CHROME, "Chrome, Windows"),
        (EDGE, "Edge, Windows"),
        (SAFARI, "Safari, iOS"),
        ("curl/8.5.0", "curl"),
        ("", "unknown"),
        ("\x00<script>", "unknown"),
    ],
)
def test_a_browser_is_known_without_its_version(agent: str, family: str) -> None:
    assert agent_family(agent) == family
