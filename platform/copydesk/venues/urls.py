"""Where an exchange lives: the real one, or the simulated one under any base address.

REST addresses are by origin (the names of `VenueTraits.origins`), stream addresses by what they carry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from copydesk.kernel import ConfigError

_LIVE: Mapping[str, tuple[dict[str, str], dict[str, str]]] = MappingProxyType(
    {
        "binance": (
            {"spot": "https://api.binance.com", "perpetual": "https://fapi.binance.com"},
            {
                "spot": "wss://ws-api.binance.com:443/ws-api/v3",
                "perpetual": "wss://fstream.binance.com/private/ws",
                "spot_market": "wss://stream.binance.com:9443/ws",
                "perpetual_market": "wss://fstream.binance.com/market/ws",
            },
        ),
        "okx": (
            {"rest": "https://www.okx.com"},
            {
                "private": "wss://ws.okx.com:8443/ws/v5/private",
                "business": "wss://ws.okx.com:8443/ws/v5/business",
                "public": "wss://ws.okx.com:8443/ws/v5/public",
            },
        ),
        "bybit": (
            {"rest": "https://api.bybit.com"},
            {
                "private": "wss://stream.bybit.com/v5/private",
                "public_spot": "wss://stream.bybit.com/v5/public/spot",
                "public_linear": "wss://stream.bybit.com/v5/public/linear",
            },
        ),
        "bitget": (
            {"classic": "https://api.bitget.com", "unified": "https://api.bitget.com"},
            {
                "private": "wss://ws.bitget.com/v2/ws/private",
                "private_unified": "wss://ws.bitget.com/v3/ws/private",
                "public": "wss://ws.bitget.com/v2/ws/public",
            },
        ),
    }
)
# The lab serves every exchange under one REST and one stream base, by path.
_LAB_STREAMS: Mapping[str, dict[str, str]] = MappingProxyType(
    {
        "binance": {
            "spot": "/ws-api/v3",
            "perpetual": "/fstream/private/ws",
            "spot_market": "/stream/ws",
            "perpetual_market": "/fstream/market/ws",
        },
        "okx": {"private": "/ws/v5/private", "business": "/ws/v5/business", "public": "/ws/v5/public"},
        "bybit": {
            "private": "/v5/private",
            "public_spot": "/v5/public/spot",
            "public_linear": "/v5/public/linear",
        },
        "bitget": {
            "private": "/v2/ws/private",
            "private_unified": "/v3/ws/private",
            "public": "/v2/ws/public",
        },
    }
)


@dataclass(frozen=True)
class VenueUrls:
    """Addresses of one environment of one exchange. REST addresses have no path."""

    venue: str
    rest: Mapping[str, str]
    streams: Mapping[str, str]

    @property
    def secure(self) -> bool:
        """Tell whether any address needs TLS."""
        return any(url.startswith(("https:", "wss:")) for url in (*self.rest.values(), *self.streams.values()))

    @classmethod
    def live(cls, venue: str) -> VenueUrls:
        """Name the real exchange; raises `ConfigError` for one that is not supported."""
        rest, streams = _LIVE[_known(venue)]
        return cls(venue, rest, streams)

    @classmethod
    def lab(cls, venue: str, rest_base: str, stream_base: str) -> VenueUrls:
        """Build from the lab's two bases, such as `http://127.0.0.1:8010` and `ws://127.0.0.1:8011`."""
        origins, _ = _LIVE[_known(venue)]
        rest, stream = rest_base.rstrip("/"), stream_base.rstrip("/")
        streams = {name: stream + path for name, path in _LAB_STREAMS[venue].items()}
        return cls(venue, dict.fromkeys(origins, rest), streams)


def _known(venue: str) -> str:
    if venue not in _LIVE:
        raise ConfigError(f"venue {venue!r} is not supported; expected one of {', '.join(_LIVE)}")
    return venue
