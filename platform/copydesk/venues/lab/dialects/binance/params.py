"""Reading Binance parameters: what is legal, and the error answer where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import unquote_plus

from copydesk.venues.lab.dialects.binance import errors
from copydesk.venues.lab.dialects.binance.meters import OrderCounter
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.model import PublicTrade

DECIMAL_LEGAL: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID_LEGAL: Final = r"^[a-zA-Z0-9-_]{1,36}$"
INTEGER_LEGAL: Final = r"^[0-9]{1,20}$"
_DECIMAL = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_INTEGER = re.compile(r"[0-9]{1,20}")
PRECISION_MAX: Final = 8

SIGNED = frozenset({"timestamp", "recvWindow", "signature"})
WS_ONLY = frozenset({"apiKey", "returnRateLimits"})


@dataclass(slots=True)
class Call:
    """One authorized call: who asks, from where, when, with which parameters; `placed` counts its orders."""

    params: dict[str, str]
    ip: str
    now_ms: int
    placed: OrderCounter
    key: ApiKey | None = None

    @property
    def account(self) -> str:
        assert self.key is not None, "a handler that needs an account has a signed route"
        return self.key.account


def read_pairs(query: str, body: str) -> dict[str, str]:
    """Read the parameters of query and form; where both hold a name, the query wins."""
    if not body:
        return _pairs(query) if query else {}
    found = _pairs(body)
    if query:
        found.update(_pairs(query))
    return found


def _pairs(text: str) -> dict[str, str]:
    """Read `a=1&b=2`, percent-decoded; the same name twice is refused, as the exchange does."""
    found: dict[str, str] = {}
    parts = text.split("&")
    for part in parts:
        name, _, value = part.partition("=")
        found[name] = value
    if len(found) < len(parts):
        _refuse_duplicates(part for part in parts if part)
        found.pop("", None)
    if "%" in text or "+" in text:
        found = {unquote_plus(name): unquote_plus(value) for name, value in found.items()}
    return found


def _refuse_duplicates(parts: Iterable[str]) -> None:
    seen: set[str] = set()
    for part in parts:
        name = part.partition("=")[0]
        if name in seen:
            raise errors.ApiError(-1101, f"Duplicate values for parameter '{name}'.")
        seen.add(name)


def refuse_surplus(params: Mapping[str, str], known: frozenset[str]) -> None:
    """Refuse parameters that the endpoint does not read."""
    if not known.issuperset(params):
        raise errors.surplus(len(params.keys() & known), len(params))


def required(params: Mapping[str, str], name: str) -> str:
    value = params.get(name)
    if not value:
        raise errors.missing(name)
    return value


def decimal_of(params: Mapping[str, str], name: str) -> Decimal | None:
    """Read a positive decimal of at most eight places; None when it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if not text:
        raise errors.ApiError(-1105, f"Parameter '{name}' was empty.")
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise errors.illegal(name, DECIMAL_LEGAL)
    places = match.group(2)
    if places is not None and len(places.rstrip("0")) > PRECISION_MAX:
        raise errors.too_precise(name)
    return Decimal(text)


def integer_of(params: Mapping[str, str], name: str) -> int | None:
    """Read a whole number; None when it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if _INTEGER.fullmatch(text) is None:
        raise errors.illegal(name, INTEGER_LEGAL)
    return int(text)


def limit_of(params: Mapping[str, str], default: int, maximum: int) -> int:
    """Read `limit`; a larger one is cut to the maximum, as the exchange does."""
    limit = integer_of(params, "limit")
    if limit is None:
        return default
    if limit == 0:
        raise errors.ApiError(-1130, "Data sent for parameter 'limit' is not valid.")
    return min(limit, maximum)


def trades_asked(trades: Iterable[PublicTrade], params: Mapping[str, str]) -> list[PublicTrade]:
    """Return the trades asked for by `fromId` or by time, oldest first."""
    limit, first = limit_of(params, 500, 1000), integer_of(params, "fromId")
    start, end = integer_of(params, "startTime"), integer_of(params, "endTime")
    chosen = [
        trade
        for trade in trades
        if (first is None or trade.trade_id >= first)
        and (start is None or trade.at_ms >= start)
        and (end is None or trade.at_ms <= end)
    ]
    return chosen[-limit:] if first is None and start is None else chosen[:limit]


def client_id_of(params: Mapping[str, str], name: str) -> str | None:
    """Read a client order id; None when it was not sent."""
    text = params.get(name)
    if text is None:
        return None
    if _CLIENT_ID.fullmatch(text) is None:
        raise errors.illegal(name, CLIENT_ID_LEGAL)
    return text
