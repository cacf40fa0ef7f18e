"""Client order ids, the allowed endpoints, and the addresses of each environment."""

from __future__ import annotations

import asyncio
import re
from dataclasses import fields

import pytest
from copydesk.kernel import ConfigError, derived_id
from copydesk.venues import BINANCE, TRAITS, Feature, VenueTraits, VenueUrls, client_order_id, open_stream, open_venue

DIGEST = derived_id("tenant", "7", "11", "open", length=40)


@pytest.mark.parametrize("prefix", ["", "x-TKT5PX2F", "aur-"])
def test_an_id_keeps_the_rules_of_the_exchange_and_is_always_the_same(prefix: str) -> None:
    text = client_order_id(prefix, DIGEST, BINANCE)
    assert text.startswith(prefix) and len(text) == 36
    assert re.fullmatch(BINANCE.client_order_id_pattern, text)
    assert text == client_order_id(prefix, DIGEST, BINANCE)


@pytest.mark.parametrize("prefix", ["x-TKT5PX2F&", "a" * 30, "x-12345678901-12345678"])
def test_a_prefix_that_the_exchange_refuses_is_a_configuration_error(prefix: str) -> None:
    with pytest.raises(ConfigError, match="broker prefix for binance: expected"):
        client_order_id(prefix, DIGEST, BINANCE)


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_nothing_that_moves_money_out_is_on_the_list(traits: VenueTraits) -> None:
    paths = {endpoint.path for rules in traits.origins.values() for endpoint in rules.endpoints.values()}
    assert not [path for path in paths if re.search("withdraw|capital|dust|convert|sub-?account", path, re.IGNORECASE)]


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_every_fact_names_its_source_and_date(traits: VenueTraits) -> None:
    names = [field.name for field in fields(traits)]
    facts = names[names.index("client_order_id_len_max") :]
    assert set(traits.sources) == set(facts)
    assert all(source.page and source.as_of.year >= 2026 for source in traits.sources.values())
    assert all(reason for reason in traits.unsupported.values()) and set(traits.unsupported) <= set(Feature)


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_every_origin_tells_the_time_and_names_only_rate_groups_that_exist(traits: VenueTraits) -> None:
    for rules in traits.origins.values():
        assert rules.endpoints["time"].settles
        groups = {limit.group for limit in rules.rate_limits if limit.group}
        assert groups == {group for endpoint in rules.endpoints.values() for group in endpoint.groups}


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_both_environments_have_an_address_for_every_origin(traits: VenueTraits) -> None:
    live = VenueUrls.live(traits.venue)
    lab = VenueUrls.lab(traits.venue, "http://127.0.0.1:1/", "ws://127.0.0.1:2/")
    assert set(live.rest) == set(lab.rest) == set(traits.origins)
    assert set(live.streams) == set(lab.streams)
    assert (live.secure, lab.secure) == (True, False)
    assert set(lab.rest.values()) == {"http://127.0.0.1:1"}
    assert all(url.startswith("ws://127.0.0.1:2/") and "//" not in url[5:] for url in lab.streams.values())


def test_a_venue_that_is_not_supported_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="expected one of binance"):
        VenueUrls.live("mtgox")
    with pytest.raises(ConfigError, match="expected one of binance"):
        VenueUrls.lab("mtgox", "http://127.0.0.1:1", "ws://127.0.0.1:2")


def test_only_listed_exchanges_can_be_opened_and_only_at_their_own_addresses() -> None:
    strange = VenueUrls("mtgox", {}, {})
    with pytest.raises(ConfigError, match="expected one of binance"):
        open_venue("mtgox", strange)
    with pytest.raises(AssertionError, match="addresses of mtgox"):
        open_venue("binance", strange)


@pytest.mark.parametrize("traits", TRAITS.values(), ids=TRAITS)
def test_every_listed_exchange_opens_with_its_traits_and_its_stream(traits: VenueTraits) -> None:
    async def run() -> None:
        venue = open_venue(traits.venue, VenueUrls.lab(traits.venue, "http://127.0.0.1:9", "ws://127.0.0.1:9"))
        assert venue.traits is traits
        assert open_stream(venue) is not open_stream(venue)
        await venue.aclose()

    asyncio.run(run())
