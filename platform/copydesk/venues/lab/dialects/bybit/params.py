"""Reading Bybit parameters: query strings and JSON bodies, and the error answer where a value is wrong.

Parameters that an endpoint does not know are ignored, as on Bybit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.keys import ApiKey
from copydesk.venues.lab.model import PERP, SPOT

SPOT_CATEGORY: Final = "spot"
LINEAR: Final = "linear"
MARKETS: Final[Mapping[str, str]] = {SPOT_CATEGORY: SPOT, LINEAR: PERP}
CATEGORIES: Final[Mapping[str, str]] = {SPOT: SPOT_CATEGORY, PERP: LINEAR}
# Categories that Bybit has and this lab lists nothing in.
EMPTY_CATEGORIES: Final = frozenset({"inverse", "option"})
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{0,20})?")
_LINK = re.compile(r"[A-Za-z0-9_-]{1,36}")


@dataclass(slots=True)
class Memory:
    """What the exchange remembers beside its engines; a restart forgets it.

    `dcp_seconds` holds the dead man's windows by account and market, `transfers` the transfers by account and
    `funding` the rates charged by symbol (time in ms, rate), both newest last.
    """

    dcp_seconds: dict[tuple[str, str], int] = field(default_factory=dict)
    transfers: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    funding: dict[str, list[tuple[int, Decimal]]] = field(default_factory=dict)


@dataclass(slots=True)
class Used:
    """What the rate limit has left after a call: `X-Bapi-Limit*`."""

    limit: int
    left: int
    reset_ms: int


@dataclass(slots=True)
class Call:
    """One call: who asks, from where, when, with which parameters. `ext` is the JSON of the answer's `retExtInfo`.

    `granted` is how many orders of a batch the rate limit lets through.
    """

    params: Mapping[str, Any]
    ip: str
    now_ms: int
    key: ApiKey | None = None
    ext: bytes = b"{}"
    used: Used | None = None
    memory: Memory = field(default_factory=Memory)
    granted: int = 1

    @property
    def account(self) -> str:
        assert self.key is not None, "a handler that needs an account has a signed route"
        return self.key.account


def read_query(query: str) -> dict[str, str]:
    """Read `a=1&b=2`, percent-decoded; the last of two equal names wins."""
    found: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found[name] = value
    if "%" in query or "+" in query:
        found = {unquote_plus(name): unquote_plus(value) for name, value in found.items()}
    return found


def read_body(body: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is a wrong request."""
    if not body:
        return {}
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.request_error() from None
    if not isinstance(read, dict):
        raise errors.request_error()
    return read


def text_of(params: Mapping[str, Any], name: str) -> str:
    """Read a text; "" when it was not sent. Numbers count as their text, as pybit and ccxt send both."""
    value = params.get(name)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise errors.bad_params(f"{name} invalid")


def required(params: Mapping[str, Any], name: str) -> str:
    text = text_of(params, name)
    if not text:
        raise errors.bad_params(f"{name} invalid")
    return text


def flag_of(params: Mapping[str, Any], name: str) -> bool:
    """Read a boolean; false when it was not sent."""
    return text_of(params, name).lower() in ("true", "1")


@lru_cache(maxsize=16_384)
def decimal_from(name: str, text: str) -> Decimal:
    if _NUMBER.fullmatch(text) is None:
        raise errors.bad_params(f"{name} invalid")
    return Decimal(text)


def decimal_of(params: Mapping[str, Any], name: str) -> Decimal | None:
    """Read a number of at most 20 places; None when it was not sent."""
    text = text_of(params, name)
    return decimal_from(name, text) if text else None


def integer_of(params: Mapping[str, Any], name: str) -> int | None:
    text = text_of(params, name)
    if not text:
        return None
    if not text.lstrip("-").isdecimal() or len(text) > 20:
        raise errors.bad_params(f"{name} invalid")
    return int(text)


def limit_of(params: Mapping[str, Any], default: int, maximum: int) -> int:
    """Read `limit`; a larger one is cut to the maximum."""
    limit = integer_of(params, "limit")
    if limit is None:
        return default
    return max(1, min(limit, maximum))


def link_of(params: Mapping[str, Any], market: str) -> str:
    """Read `orderLinkId`; "" when it was not sent. At most 36 letters, digits, dashes and underscores."""
    text = text_of(params, "orderLinkId")
    if text and _LINK.fullmatch(text) is None:
        raise (
            errors.bad_params("orderLinkId invalid")
            if market == PERP
            else errors.ApiError(170130, "Data sent for paramter 'orderLinkId' is not valid.")
        )
    return text


def market_of(params: Mapping[str, Any]) -> str:
    """Read the mandatory `category` of something that can be traded here."""
    market = MARKETS.get(text_of(params, "category"))
    if market is None:
        raise errors.bad_category()
    return market
