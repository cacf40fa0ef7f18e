"""Faults of whole exchanges and markets as clients of each dialect meet them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lab_process import TOKEN, LabProcess, Reply

# Exchange, the address of its list of perpetuals, the name of one of them, and any public address.
LISTS = [
    ("binance", "/fapi/v1/exchangeInfo", "XRPUSDT", "/api/v3/time"),
    ("okx", "/api/v5/public/instruments?instType=SWAP", "XRP-USDT-SWAP", "/api/v5/public/time"),
    ("bybit", "/v5/market/instruments-info?category=linear", "XRPUSDT", "/v5/market/time"),
    ("bitget", "/api/v2/mix/market/contracts?productType=USDT-FUTURES", "XRPUSDT", "/api/v2/public/time"),
]


def names(body: Any) -> set[str]:
    """Collect what an answer lists under the exchanges' words for an instrument's name."""
    if isinstance(body, dict):
        own = {body[word] for word in ("symbol", "instId") if isinstance(body.get(word), str)}
        return own.union(*(names(value) for value in body.values()))
    return set().union(*(names(value) for value in body)) if isinstance(body, list) else set()


@pytest.mark.parametrize(("venue", "path", "symbol", "_public"), LISTS, ids=lambda value: str(value)[:10])
def test_a_delisted_perpetual_is_in_no_list_until_it_is_listed_again(
    lab: LabProcess, venue: str, path: str, symbol: str, _public: str
) -> None:
    assert symbol in names(lab.call("GET", path).body)
    fault = lab.control("POST", "faults", harm="delist", venue=venue, market="perp", symbol=symbol)
    listed = names(lab.call("GET", path).body)
    lab.control("DELETE", "faults", id=fault["id"])
    assert symbol not in listed
    assert symbol in names(lab.call("GET", path).body)


@pytest.mark.parametrize(("venue", "_path", "_symbol", "public"), LISTS, ids=lambda value: str(value)[:10])
def test_an_exchange_in_maintenance_answers_503_in_its_own_words_and_the_others_go_on(
    lab: LabProcess, venue: str, _path: str, _symbol: str, public: str
) -> None:
    fault = lab.control("POST", "faults", harm="maintenance", venue=venue)
    down: Reply = lab.call("GET", public)
    others = [lab.call("GET", other).status for name, _, _, other in LISTS if name != venue]
    lab.control("DELETE", "faults", id=fault["id"])
    assert down.status == 503
    assert {"code", "retCode"} & set(down.body), json.dumps(down.body)
    assert others == [200, 200, 200]
    assert lab.call("GET", public).status == 200


def test_a_listen_key_that_expired_silently_is_found_out_by_its_refresh(lab: LabProcess) -> None:
    keys = lab.open_account("listener", permissions=("read", "trade", "perp"))
    other = lab.open_account("bystander", permissions=("read", "trade", "perp"))
    for one in (keys, other):
        assert lab.call("POST", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": one.api_key}).status == 200
    expires = {"harm": "expire_listen_keys", "venue": "binance", "mode": "silently", "account": "listener"}
    told = lab.control("POST", "faults", **expires)
    assert told["expired"] == 1
    refreshed = [lab.call("PUT", "/fapi/v1/listenKey", headers={"X-MBX-APIKEY": k.api_key}) for k in (keys, other)]
    assert [reply.status for reply in refreshed] == [400, 200]
    assert refreshed[0].body["code"] == -1125


def test_an_exchange_without_listen_keys_says_so(lab: LabProcess) -> None:
    body = json.dumps({"harm": "expire_listen_keys", "venue": "okx"})
    refused = lab.call("POST", "/lab/v1/faults", body, headers={"X-Lab-Token": TOKEN})
    assert (refused.status, refused.body["error"]) == (422, "venue: expected an exchange with listen keys, found 'okx'")


@pytest.mark.parametrize(("venue", "_path", "_symbol", "public"), LISTS, ids=lambda value: str(value)[:10])
def test_an_exchange_whose_clock_is_off_tells_so_itself(
    lab: LabProcess, venue: str, _path: str, _symbol: str, public: str
) -> None:
    def clock_ms() -> int:
        text = json.dumps(lab.call("GET", public).body)
        digits = [word for word in text.replace('"', " ").replace(",", " ").replace("}", " ").split() if word.isdigit()]
        return next(int(word) for word in digits if len(word) == 13)

    before = clock_ms()
    fault = lab.control("POST", "faults", harm="clock_offset", venue=venue, offset_ms=3_600_000)
    ahead = clock_ms()
    lab.control("DELETE", "faults", id=fault["id"])
    assert 3_599_000 < ahead - before < 3_700_000
    assert clock_ms() - before < 100_000
