"""Money cannot leave an account through us: no call exists for it, and the HTTP layer sends no request that does it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import ccxt
import pytest
from copydesk.kernel import NotPermitted
from copydesk.trading import Credentials
from copydesk.venues import EXCHANGES, TRAITS, LeaderStream, MarketStream, Venue, VenueUrls, open_venue
from copydesk.venues.client.calls import PlainCall
from copydesk.venues.client.core import VenueClient
from copydesk.venues.traits import Endpoint, OriginRules
from money_out import MONEY_OUT
from raw_exchange import SILENCE, RawExchange, raw_exchange

KEY = Credentials(1, "a" * 64, "s" * 64, "passphrase")
METHODS = ("GET", "POST")
OUTWARD = re.compile(r"withdraw|transfer|sub-?account|sub-?member|giftcard|payout|broker|fiat|p2p", re.IGNORECASE)
# What moves money between the wallets of the account itself; `takes` says so of each.
OWN_WALLETS = {
    "/sapi/v1/asset/transfer",
    "/api/v5/asset/transfer",
    "/v5/asset/transfer/inter-transfer",
    "/api/v2/spot/wallet/transfer",
    "/api/v3/account/transfer",
}
READS = {"/v5/asset/transfer/query-account-coins-balance"}


def clients_of(venue: Venue) -> list[VenueClient]:
    """Return every client that an adapter holds, however deep."""
    found: list[VenueClient] = []
    seen: set[int] = set()
    waiting: list[Any] = [venue]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or (not type(one).__module__.startswith("copydesk.") and not isinstance(one, list | tuple)):
            continue
        seen.add(id(one))
        if isinstance(one, VenueClient):
            found.append(one)
        inside = one if isinstance(one, list | tuple) else vars(one).values() if hasattr(one, "__dict__") else ()
        waiting += inside
    return found


def at_a_recording_server(name: str, story: Callable[[Venue, RawExchange], Awaitable[None]]) -> None:
    async def told() -> None:
        async with raw_exchange(lambda _: SILENCE) as server:
            venue = open_venue(name, VenueUrls.lab(name, server.url, server.url.replace("http", "ws")))
            try:
                await story(venue, server)
            finally:
                await venue.aclose()
            assert (server.accepted, server.requests) == (0, [])

    asyncio.run(told())


def test_the_list_of_ways_out_is_long_enough_to_mean_something() -> None:
    assert set(MONEY_OUT) == set(EXCHANGES)
    assert sum(map(len, MONEY_OUT.values())) >= 40


@pytest.mark.parametrize("name", EXCHANGES)
def test_no_known_way_out_sends_a_byte(name: str) -> None:
    async def try_all(venue: Venue, server: RawExchange) -> None:
        clients = clients_of(venue)
        assert len(clients) == len(TRAITS[name].origins)
        for client in clients:
            for path in MONEY_OUT[name]:
                for method in METHODS:
                    call = PlainCall(client, Endpoint(method, path), KEY, {"amount": "1", "address": "x"})
                    with pytest.raises(NotPermitted, match="not on the list of allowed endpoints"):
                        client.start(call)

    at_a_recording_server(name, try_all)


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_request_that_looks_like_an_allowed_one_is_still_refused(name: str) -> None:
    async def try_copies(venue: Venue, server: RawExchange) -> None:
        for client in clients_of(venue):
            for real in client.endpoints.values():
                copy = Endpoint(real.method, real.path, real.weight)
                with pytest.raises(NotPermitted):
                    client.start(PlainCall(client, copy, KEY, {}))

    at_a_recording_server(name, try_copies)


FOREIGN: dict[str, list[Mapping[str, Any]]] = {
    "binance": [
        {"type": "MAIN_MARGIN", "asset": "USDT", "amount": "1"},
        {"type": "MAIN_FUNDING", "asset": "USDT", "amount": "1", "toEmail": "x"},
    ],
    "okx": [
        {"type": "1", "from": "6", "to": "6", "ccy": "USDT", "amt": "1", "subAcct": "x"},
        {"type": "0", "from": "6", "to": "6", "ccy": "USDT", "amt": "1", "subAcct": "x"},
        {"type": "2", "from": "18", "to": "6", "ccy": "USDT", "amt": "1"},
    ],
    "bybit": [
        {"coin": "USDT", "amount": "1", "fromAccountType": "UNIFIED", "toAccountType": "COPYTRADING"},
        {"coin": "USDT", "amount": "1", "fromAccountType": "UNIFIED", "toAccountType": "FUND", "toMemberId": "2"},
    ],
    "bitget": [
        {"fromType": "spot", "toType": "p2p", "amount": "1", "coin": "USDT", "toUserId": "2"},
        {"fromType": "spot", "toType": "crossed_margin", "amount": "1", "coin": "USDT"},
    ],
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_transfer_between_own_wallets_cannot_name_anybody_else(name: str) -> None:
    async def try_names(venue: Venue, server: RawExchange) -> None:
        for client in (one for one in clients_of(venue) if "transfer" in one.endpoints):
            for params in FOREIGN[name]:
                with pytest.raises(NotPermitted, match="may not be sent with"):
                    await client.ask("transfer", KEY, params, lambda answer: answer)

    at_a_recording_server(name, try_names)


def origins() -> Iterator[tuple[str, OriginRules]]:
    return ((name, rules) for name, traits in TRAITS.items() for rules in traits.origins.values())


def test_nothing_on_the_lists_of_allowed_requests_leads_out() -> None:
    for _, rules in origins():
        for endpoint in rules.endpoints.values():
            if OUTWARD.search(endpoint.path):
                assert (endpoint.takes is not None) is (endpoint.path in OWN_WALLETS)
                assert endpoint.path in OWN_WALLETS or (endpoint.path in READS and endpoint.method == "GET")


def listed(api: Mapping[str, Any]) -> Iterator[str]:
    """Name every path that a ccxt client knows, as it lists them."""
    for name, inside in api.items():
        if name in {"get", "post", "put", "delete"}:
            yield from inside
        elif isinstance(inside, Mapping):
            yield from listed(inside)


@pytest.mark.parametrize("name", EXCHANGES)
def test_no_way_out_that_another_client_knows_is_on_a_list_of_ours(name: str) -> None:
    theirs = {path for path in listed(getattr(ccxt, name)().describe()["api"]) if OUTWARD.search(path)}
    assert len(theirs) > 30
    ours = {endpoint.path for rules in TRAITS[name].origins.values() for endpoint in rules.endpoints.values()}
    both = {path for path in ours if any(path.endswith(f"/{other}") for other in theirs)}
    assert both <= OWN_WALLETS | READS


def test_no_part_of_an_adapter_has_a_withdrawal_by_name() -> None:
    kinds = [Venue, LeaderStream, MarketStream, *(type(one) for one in opened())]
    named = {f"{kind.__name__}.{name}" for kind in kinds for name in dir(kind) if "withdraw" in name.lower()}
    assert named == set()


def opened() -> list[object]:
    """Open every adapter, and return it with its clients and what it calls through."""
    found: list[object] = []

    async def open_all() -> None:
        for name in EXCHANGES:
            venue = open_venue(name, VenueUrls.lab(name, "http://127.0.0.1:9", "ws://127.0.0.1:9"))
            found.extend([venue, *vars(venue).values(), *clients_of(venue)])
            await venue.aclose()

    asyncio.run(open_all())
    return found
