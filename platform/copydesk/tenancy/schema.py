"""The shape of `tenants/<slug>/tenant.yaml`, version 1.

Holds what a brand is; how it behaves (`replication`, `risk`, `features`, …) are declared settings, read in
`values.py`. Pure: what lies on disk comes in as `Surroundings`.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from babel import Locale, UnknownLocaleError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from copydesk.trading import Environment

SCHEMA_VERSION = 1
MISFIT = "misfit"
SECRET = "secret"  # noqa: S105 - the name of an error kind, not a password
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")
_SECRET_REFERENCE = re.compile(r"secret:[a-z][a-z0-9_]{0,63}\Z")
_SECRET_LIKE = re.compile(r"secret|password|passphrase|private|token", re.IGNORECASE)
_T = TypeVar("_T", bound=Hashable)


@dataclass(frozen=True)
class Surroundings:
    """What lies on disk around a tenant file: the names beside it, and the installed themes."""

    files: frozenset[str]
    themes: frozenset[str]


def misfit(expected: str, found: str = "") -> PydanticCustomError:
    """Build a validation error that says what was expected; `found` replaces the value in the report."""
    return PydanticCustomError(MISFIT, "{expected}", {"expected": expected, "found": found})


def _matching(pattern: str, expected: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise misfit(expected)
        return text

    return AfterValidator(check)


def _host(text: str) -> str:
    if not _HOST.match(text):
        raise misfit("a lower-case host name without scheme or port, such as desk.example.com")
    return text


def _locale(text: str) -> str:
    try:
        Locale.parse(text)
    except (UnknownLocaleError, ValueError):
        raise misfit("a locale such as en, de or pt_BR") from None
    return text


def _time_zone(text: str) -> str:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise misfit("a time zone such as Europe/Berlin or UTC") from None
    return text


def _secret_reference(value: object) -> str:
    if not isinstance(value, str) or not _SECRET_REFERENCE.match(value):
        raise PydanticCustomError(SECRET, "a reference such as secret:smtp_password")
    return value


def _distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise misfit("each entry once", f"{', '.join(repeated)} more than once")
    return values


def _one_of(names: Sequence[str], what: str) -> str:
    return f"{what}: {', '.join(sorted(names))}" if names else f"{what} (there is none)"


Text = Annotated[str, _matching(r"[^\n\r\t]{1,160}", "one line of 1 to 160 characters")]
Host = Annotated[str, AfterValidator(_host)]
LocaleTag = Annotated[str, AfterValidator(_locale)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Currency = Annotated[str, _matching(r"[A-Z0-9]{2,10}", "a currency code such as EUR or USDT")]
Market = Annotated[
    str,
    _matching(
        r"[A-Z0-9]{1,15}/([A-Z0-9]{2,10})(:\1)?",
        "a market such as BTC/USDT (base/quote), or BTC/USDT:USDT for a perpetual settled in its quote",
    ),
]
Color = Annotated[str, _matching(r"#[0-9a-fA-F]{6}", 'a color such as "#c2410c" (six digits, in quotes)')]
SecretReference = Annotated[str, PlainValidator(_secret_reference)]
BrokerId = Annotated[str, _matching(r"[A-Za-z0-9]{1,16}", "1 to 16 letters or digits")]
Provider = Annotated[str, _matching(r"[a-z][a-z0-9_]{1,31}", "a provider name in lower case, such as stripe")]
Email = Annotated[str, _matching(r"[^@\s<>]{1,64}@[^@\s<>]{1,190}", "an e-mail address")]


class _Strict(BaseModel):
    """Refuse unknown keys and never convert: the text "25" is not the number 25."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Colors(_Strict):
    """Color tokens. The theme derives the ramp and the text on it from `brand`; the rest have theme defaults."""

    brand: Color
    accent: Color | None = None
    up: Color | None = None
    down: Color | None = None

    def tokens(self) -> dict[str, str]:
        """Return the given tokens only, so that the theme's own values stand for the others."""
        return {name: str(color) for name, color in self.model_dump(exclude_none=True).items()}


