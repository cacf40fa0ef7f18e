"""Where a client finds the lab: the `urls` override for ccxt, for every exchange, and nothing else.

Two pairs of bases work: the plain ones (`http://127.0.0.1:8010`, `ws://127.0.0.1:8011`), and those of a TLS port under
a host name of the lab (`https://lab.test:8443`, `wss://lab.test:8443`), which same-host mode resolves. Only under TLS
does ccxt choose Binance's error tables as on the real hosts: it goes by how an address begins (see `_binance_rest`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from copydesk.kernel import InvalidInput

LAB_HOST = "lab.test"
_BINANCE_REST = {
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


_BYBIT_REST = ("spot", "futures", "v2", "public", "private")
_BITGET_REST = ("spot", "mix", "user", "p2p", "broker", "margin", "common", "tax", "convert", "copy", "earn", "uta")


def ccxt_urls(venue: str, rest_base: str, ws_base: str) -> dict[str, Any]:
    """Return ccxt's `urls` option for one exchange of a lab: `ccxt.okx({"urls": ccxt_urls("okx", rest, ws)})`.

    Every address is replaced, those of markets that the lab does not offer too, so that no request can leave for a
    real exchange. The unified account of Bitget is reached by the same addresses as the classic one.
    """
    build = _BUILDERS.get(venue)
    if build is None:
        raise InvalidInput(f"venue: expected one of {sorted(_BUILDERS)}, found {venue!r}")
    return build(rest_base.rstrip("/"), ws_base.rstrip("/"))


def binance_urls(rest_base: str, ws_base: str) -> dict[str, Any]:
    """Return ccxt's `urls` option for Binance, e.g. `ccxt.binance({"urls": binance_urls(...)})`.

    The spot stream's address contains "/stream", by which ccxt.pro knows spot, and the futures stream's ends in
    "/ws", behind which ccxt.pro puts its public, market and private parts.
    """
    rest, ws = rest_base.rstrip("/"), ws_base.rstrip("/")
    futures = dict.fromkeys(("linear", "inverse"), f"{ws}/fstream/ws")
    options = {"option": "public", "optionMarket": "market", "optionPrivate": "private"}
    parts = {name: f"{ws}/fstream/{part}/ws" for name, part in options.items()}
    spot = f"{ws}/stream/ws"
    streams = {"spot": spot, "margin": spot, "stock": spot, "papi": f"{ws}/pm/ws", **futures, **parts}
    ws_api = {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1", "inverse": f"{ws}/ws-dapi/v1"}
    api = {name: _binance_rest(rest, path) for name, path in _BINANCE_REST.items()}
    return {"api": {**api, "ws": {**streams, "ws-api": ws_api}}}


def _binance_rest(rest: str, path: str) -> str:
    """Put an address together. ccxt finds its tables of errors by "https://demo-api", "https://demo-fapi" and such."""
    family = {"/fapi": "demo-fapi", "/futures": "demo-fapi", "/dapi": "demo-dapi"}
    begins = next((prefix for beginning, prefix in family.items() if path.startswith(beginning)), "demo-api")
    return rest.replace(f"https://{LAB_HOST}", f"https://{begins}.{LAB_HOST}", 1) + path


def _okx_urls(rest: str, ws: str) -> dict[str, Any]:
    return {"api": {"rest": rest, "ws": f"{ws}/ws/v5"}}


def _bybit_urls(rest: str, ws: str) -> dict[str, Any]:
    public = {name: f"{ws}/v5/public/{name}" for name in ("spot", "inverse", "option", "linear")}
    private = {
        "spot": {"unified": f"{ws}/v5/private", "nonUnified": f"{ws}/spot/private/v3"},
        "contract": f"{ws}/v5/private",
        "usdc": f"{ws}/trade/option/usdc/private/v1",
        "trade": f"{ws}/v5/trade",
    }
    return {"api": {**dict.fromkeys(_BYBIT_REST, rest), "ws": {"public": public, "private": private}}}


def _bitget_urls(rest: str, ws: str) -> dict[str, Any]:
    streams = {
        "public": f"{ws}/v2/ws/public",
        "private": f"{ws}/v2/ws/private",
        "utaPublic": f"{ws}/v3/ws/public",
        "utaPrivate": f"{ws}/v3/ws/private",
    }
    return {"api": {**dict.fromkeys(_BITGET_REST, rest), "ws": streams, "demo": streams}}


_BUILDERS: Mapping[str, Callable[[str, str], dict[str, Any]]] = MappingProxyType(
    {
        "binance": binance_urls,
        "okx": _okx_urls,
        "bybit": _bybit_urls,
        "bitget": _bitget_urls,
        "bitget-uta": _bitget_urls,
    }
)
CCXT_VENUES = tuple(_BUILDERS)
