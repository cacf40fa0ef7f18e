"""Where an exchange lives: the real one, or the simulated one under any base address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VenueUrls:
    """Addresses of one environment. `rest` has no path; `ws_api` carries the private stream."""

    rest: str
    ws_stream: str
    ws_api: str

    @classmethod
    def live(cls) -> VenueUrls:
        return cls(
            rest="https://api.binance.com",
            ws_stream="wss://stream.binance.com:9443/stream/ws",
            ws_api="wss://ws-api.binance.com:443/ws-api/v3",
        )

    @classmethod
    def lab(cls, rest_base: str, ws_base: str) -> VenueUrls:
        """Build from the lab's two bases, such as `http://127.0.0.1:8801` and `ws://127.0.0.1:8802`.

        The stream path keeps `/stream`: ccxt.pro files spot data under the wrong market without it.
        """
        ws_base = ws_base.rstrip("/")
        return cls(rest=rest_base.rstrip("/"), ws_stream=f"{ws_base}/stream/ws", ws_api=f"{ws_base}/ws-api/v3")

    def ccxt_urls(self) -> dict[str, object]:
        """Return the `urls` override that points an unmodified `ccxt.binance` or `ccxt.pro.binance` here."""
        api: dict[str, object] = dict.fromkeys(("public", "private"), f"{self.rest}/api/v3")
        api["v1"] = f"{self.rest}/api/v1"
        api["sapi"] = f"{self.rest}/sapi/v1"
        api.update({f"sapiV{version}": f"{self.rest}/sapi/v{version}" for version in (2, 3, 4)})
        api["ws"] = {"spot": self.ws_stream, "ws-api": {"spot": self.ws_api}}
        return {"api": api}