class Brand(_Strict):
    """How the brand looks and where it is served. Asset names are files beside the tenant file."""

    name: Text
    tagline: Text
    hosts: Annotated[tuple[Host, ...], Field(strict=False, min_length=1), AfterValidator(_distinct)]
    theme: str
    colors: Colors
    logo: str
    favicon: str
    font: str | None = None
    radius_px: int = Field(default=10, ge=0, le=32)
    density: Literal["comfortable", "compact"] = "comfortable"

    @field_validator("theme")
    @classmethod
    def _theme_is_installed(cls, name: str, info: ValidationInfo) -> str:
        if info.context and name not in info.context.themes:
            raise misfit(_one_of(list(info.context.themes), "an installed theme"))
        return name

    @field_validator("logo", "favicon", "font")
    @classmethod
    def _asset_lies_beside(cls, name: str | None, info: ValidationInfo) -> str | None:
        endings = {"logo": (".svg", ".png", ".webp"), "favicon": (".svg", ".png", ".ico"), "font": (".woff2",)}
        allowed = endings[info.field_name or ""]
        if name is None:
            return None
        if "/" in name or "\\" in name or not name.endswith(allowed):
            raise misfit(f"the name of a {' or '.join(allowed)} file beside the tenant file")
        if info.context and name not in info.context.files:
            raise misfit("a file beside the tenant file", f"no file {name!r} there")
        return name


class Exchange(_Strict):
    """One exchange on which this brand's accounts live. `broker_id` earns the brand its rebate."""

    venue: Literal["binance", "okx", "bybit", "bitget"]
    environment: Annotated[Environment, Field(strict=False)]
    markets: Annotated[tuple[Market, ...], Field(strict=False, min_length=1), AfterValidator(_distinct)]
    broker_id: BrokerId | None = None

    @field_validator("broker_id")
    @classmethod
    def _broker_id_fits_the_exchange(cls, broker_id: str | None, info: ValidationInfo) -> str | None:
        """A Binance broker id is part of every order id there, where it must leave room."""
        if broker_id and info.data.get("venue") == "binance" and not 6 <= len(broker_id) <= 9:
            raise misfit("6 to 9 letters or digits")
        return broker_id


class Smtp(_Strict):
    """The mail server that the brand's messages leave through."""

    host: Host
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text | None = None
    password: SecretReference | None = None
    from_address: Email = Field(alias="from")


class Gateway(_Strict):
    """One payment provider. `public` may be shown in a browser; `secrets` are references only."""

    provider: Provider
    public: dict[str, Text] = Field(default_factory=dict)
    secrets: dict[str, SecretReference] = Field(default_factory=dict)

    @field_validator("public")
    @classmethod
    def _public_holds_no_secret(cls, fields: dict[str, str]) -> dict[str, str]:
        private = sorted(name for name in fields if _SECRET_LIKE.search(name))
        if private:
            raise misfit("only what a browser may see (move the rest to `secrets`)", ", ".join(private))
        return fields


class TenantConfig(_Strict):
    """A brand's file without its declared settings."""

    schema_version: Literal[1] = Field(alias="schema")
    brand: Brand
    locales: Annotated[tuple[LocaleTag, ...], Field(strict=False, min_length=1), AfterValidator(_distinct)]
    locale_default: str
    time_zone: TimeZone = "UTC"
    currency: Currency = "USDT"
    exchanges: Annotated[tuple[Exchange, ...], Field(strict=False, min_length=1)]
    smtp: Smtp | None = None
    payments: Annotated[tuple[Gateway, ...], Field(strict=False)] = ()

    @field_validator("locale_default")
    @classmethod
    def _default_is_offered(cls, tag: str, info: ValidationInfo) -> str:
        offered = info.data.get("locales")
        if offered is not None and tag not in offered:
            raise misfit(_one_of(offered, "one of `locales`"))
        return tag

    @field_validator("exchanges")
    @classmethod
    def _each_exchange_once(cls, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
        _distinct(tuple(f"{exchange.venue} {exchange.environment}" for exchange in exchanges))
        return exchanges

    @field_validator("exchanges")
    @classmethod
    def _markets_are_quoted_in_the_currency(
        cls, exchanges: tuple[Exchange, ...], info: ValidationInfo
    ) -> tuple[Exchange, ...]:
        """Allocations, books and leaders' equity are all in the brand's currency, so every market must be too."""
        currency = info.data.get("currency")
        markets = [market for exchange in exchanges for market in exchange.markets]
        foreign = [market for market in markets if market.partition("/")[2].partition(":")[0] != currency]
        if currency and foreign:
            raise misfit(f"markets quoted in the brand's currency {currency}", ", ".join(foreign))
        return exchanges

    def secret_references(self) -> list[tuple[tuple[str | int, ...], str]]:
        """List every secret the file refers to, as (where, name)."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        if self.smtp and self.smtp.password:
            found.append((("smtp", "password"), self.smtp.password))
        for index, gateway in enumerate(self.payments):
            found += [(("payments", index, "secrets", name), ref) for name, ref in gateway.secrets.items()]
        return [(where, reference.removeprefix("secret:")) for where, reference in found]
