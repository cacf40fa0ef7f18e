"""Reading OKX requests: one call with its parameters, and the error where a value is not legal.

The exchange ignores parameters that it does not know and reads an empty text as if it had not been sent
(its own client sends every parameter, most of them empty).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.keys import ApiKey

Params = Mapping[str, Any]
_DECIMAL: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?")
_CLIENT_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_TAG: Final = re.compile(r"[A-Za-z0-9]{1,16}")
_INTEGER: Final = re.compile(r"[0-9]{1,20}")
LIST_MAX = 100


@dataclass(slots=True)
class Call:
    """One request: who asks, from where, when, with which parameters. `items` are those of a batch."""

    params: dict[str, Any]
    ip: str
    now_ms: int
    at_us: int
    key: ApiKey | None = None
    items: list[dict[str, Any]] | None = None

    @property
    def account(self) -> str:
        assert self.key is not None, "a handler that needs an account has a private route"
        return self.key.account


def read_query(query: str) -> dict[str, Any]:
    """Read `a=1&b=2`, percent-decoded; empty values count as not sent."""
    if not query:
        return {}
    found: dict[str, Any] = {}
    coded = "%" in query or "+" in query
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if value:
            found[name] = unquote_plus(value) if coded else value
    return found


def read_body(body: bytes) -> Any:
    """Read the JSON of a POST request."""
    if not body:
        raise errors.empty_body()
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise errors.bad_json() from None


def text_of(params: Params, name: str) -> str:
    """Read a text, "" when it was not sent; numbers and booleans are taken as they are written."""
    value = params.get(name)
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return decimal_text(Decimal(str(value))) if isinstance(value, int | float) else ""


def required(params: Params, name: str) -> str:
    text = text_of(params, name)
    if not text:
        raise errors.missing(name)
    return text


def one_of(params: Params, name: str, legal: Mapping[str, str], default: str | None = None) -> str:
    """Read one of a few words and return what it stands for; `default` None means that it must be there."""
    text = text_of(params, name)
    if not text:
        if default is None:
            raise errors.missing(name)
        return default
    meaning = legal.get(text)
    if meaning is None:
        raise errors.bad_parameter(name)
    return meaning


def flag_of(params: Params, name: str) -> bool:
    """Read a boolean, sent as such or as a text."""
    text = text_of(params, name).lower()
    if text not in ("", "true", "false"):
        raise errors.bad_parameter(name)
    return text == "true"


@lru_cache(maxsize=16_384)
def decimal_in(name: str, text: str) -> Decimal:
    """Read a positive decimal number."""
    if _DECIMAL.fullmatch(text) is None:
        raise errors.bad_parameter(name)
    value = Decimal(text)
    if not value:
        raise errors.bad_parameter(name)
    return value


def decimal_of(params: Params, name: str) -> Decimal | None:
    """Read a positive decimal number; None when it was not sent."""
    text = text_of(params, name)
    return decimal_in(name, text) if text else None


def integer_of(params: Params, name: str) -> int | None:
    """Read a whole number; None when it was not sent."""
    text = text_of(params, name)
    if not text:
        return None
    if _INTEGER.fullmatch(text) is None:
        raise errors.bad_parameter(name)
    return int(text)


def limit_of(params: Params, default: int = LIST_MAX, maximum: int = LIST_MAX) -> int:
    """Read `limit`; a larger one is cut to the maximum."""
    limit = integer_of(params, "limit")
    if limit is None:
        return default
    return max(1, min(limit, maximum))


def client_id_of(params: Params, name: str = "clOrdId") -> str:
    """Read a client order id, "" when it was not sent: 1 to 32 letters and digits."""
    text = text_of(params, name)
    if text and _CLIENT_ID.fullmatch(text) is None:
        raise errors.bad_parameter(name)
    return text


def tag_of(params: Params) -> str:
    """Read the order tag: up to 16 letters and digits."""
    text = text_of(params, "tag")
    if text and _TAG.fullmatch(text) is None:
        raise errors.bad_parameter("tag")
    return text
