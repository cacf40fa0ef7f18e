"""Where a client finds the lab: the `urls` override for ccxt, and nothing else."""

from __future__ import annotations

from typing import Any

_REST = {
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "fapiPublic": "/fapi/v1",
    "fapiPublicV2": "/fapi/v2",
    "fapiPublicV3": "/fapi/v3",
    "fapiPrivate": "/fapi/v1",
    "fapiPrivateV2": "/fapi/v2",
    "fapiPrivateV3": "/fapi/v3",
    "fapiData": "/futures/data",
    "dapiPublic": "/dapi/v1",
    "dapiPrivate": "/dapi/v1",
    "dapiPrivateV2": "/dapi/v2",
    "dapiData": "/futures/data",
    "eapiPublic": "/eapi/v1",
    "eapiPrivate": "/eapi/v1",
    "papi": "/papi/v1",
    "papiV2": "/papi/v2",
}


def binance_urls(rest_base: str, ws_base: str) -> dict[str, Any]:
    """Return ccxt's `urls` option for a lab, e.g. `ccxt.binance({"urls": binance_urls(...)})`.

    Every address is replaced, those of markets that the lab does not offer too, so that no request can
    leave for a real exchange. The spot stream's address contains "/stream", by which ccxt.pro knows spot.
    """
    rest, ws = rest_base.rstrip("/"), ws_base.rstrip("/")
    futures = dict.fromkeys(("linear", "inverse", "option", "optionMarket", "optionPrivate"), f"{ws}/fstream/ws")
    spot = f"{ws}/stream/ws"
    streams = {"spot": spot, "margin": spot, "stock": spot, "papi": f"{ws}/pm/ws", **futures}
    ws_api = {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1", "inverse": f"{ws}/ws-dapi/v1"}
    return {"api": {**{name: rest + path for name, path in _REST.items()}, "ws": {**streams, "ws-api": ws_api}}}
