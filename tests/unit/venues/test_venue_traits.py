"""Client order ids, the allowed endpoints, and the addresses of each environment."""

from __future__ import annotations

import re

import pytest
from copydesk.kernel import ConfigError, derived_id
from copydesk.venues import BINANCE_SPOT, VenueUrls, client_order_id

DIGEST = derived_id("tenant", "7", "11", "open", length=40)


@pytest.mark.parametrize("prefix", ["", "x-TKT5PX2F", "aur-"])
def test_an_id_keeps_the_rules_of_the_exchange_and_is_always_the_same(prefix: str) -> None:
    text = client_order_id(prefix, DIGEST)
    assert text.startswith(prefix) and len(text) == 36
    assert re.fullmatch(BINANCE_SPOT.client_order_id_pattern, text)
    assert text == client_order_id(prefix, DIGEST)


@pytest.mark.parametrize("prefix", ["x-TKT5PX2F&", "a" * 30, "x-12345678901-12345678"])
def test_a_prefix_that_the_exchange_refuses_is_a_configuration_error(prefix: str) -> None:
    with pytest.raises(ConfigError, match="broker prefix for binance: expected"):
        client_order_id(prefix, DIGEST)


def test_nothing_that_moves_money_out_is_on_the_list() -> None:
    paths = {endpoint.path for endpoint in BINANCE_SPOT.endpoints.values()}
    assert not [path for path in paths if re.search("withdraw|transfer|capital|dust|convert", path, re.IGNORECASE)]


def test_the_lab_stream_path_is_one_that_ccxt_takes_for_spot() -> None:
    urls = VenueUrls.lab("http://127.0.0.1:1/", "ws://127.0.0.1:2/")
    assert (urls.rest, urls.ws_stream) == ("http://127.0.0.1:1", "ws://127.0.0.1:2/stream/ws")
    assert urls.ws_api == "ws://127.0.0.1:2/ws-api/v3"
